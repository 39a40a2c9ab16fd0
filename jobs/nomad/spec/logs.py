"""What is kept of a task's output."""

from dataclasses import dataclass
from typing import Annotated

from jobs.nomad.document import Api, Block


@dataclass(frozen=True, kw_only=True, slots=True)
class LogConfig(Block):
    """How many log files of a task are kept, and how large they may grow; `enabled` was before `disabled`."""

    max_files: int | None = None
    max_file_size_mb: Annotated[int | None, Api("MaxFileSizeMB")] = None
    disabled: bool | None = None
    enabled: bool | None = None
