"""Where allocations are placed: must, should, and spread over."""

from dataclasses import dataclass
from typing import Annotated

from jobs.nomad.check import Range
from jobs.nomad.document import Api, Block

_WEIGHT = Range(-100, 100)
_PERCENT = Range(0, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint(Block):
    """Where a job, group or task may be placed."""

    attribute: Annotated[str | None, Api("LTarget")] = None
    value: Annotated[str | None, Api("RTarget")] = None
    operator: Annotated[str | None, Api("Operand")] = "="


@dataclass(frozen=True, kw_only=True, slots=True)
class Affinity(Block):
    """Where placement is preferred (weight above 0) or avoided (below); -100 to 100."""

    attribute: Annotated[str | None, Api("LTarget")] = None
    value: Annotated[str | None, Api("RTarget")] = None
    operator: Annotated[str | None, Api("Operand")] = "="
    weight: Annotated[int | None, _WEIGHT] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpreadTarget(Block):
    """A value of a spread's attribute, and the share of the allocations it should have."""

    value: str
    percent: Annotated[int | None, _PERCENT] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread(Block):
    """Allocations spread over the values of an attribute; weight 0 to 100."""

    attribute: str
    weight: Annotated[int | None, _PERCENT] = None
    targets: Annotated[tuple[SpreadTarget, ...] | None, Api("SpreadTarget")] = None
