"""What a step's measurements mean: whether it has passed, and what follows when it has not.

Each verdict has its own bound. What a check says counts from the moment the step's weight was in force.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jobs.rollout.plan import Bound, Consequence, Plan
from jobs.rollout.seen import Seen
from jobs.rollout.state import State, Tally
from jobs.rollout.verdicts import Measurement, Verdict

SHARE = "share"
"""The share of the traffic that was served by the canary: measured beside the plan's checks at each weight."""

WEIGHT = "weight"
"""The weight in force, asked at every ingress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What follows: the step has passed, something has to be done, or (neither) it goes on."""

    passed: bool = False
    then: Consequence | None = None
    reason: str = ""


def measures(state: State, now: float) -> bool:
    """Whether the checks are to be measured now: each interval, and at once when the step's time is over."""
    if state.step_began is None:
        return False
    return now - state.measured >= state.plan.interval.total_seconds() or state.measured < _end(state) <= now


def looks(plan: Plan) -> float:
    """How often a check is measured at most: a step that does not pass goes on until its bound."""
    longer = max(plan.bounds.no_data.within, plan.bounds.inconclusive.within, plan.bounds.error.within)
    return sum((step.hold + longer) / plan.interval + 1 for step in plan.steps)


def judged(state: State, seen: Seen, now: float) -> tuple[State, Outcome]:
    """The state with this moment's measurements counted, and what follows from all of them."""
    if seen.measurements:
        state = _counted(state, (*_weight(state, seen), *seen.measurements), now)
        if failed := [f"{each.check}: {each.reason}" for each in seen.measurements if _fails(state, each)]:
            return state, Outcome(then=Consequence.REVERT, reason="; ".join(failed))
    if _passes(state, seen):
        return state, Outcome(passed=True)
    return state, next(_overdue(state, now), Outcome())


def required(state: State, seen: Seen) -> frozenset[str]:
    """The names of all that must pass."""
    extra = {WEIGHT} if seen.traffic else set()
    if seen.traffic and 0 < state.weight < 100:  # noqa: PLR2004 - percent
        extra.add(SHARE)
    return frozenset(check.name for check in state.plan.checks) | extra


def _passes(state: State, seen: Seen) -> bool:
    """Whether all passed in a measurement that was made when the step's time was over."""
    wanted = required(state, seen)
    passed = {name for name, tally in state.tallies.items() if tally.verdict is Verdict.PASS}
    return bool(wanted) and state.measured >= _end(state) and wanted <= passed


def _fails(state: State, measured: Measurement) -> bool:
    if measured.verdict is not Verdict.FAIL:
        return False
    return measured.hard or state.tallies[measured.check].row >= state.plan.bounds.failures


def _overdue(state: State, now: float) -> Iterator[Outcome]:
    bounds, end = state.plan.bounds, _end(state)
    for name, tally in state.tallies.items():
        match tally.verdict:
            case Verdict.ERROR:
                bound, since = bounds.error, tally.since
            case Verdict.NO_DATA if not state.paused:
                bound, since = bounds.no_data, max(tally.since, end)
            case Verdict.INCONCLUSIVE | Verdict.FAIL if not state.paused:
                bound, since = bounds.inconclusive, max(tally.since, end)
            case _:
                continue
        if now - since > bound.within.total_seconds():
            yield _left(name, tally, bound)


def _left(name: str, tally: Tally, bound: Bound) -> Outcome:
    return Outcome(then=bound.then, reason=f"{name}: {tally.verdict} for more than {bound.within}: {tally.reason}")


def _counted(state: State, measurements: tuple[Measurement, ...], now: float) -> State:
    for measured in measurements:
        last = state.tallies.get(measured.check)
        same = last is not None and last.verdict is measured.verdict
        tally = Tally(
            verdict=measured.verdict,
            since=last.since if last and same else now,
            row=last.row + 1 if last and same else 1,
            reason=measured.reason,
        )
        state = replace(state, tallies={**state.tallies, measured.check: tally})
        if not same or now >= _end(state):
            state = state.noted(
                now,
                f"{measured.check}: {measured.verdict}: {measured.reason}",
                check=measured.check,
                verdict=measured.verdict,
                numbers=measured.numbers,
                query=measured.query,
            )
    return replace(state, measured=now)


def _weight(state: State, seen: Seen) -> Iterator[Measurement]:
    if seen.traffic is None:
        return
    if seen.traffic.in_force(state.weight):
        yield Measurement(check=WEIGHT, verdict=Verdict.PASS, reason=f"{state.weight} % in force at every ingress")
    else:
        says = ", ".join(
            f"{name}: {'no answer' if half is None else f'{half.weight} %'}"
            for name, half in seen.traffic.ingresses.items()
        )
        yield Measurement(check=WEIGHT, verdict=Verdict.ERROR, reason=f"{state.weight} % is not in force: {says}")


def _end(state: State) -> float:
    """When the step's time is over; it has one only since its weight is in force."""
    return (state.step_began or 0.0) + state.plan.steps[state.step].hold.total_seconds()
