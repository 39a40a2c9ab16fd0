"""What the tests of one check say, and what the check says for them all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.rollout.verdicts import Measurement, Verdict

WHOLE: Final = 100
"""All of the traffic, in percent."""

ROUNDING: Final = 1e-9
"""`1 - 0.99` is a little more than 0.01."""

_WORST: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.NO_DATA, Verdict.INCONCLUSIVE, Verdict.PASS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one test says."""

    verdict: Verdict
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    hard: bool = False


def together(check: str, findings: Sequence[Finding], query: str, numbers: Mapping[str, float]) -> Measurement:
    """The worst finding is the check's verdict; the reason names those that decided."""
    verdict = next((each for each in _WORST if any(f.verdict is each for f in findings)), Verdict.NO_DATA)
    return Measurement(
        check=check,
        verdict=verdict,
        reason="; ".join(each.text for each in findings if each.verdict is verdict) or "nothing was measured",
        numbers={**numbers, **{key: value for each in findings for key, value in each.numbers.items()}},
        query=query,
        hard=any(each.hard for each in findings),
    )


def passes(text: str) -> Finding:
    """All is well."""
    return Finding(verdict=Verdict.PASS, text=text)


def too_few(who: str, total: int, minimum: int) -> Finding | None:
    """That there is not enough to say anything; of nothing nothing is said, whatever the minimum."""
    if total >= max(minimum, 1):
        return None
    text = f"{total} requests of the {who}, at least {max(minimum, 1)} are needed"
    return Finding(verdict=Verdict.NO_DATA, text=text)


def compares(comparison: float | None, own: object | None, weight: int) -> bool:
    """Whether to compare: with all of the traffic for the canary nothing is left for it, and the own limit must do."""
    return comparison is not None and (weight < WHOLE or own is None)


def uncompared(comparison: float | None, weight: int) -> Iterator[Finding]:
    """What is said of a comparison that was asked for and is not made."""
    if comparison is not None:
        yield passes(f"with {weight} % for the canary there is no stable half to compare with")


def judged(*, beyond: bool, chance: float, alpha: float) -> Verdict:
    """Beyond a limit is a failure when chance does not explain it."""
    if not beyond:
        return Verdict.PASS
    return Verdict.FAIL if chance < alpha else Verdict.INCONCLUSIVE


def odds(chance: float, alpha: float) -> str:
    """How likely it is by chance, in a reason."""
    return f"chance {chance:.1e}, it decides below {alpha:.1e}"
