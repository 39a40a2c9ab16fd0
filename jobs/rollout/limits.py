"""What is wrong with a check as a job file gives it."""

import re
import warnings
from collections.abc import Iterator
from string import Template
from typing import assert_never

from configs import ingress
from jobs.rollout import queries
from jobs.rollout.checks import Check, Expression, Latency, LogLines, Restarts, SuccessRate

_RE2_ONLY = ("bad escape", "global flags not at the start")
"""What Python refuses and RE2 takes: `\\pL`, `\\z`, flags in the middle."""

_PYTHON_ONLY = re.compile(r"\(\?(?:[=!(>]|<[=!])|\\[1-9]|(?<!\\)[*+?}]\+")
"""Look-around, conditions, atomic groups, back references, possessive repetition: RE2 has none."""


def problems(check: Check, *, whole: bool = False) -> Iterator[str]:
    """Each mistake in a check, with its field and what to do.

    Args:
        check: the check.
        whole: whether a step gives the canary all of the traffic, so that nothing is left to compare it with.
    """
    if not check.name.strip():
        yield f"name={check.name!r}: it is empty - give it a name"
    match check:
        case SuccessRate():
            yield from _success_rate(check, whole=whole)
        case Latency():
            yield from _latency(check, whole=whole)
        case Expression():
            yield from _expression(check)
        case Restarts(at_most=at_most):
            yield from _counted("at_most", at_most, 0)
        case LogLines():
            yield from _counted("at_most", check.at_most, 0)
            yield from _matching(check.matching)
        case never:
            assert_never(never)


def _success_rate(check: SuccessRate, *, whole: bool) -> Iterator[str]:
    for name in ("at_least", "worse_by", "hard"):
        value = getattr(check, name)
        if value is not None and not 0 <= value <= 1:
            yield f"{name}={value}: it is a share - use 0 to 1"
    if check.at_least is None and check.worse_by is None:
        yield "at_least, worse_by: there is no limit - give one of them"
    if check.hard is not None and check.hard <= 0:
        yield f"hard={check.hard}: no failure at all would end the rollout - use more than 0"
    elif check.hard is not None and check.at_least is not None and check.hard < 1 - check.at_least:
        yield f"hard={check.hard}: it is below the {1 - check.at_least:.4g} that at_least={check.at_least} allows"
    yield from _counted("minimum", check.minimum, 1)
    if whole and check.at_least is None:
        yield "at_least: with 100 % of the traffic there is no stable half to compare with - give it too"


def _latency(check: Latency, *, whole: bool) -> Iterator[str]:
    if not 0 < check.quantile < 1:
        yield f"quantile={check.quantile}: use more than 0 and less than 1, such as 0.95"
    if check.at_most is None and check.factor is None:
        yield "at_most, factor: there is no limit - give one of them"
    if check.factor is not None and not 1 <= check.factor < float("inf"):
        yield f"factor={check.factor}: use 1 or more"
    if check.at_most is not None:
        yield from _bound(check.at_most.total_seconds())
    yield from _counted("minimum", check.minimum, 1)
    if whole and check.at_most is None:
        yield "at_most: with 100 % of the traffic there is no stable half to compare with - give it too"


def _bound(seconds: float) -> Iterator[str]:
    """Requests are counted by the ingress's bounds: on which side of another time one was is not known."""
    if any(abs(seconds - bound) < 1e-9 for bound in ingress.BUCKETS):  # noqa: PLR2004 - floats
        return
    near = sorted(sorted(ingress.BUCKETS, key=lambda bound: abs(bound - seconds))[:2])
    ways = " or ".join(f"{bound * 1000:g} ms" for bound in near)
    yield f"at_most={seconds * 1000:g} ms: the ingress does not count by this time - use {ways}"


def _expression(check: Expression) -> Iterator[str]:
    if not check.query.strip():
        yield "query: it is empty - give one that has exactly one number"
    template = Template(check.query)
    if not template.is_valid():
        yield "query: a `$` begins no name in it - write `$$` for the sign itself"
    for name in sorted(set(template.get_identifiers()) - queries.NAMES):
        known = ", ".join(f"${each}" for each in sorted(queries.NAMES))
        yield f"query: ${name} is not known - use {known}, or `$$` for the sign itself"
    low, high, hard = check.at_least, check.at_most, check.hard
    if low is None and high is None:
        yield "at_most, at_least: there is no limit - give one of them"
    if low is not None and high is not None and low > high:
        yield f"at_least={low}, at_most={high}: no number is in between"
    if hard is None:
        return
    if low is not None and high is not None:
        yield f"hard={hard}: with both limits it is not clear on which side - make two checks of it"
    elif (high is not None and hard < high) or (low is not None and hard > low):
        yield f"hard={hard}: it is inside the limit"


def _counted(name: str, value: int, least: int) -> Iterator[str]:
    if value < least:
        yield f"{name}={value}: use {least} or more"


def _matching(matching: str) -> Iterator[str]:
    if not matching.strip():
        yield "matching: it is empty, and would match every line - give an expression"
    if matching.startswith("|"):
        return
    if _PYTHON_ONLY.search(matching):
        yield f"matching={matching!r}: Loki's expressions (RE2) have no look-around and no back references"
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(matching)
    except re.error as error:
        if not str(error).startswith(_RE2_ONLY):
            yield f"matching={matching!r}: {error}"
