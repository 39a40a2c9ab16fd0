"""How many of a group, or how much for a task, an autoscaler may ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.nomad.check import Mistake
from jobs.nomad.document import Block

SERVER_FIELDS = frozenset({"ID", "Namespace", "Target", "CreateIndex", "ModifyIndex"})
"""What Nomad itself writes into a scaling policy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingPolicy(Block):
    """Bounds for an autoscaler, and its own settings (`policy`), which Nomad only keeps."""

    min: int | None = None
    max: int | None = None
    enabled: bool | None = None
    type: str | None = None
    policy: Mapping[str, Any] | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """The bounds hold something."""
        if self.max is not None and self.max < (self.min or 0):
            yield ".max", f"{self.max} is less than min={self.min} - give at least that"
