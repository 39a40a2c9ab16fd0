"""What a rollout does next: from where it is and what is seen. Nothing here has an effect.

`decide` moves the state, `due` tells what has to be done so that the real systems are as the state wants them. The
state is kept in the journal before anything is done, so that whoever goes on with it does the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from jobs.rollout import actions, judgement, turns
from jobs.rollout.actions import Action
from jobs.rollout.plan import Consequence
from jobs.rollout.seen import Request, Seen
from jobs.rollout.state import Phase, Result, State

WITHDRAW_WITHIN: Final = timedelta(seconds=15)
"""How long weight 0 may take at an ingress that does not answer, before the canaries are taken away all the same."""

REVERTS_BY_ITSELF: Final = timedelta(seconds=5)
"""How long Nomad has to register the stable version by itself after its deployment failed."""

_LOOK: Final = timedelta(seconds=5)
"""How long a look may take: what is decided on it is decided so much later."""


def decide(state: State, seen: Seen, now: float) -> State:
    """The state after a moment.

    Args:
        state: where the rollout is.
        seen: what there is now.
        now: epoch seconds.
    """
    asked = _asked(state, seen, now)
    # Where a request led is not left again by what else is seen at that moment: an abort would be lost.
    return asked if asked.phase is not state.phase else _PHASES[state.phase](asked, seen, now)


def due(state: State, seen: Seen, now: float) -> Iterator[Action]:
    """What has to be done now; nothing when all is as the state wants it."""
    if seen.traffic and seen.traffic.written != state.weight and state.phase is not Phase.ENDED:
        yield actions.Weigh(state.weight)
    elif state.phase is Phase.REGISTERING and (seen.job is None or seen.job.ours is None):
        yield actions.Register()
    # A rolling update may still pass through canaries, as the job's update says: their health alone decides.
    rolling = state.phase is Phase.FINISHING and state.plan.strategy == "rolling"
    if (state.phase is Phase.PROMOTING or rolling) and seen.deployment and seen.deployment.waits:
        yield actions.Promote(seen.deployment.id)
    if state.phase is Phase.REVERTING:
        yield from _revert(state, seen, now)


def explains(state: State, seen: Seen, now: float) -> bool:
    """Whether it is to be asked why the version does not run: what follows tells it."""
    if state.phase in (Phase.WITHDRAWING, Phase.REVERTING, Phase.ENDED):
        return False
    starts_late = state.phase is Phase.STARTING and _late(state, state.plan.start_within - _LOOK, now)
    return starts_late or bool(seen.deployment and seen.deployment.failed)


def _registering(state: State, seen: Seen, now: float) -> State:
    if seen.job and seen.job.ours is not None:
        registered = replace(state, version=seen.job.ours)
        through = state.plan.strategy != "rolling" and state.before.version is not None
        phase = Phase.STARTING if through else Phase.FINISHING
        return turns.enter(registered, phase, now, f"registered version {seen.job.ours}")
    if (seen.job.index if seen.job else 0) != state.before.index:
        return turns.end(
            state, now, Result.REFUSED, "somebody else registered the job at the same moment - plan it again"
        )
    if _late(state, state.plan.start_within, now):
        return turns.end(state, now, Result.REFUSED, f"Nomad did not take the job within {state.plan.start_within}")
    return state


def _starting(state: State, seen: Seen, now: float) -> State:
    if given_up := _given_up(state, seen, now):
        return given_up
    if seen.deployment and not seen.deployment.wanted:
        return turns.enter(state, Phase.FINISHING, now, "Nomad changes this in place: there is no canary to judge")
    if _ready(seen):
        weight = state.plan.steps[state.step].weight
        return turns.step(state, now, state.step, f"canaries are ready: {weight} % of the traffic")
    if _late(state, state.plan.start_within, now):
        return turns.withdraw(
            state,
            now,
            _because(f"the canaries were not ready within {state.plan.start_within}: {_missing(seen)}", seen),
        )
    return state


def _analysing(state: State, seen: Seen, now: float) -> State:
    if given_up := _given_up(state, seen, now):
        return given_up
    if seen.traffic and seen.traffic.lost:
        return turns.setback(state, now, f"canaries were lost: {_missing(seen)}")
    if state.step_began is None:
        return _shifting(state, seen, now)
    return _judged(state, seen, now)


def _shifting(state: State, seen: Seen, now: float) -> State:
    if seen.traffic is None or seen.traffic.in_force(state.weight):
        took = (
            f"{state.weight} % in force at every ingress after {now - state.since:.1f} s" if seen.traffic else "begun"
        )
        return replace(state, step_began=now).noted(now, f"step {state.step + 1}: {took}")
    if _late(state, state.plan.shift_within, now):
        where = ", ".join(seen.traffic.silent) or "an ingress"
        text = f"{state.weight} % was not in force at {where} within {state.plan.shift_within}"
        return turns.consequence(state, now, state.plan.bounds.error.then, text)
    return state


def _judged(state: State, seen: Seen, now: float) -> State:
    state, outcome = judgement.judged(state, seen, now)
    if outcome.then is Consequence.REVERT:
        return turns.withdraw(state, now, outcome.reason)
    if outcome.then is Consequence.HOLD:
        return turns.hold(state, now, outcome.reason)
    if not outcome.passed or state.paused:
        return state
    if state.step + 1 < len(state.plan.steps):
        weight = state.plan.steps[state.step + 1].weight
        return turns.step(state, now, state.step + 1, f"step {state.step + 1} passed: {weight} % of the traffic")
    return turns.enter(state, Phase.PROMOTING, now, f"step {state.step + 1} passed, the last: promoting")


def _held(state: State, seen: Seen, now: float) -> State:
    return _given_up(state, seen, now) or state


def _promoting(state: State, seen: Seen, now: float) -> State:
    if given_up := _given_up(state, seen, now):
        return given_up
    if seen.deployment and seen.deployment.promoted:
        return turns.enter(state, Phase.FINISHING, now, "promoted: Nomad replaces the rest")
    if seen.deployment and not seen.deployment.waits:
        return turns.setback(state, now, "canaries were lost before the promotion")
    if _late(state, state.plan.shift_within, now):
        return turns.hold(state, now, f"Nomad did not promote within {state.plan.shift_within}")
    return state


def _finishing(state: State, seen: Seen, now: float) -> State:
    if given_up := _given_up(state, seen, now):
        return given_up
    done = seen.deployment.status == "successful" if seen.deployment else bool(seen.job and seen.job.whole)
    late = _late(state, state.plan.finish_within, now)
    if done and (not state.weight or not seen.traffic or not seen.traffic.canaries or late):
        # Not before the last canary has the stable half's tags: until then the weight is what serves it.
        state = replace(state, weight=0)
    if done and not state.weight and (not seen.traffic or not seen.traffic.written):
        return turns.end(state, now, Result.DONE, f"version {state.version} has taken the place of the one before")
    if late and not done:
        return turns.withdraw(state, now, f"Nomad did not replace the rest within {state.plan.finish_within}")
    return state


def _withdrawing(state: State, seen: Seen, now: float) -> State:
    if seen.traffic is None or (not seen.traffic.written and seen.traffic.in_force(0)):
        text = (
            f"0 % in force at every ingress after {now - state.since:.1f} s" if seen.traffic else "no traffic to move"
        )
    elif not seen.traffic.written and _late(state, WITHDRAW_WITHIN, now):
        text = f"0 % is written; {', '.join(seen.traffic.silent) or 'an ingress'} did not say that it is in force"
    else:
        return state
    if state.result is Result.SUPERSEDED:
        return turns.end(state, now, Result.SUPERSEDED, state.reason)
    return turns.enter(state, Phase.REVERTING, now, text)


def _reverting(state: State, seen: Seen, now: float) -> State:
    if state.before.version is None:
        if not seen.deployment or seen.deployment.status != "running":
            return turns.end(state, now, Result.FAILED, f"{state.reason}; there is no earlier version to go back to")
    elif seen.job is None or seen.job.stopped:
        return turns.end(state, now, Result.SUPERSEDED, f"{state.reason}; then somebody stopped the job")
    elif _restored(state, seen):
        return turns.end(state, now, Result.REVERTED, state.reason)
    elif seen.latest and seen.latest.version != state.version and seen.latest.failed:
        return turns.end(state, now, Result.STUCK, f"{state.reason}; going back failed too: {seen.latest.text}")
    if _late(state, state.plan.revert_within, now):
        return turns.end(state, now, Result.STUCK, f"{state.reason}; not whole again within {state.plan.revert_within}")
    return state


def _ended(state: State, _seen: Seen, _now: float) -> State:
    return state


_PHASES: Final[dict[Phase, Callable[[State, Seen, float], State]]] = {
    Phase.REGISTERING: _registering,
    Phase.STARTING: _starting,
    Phase.ANALYSING: _analysing,
    Phase.HELD: _held,
    Phase.PROMOTING: _promoting,
    Phase.FINISHING: _finishing,
    Phase.WITHDRAWING: _withdrawing,
    Phase.REVERTING: _reverting,
    Phase.ENDED: _ended,
}


def _asked(state: State, seen: Seen, now: float) -> State:
    """The state with a person's request taken, unless it has to wait for what goes on."""
    request = seen.request
    if request is None or request.index <= state.request or state.phase is Phase.REGISTERING:
        return state
    return _take(replace(state, request=request.index), request, seen, now)


def _take(state: State, request: Request, seen: Seen, now: float) -> State:
    judging = state.phase in (Phase.STARTING, Phase.ANALYSING, Phase.HELD)
    match request.action:
        case "pause" if judging:
            return replace(state, paused=True).noted(now, f"paused by {request.who}")
        case "resume" if state.phase is Phase.HELD:
            again = replace(state, paused=False, setbacks=0)
            return turns.enter(again, Phase.STARTING, now, f"resumed by {request.who}")
        case "resume" if judging:
            return replace(state, paused=False).noted(now, f"resumed by {request.who}")
        case "promote" if judging and seen.deployment and seen.deployment.waits:
            return turns.enter(replace(state, paused=False), Phase.PROMOTING, now, f"promoted by {request.who}")
        case "abort" if state.phase not in (Phase.WITHDRAWING, Phase.REVERTING, Phase.ENDED):
            return turns.withdraw(state, now, f"aborted by {request.who}")
    return state.noted(now, f"{request.action} by {request.who}: not possible while it is {state.phase}")


def _given_up(state: State, seen: Seen, now: float) -> State | None:
    """What follows when Nomad, or somebody, took the version away."""
    deployment = seen.deployment
    if deployment and deployment.status == "failed":
        return turns.withdraw(state, now, _because(f"Nomad gave the deployment up: {deployment.text}", seen))
    if seen.job is None or seen.job.stopped:
        return turns.superseded(state, now, "somebody stopped the job")
    if state.version is not None and seen.job.version > state.version:
        return turns.superseded(state, now, f"somebody registered version {seen.job.version}")
    return None


def _revert(state: State, seen: Seen, now: float) -> Iterator[Action]:
    before, job = state.before.version, seen.job
    if seen.deployment and seen.deployment.status in ("running", "pending", "paused", "blocked"):
        yield actions.Fail(seen.deployment.id)
    elif job and before is not None and job.version == state.version and _late(state, REVERTS_BY_ITSELF, now):
        yield actions.Revert(before)
    elif seen.latest and seen.latest.version != state.version and seen.latest.waits:
        yield actions.Promote(seen.latest.id)
    elif job and _whole(seen):
        yield from (
            actions.Scale(group, count)
            for group, count in state.before.counts.items()
            if job.counts.get(group, count) < count
        )


def _restored(state: State, seen: Seen) -> bool:
    newer = seen.job is not None and seen.job.version != state.version
    return newer and _whole(seen) and not any(_revert(state, seen, 0))


def _whole(seen: Seen) -> bool:
    return bool(seen.job and seen.job.whole) and (seen.latest is None or seen.latest.status == "successful")


def _ready(seen: Seen) -> bool:
    if not (seen.deployment and seen.deployment.waits):
        return False
    return seen.traffic is None or not (seen.traffic.lost or seen.traffic.silent)


def _missing(seen: Seen) -> str:
    deployment, traffic = seen.deployment, seen.traffic
    healthy = f"{deployment.healthy} of {deployment.wanted} healthy" if deployment else "Nomad has no deployment of it"
    if traffic is None:
        return healthy
    silent = f", no answer from {', '.join(traffic.silent)}" if traffic.silent else ""
    return f"{healthy}, {traffic.canaries} of {traffic.expected} known to every ingress{silent}"


def _because(text: str, seen: Seen) -> str:
    return f"{text}; {seen.trouble}" if seen.trouble else text


def _late(state: State, within: timedelta, now: float) -> bool:
    return now - state.since > within.total_seconds()
