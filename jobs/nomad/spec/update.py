"""How versions follow each other, and what becomes of allocations that fail or whose node goes away."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from jobs.nomad.document import Api, Block


@dataclass(frozen=True, kw_only=True, slots=True)
class Update(Block):
    """How a new version replaces the old one."""

    max_parallel: int | None = None
    health_check: Literal["checks", "task_states", "manual"] | None = None
    min_healthy_time: timedelta | None = None
    healthy_deadline: timedelta | None = None
    progress_deadline: timedelta | None = None
    stagger: timedelta | None = None
    canary: int | None = None
    auto_revert: bool | None = None
    auto_promote: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrate(Block):
    """How allocations leave a node that is drained."""

    max_parallel: int | None = None
    health_check: Literal["checks", "task_states"] | None = None
    min_healthy_time: timedelta | None = None
    healthy_deadline: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart(Block):
    """How often a failed task is started again on its node, before the allocation fails."""

    attempts: int | None = None
    interval: timedelta | None = None
    delay: timedelta | None = None
    mode: Literal["fail", "delay"] | None = None
    render_templates: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reschedule(Block):
    """How a failed allocation is placed again, perhaps on another node."""

    attempts: int | None = None
    interval: timedelta | None = None
    delay: timedelta | None = None
    delay_function: Literal["constant", "exponential", "fibonacci"] | None = None
    max_delay: timedelta | None = None
    unlimited: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disconnect(Block):
    """What becomes of allocations whose client is not heard of, and which of two is kept when it is back."""

    lost_after: timedelta | None = None
    stop_on_client_after: timedelta | None = None
    replace: bool | None = None
    reconcile: Literal["keep_original", "keep_replacement", "best_score", "longest_running"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EphemeralDisk(Block):
    """The disk shared by a group's tasks."""

    size_mb: Annotated[int | None, Api("SizeMB")] = None
    sticky: bool | None = None
    migrate: bool | None = None
