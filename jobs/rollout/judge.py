"""What measured numbers mean: a check and counts in, a measurement with its reason out. Nothing here asks anybody.

A check fails only when that is certain: beyond its limit by more than chance explains (`alpha`, which its tests share).
It passes when what was measured is inside its limits. Between the two it is inconclusive, and without the samples that
it asks for it says nothing at all. See docs/decisions/five-verdicts-by-exact-tests.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.rollout import findings, significance
from jobs.rollout.checks import Expression, LogLines, Restarts, SuccessRate
from jobs.rollout.counts import Requests
from jobs.rollout.findings import Finding
from jobs.rollout.verdicts import Measurement, Verdict

SHARE: Final = "share"
CONFIDENCE: Final = 0.99
"""Of the interval that the share which the canary served must be in."""

SHARE_MINIMUM: Final = 50
"""Requests of both halves below which nothing is said of their shares."""

_SIGNAL_9: Final = "137"
"""The exit code, as Nomad writes it."""

_UNFINISHED: Final = 0.005
"""A share may be off by this: requests are split as they begin, and counted as they end."""


def success_rate(
    check: SuccessRate, canary: Requests, stable: Requests, *, alpha: float, weight: int, query: str
) -> Measurement:
    """Whether too many of the canary's requests failed, by the check's own limit and beside the stable half.

    Args:
        check: what is allowed.
        canary: what the canary served since the step began.
        stable: what the stable half served in the same time.
        alpha: the chance of a false alarm that this measurement is allowed.
        weight: the canary's share of the traffic, in percent.
        query: where the numbers are from.
    """
    beside = findings.compares(check.worse_by, check.at_least, weight)
    found: list[Finding] = []
    if few := findings.too_few("canary", canary.total, check.minimum):
        found.append(few)
    else:
        alpha /= max(1, (check.at_least is not None) + beside)
        found += [*_hard_share(check, canary), *_failures(check, canary, alpha)]
        found += _more_failures(check, canary, stable, alpha) if beside else findings.uncompared(check.worse_by, weight)
    numbers = {"requests": canary.total, "failed": canary.failed, "alpha": alpha}
    return findings.together(check.name, found, query, numbers)


def expression(check: Expression, value: float, *, query: str) -> Measurement:
    """Whether a finite number is inside its limits; there is no chance in it that we know of."""
    beyond = (check.at_most is not None and value > check.at_most) or (
        check.at_least is not None and value < check.at_least
    )
    text = f"{value:g}, to be {_limits(check)}"
    hard = beyond and _is_hard(check, value)
    found = Finding(verdict=Verdict.FAIL, text=text, hard=hard) if beyond else findings.passes(text)
    return findings.together(check.name, [found], query, {"value": value})


def restarts(check: Restarts, canaries: Sequence[Mapping[str, Any]]) -> Measurement:
    """How often the canary's tasks were restarted, killed for their memory, or gave up, since they were placed.

    Args:
        check: what is allowed.
        canaries: Nomad's list stubs of all the canary's allocations, failed ones too. An OOM kill is an event
            `Terminated` with the detail `oom_killed`; a restart follows it, or the task has failed. Nomad can miss that
            it was one ("best effort", drivers/shared/executor/executor_linux_cgo.go): then it is an end by signal 9.
    """
    states = [(each, each.get("TaskStates") or {}) for each in canaries]
    tasks = [(f"{name} in {str(each.get('ID'))[:8]}", state) for each, found in states for name, state in found.items()]
    ended = {name: int(state.get("Restarts") or 0) + bool(state.get("Failed")) for name, state in tasks}
    kills = {name: sum(map(_out_of_memory, _events(state))) for name, state in tasks}
    unclear = {name: sum(map(_by_signal_9, _events(state))) for name, state in tasks}
    count = sum(max(ended[name], kills[name]) for name, _ in tasks)
    numbers = {"tasks": len(tasks), "restarts": sum(ended.values()), "oom_kills": sum(kills.values())}
    who = ", ".join(
        _ends(name, ended[name], kills[name], unclear[name]) for name, _ in tasks if ended[name] or kills[name]
    )
    if count > check.at_most:
        finding = Finding(verdict=Verdict.FAIL, text=f"{who}: at most {check.at_most} in all", hard=True)
    elif not tasks or (unknown := [each for each, found in states if not found and _wanted(each)]):
        text = f"Nomad knows no task yet of {len(unknown) if tasks else len(states)} of {len(states)} canaries"
        finding = Finding(verdict=Verdict.NO_DATA, text=text)
    else:
        finding = findings.passes(f"{count} restarts or OOM kills of {len(tasks)} tasks, at most {check.at_most}")
    return findings.together(check.name, [finding], "Nomad's TaskStates of the canary's allocations", numbers)


def log_lines(check: LogLines, matching: float, seen: float | None, *, query: str) -> Measurement:
    """Whether the canary logged too much of something.

    Args:
        check: what is allowed.
        matching: its lines since the step began that match.
        seen: all its lines that Loki has; None when that was not asked. Without one it is not known that lines arrive.
        query: what Loki was asked.
    """
    numbers = {"lines": matching} | ({} if seen is None else {"all_lines": seen})
    text = f"{matching:g} lines match {check.matching!r} since the step began, at most {check.at_most}"
    if matching > check.at_most:
        finding = Finding(verdict=Verdict.FAIL, text=text)
    elif not matching and not seen:
        text = "Loki has no line of the canary at all, so none that matches says nothing"
        finding = Finding(verdict=Verdict.NO_DATA, text=text)
    else:
        finding = findings.passes(f"{text}; lines arrive within seconds")
    return findings.together(check.name, [finding], query, numbers)


def share(canary: int, stable: int, *, alpha: float, weight: int, query: str) -> Measurement:
    """Whether the canary served the share of the requests that its weight says.

    Args:
        canary: its requests since the weight was in force everywhere.
        stable: the stable half's.
        alpha: the chance of a false alarm; outside the 99 % interval, but within that chance, is inconclusive.
        weight: the canary's share, in percent.
        query: where the numbers are from.
    """
    total, wanted = canary + stable, weight / findings.WHOLE
    numbers: dict[str, float] = {"canary": canary, "stable": stable, "weight": weight}
    if few := findings.too_few("service", total, SHARE_MINIMUM):
        return findings.together(SHARE, [few], query, numbers)
    served, (low, high) = canary / total, significance.interval(total, wanted, CONFIDENCE)
    low, high = min(low, wanted - _UNFINISHED), max(high, wanted + _UNFINISHED)
    chance = significance.off(canary, total, wanted)
    text = f"{served:.2%} of {total} requests, wanted {weight} % ({CONFIDENCE:.0%}: {low:.2%} to {high:.2%})"
    verdict = Verdict.PASS
    if not low <= served <= high:
        verdict = Verdict.FAIL if chance < alpha else Verdict.INCONCLUSIVE
    numbers |= {"share": served, "low": low, "high": high, "chance": chance}
    return findings.together(SHARE, [Finding(verdict=verdict, text=text)], query, numbers)


def _hard_share(check: SuccessRate, canary: Requests) -> Iterator[Finding]:
    if check.hard is not None and canary.failed >= check.hard * canary.total * (1 - findings.ROUNDING):
        text = f"{_failed(canary)}, and {check.hard:.2%} ends the rollout at once"
        yield Finding(verdict=Verdict.FAIL, text=text, hard=True)


def _failures(check: SuccessRate, canary: Requests, alpha: float) -> Iterator[Finding]:
    if check.at_least is None:
        return
    limit = 1 - check.at_least
    chance = significance.above(canary.failed, canary.total, limit)
    beyond = canary.failed > limit * canary.total * (1 + findings.ROUNDING)
    text = f"{_failed(canary)}, at most {limit:.2%} may ({findings.odds(chance, alpha)})"
    verdict = findings.judged(beyond=beyond, chance=chance, alpha=alpha)
    yield Finding(verdict=verdict, text=text, numbers={"limit": limit, "chance": chance})


def _more_failures(check: SuccessRate, canary: Requests, stable: Requests, alpha: float) -> Iterator[Finding]:
    if check.worse_by is None:
        return
    if few := findings.too_few("stable half", stable.total, check.minimum):
        yield few
        return
    chance = significance.more(canary.failed, canary.total, stable.failed, stable.total)
    by = canary.failed / canary.total - stable.failed / stable.total
    text = (
        f"{_failed(canary)}, and {_failed(stable)} of the stable half: {by:.2%} more, at most {check.worse_by:.2%} may "
        f"({findings.odds(chance, alpha)})"
    )
    numbers = {"stable_requests": stable.total, "stable_failed": stable.failed, "worse_by": by, "chance_alike": chance}
    verdict = findings.judged(beyond=by > check.worse_by + findings.ROUNDING, chance=chance, alpha=alpha)
    yield Finding(verdict=verdict, text=text, numbers=numbers)


def _failed(half: Requests) -> str:
    return f"{half.failed} of {half.total} requests failed ({half.failed / half.total:.2%})"


def _is_hard(check: Expression, value: float) -> bool:
    if check.hard is None:
        return False
    return value > check.hard if check.at_most is not None else value < check.hard


def _limits(check: Expression) -> str:
    limits = []
    if check.at_most is not None:
        limits.append(f"at most {check.at_most:g}")
    if check.at_least is not None:
        limits.append(f"at least {check.at_least:g}")
    return " and ".join(limits)


def _wanted(allocation: Mapping[str, Any]) -> bool:
    """Whether it is to run; one that was replaced before it began has nothing to tell."""
    return bool(allocation.get("DesiredStatus", "run") == "run")


def _out_of_memory(event: Mapping[str, Any]) -> bool:
    return str((event.get("Details") or {}).get("oom_killed", "")).lower() == "true"


def _by_signal_9(event: Mapping[str, Any]) -> bool:
    return (event.get("Details") or {}).get("exit_code") == _SIGNAL_9 and not _out_of_memory(event)


def _events(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return task.get("Events") or ()


def _ends(name: str, ended: int, kills: int, unclear: int) -> str:
    return (
        f"{name}: {ended} restarts or failures"
        + (f", {kills} OOM kills" if kills else "")
        + (f", {unclear} by signal 9, as OOM kills are" if unclear else "")
    )
