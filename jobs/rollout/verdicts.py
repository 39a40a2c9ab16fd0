"""What a measurement says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What one check says at one time."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NO_DATA = "no data"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One check, measured once.

    Attributes:
        check: the check's name.
        reason: one sentence with the numbers that decided.
        numbers: what was measured, finite numbers by name.
        query: what was asked, and of whom.
        hard: a failure that ends the rollout by itself, whatever the bound of failures.
    """

    check: str
    verdict: Verdict
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    query: str = ""
    hard: bool = False
