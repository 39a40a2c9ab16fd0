"""A rollout from its first look to its end, by one runner at a time.

Whoever holds the lease looks, decides, writes the journal and acts, in this order: a runner that dies at any point is
followed by another that finds in the journal what was decided, and in the real systems how far it came.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from configs.errors import AccessError, HeldError, JobError, LostError, RolloutError
from jobs.nomad import spec
from jobs.nomad.client import Document
from jobs.rollout import decide
from jobs.rollout.journal import Journal
from jobs.rollout.lease import Lease
from jobs.rollout.plan import Plan
from jobs.rollout.reach import Reach
from jobs.rollout.service import behind_ingress
from jobs.rollout.state import Before, Decision, Phase, State
from jobs.rollout.world import World, counts

POLL_S: Final = 0.5
"""Time between two looks, in seconds."""

PATIENCE: Final = timedelta(minutes=5)
"""How long a runner tries to reach servers that do not answer, before it leaves the rollout to the next."""

FOLLOW_S: Final = 5.0
"""How long another runner is followed before it is asked again whether it lives."""

AGAIN: Final = "trying again"
"""How a report begins that is of no decision: of a server that was not reached."""

_ENDED: Final = frozenset({"successful", "failed", "cancelled"})
"""How a deployment may be that nothing more comes of."""

Report = Callable[[Decision], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The time in epoch seconds, and how to let some pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def begin(
    reach: Reach,
    job: spec.Job,
    plan: Plan,
    *,
    who: str,
    report: Report,
    fingerprint: str = "",
    clock: Clock | None = None,
) -> State:
    """Roll a job out, or go on with the rollout of it that a runner left behind.

    Returns:
        The rollout when it has ended, or is held for a person.

    Raises:
        HeldError: when another runner is at it, the rollout of another version is open, or a deployment does not end.
        AccessError: when the servers are not reached for five minutes; the rollout stays open.
    """
    clock, journal = clock or Clock(), Journal(reach.consul, job.id)
    with journal.lease(who) as lease:
        state = journal.read()
        if state is None:
            at_rest(reach, job.id, plan.start_within, report, clock)
            state = fresh(reach, job, plan, who=who, fingerprint=fingerprint, now=clock.now())
            lease.write(state)
        elif state.spec != job.to_api():
            raise HeldError(
                f"{job.id}: the rollout of another version is open ({state.phase}, begun {_ago(state, clock)} by "
                f"{state.who}) - see it with `status`, end it with `abort`, or run again with --supersede"
            )
        with suppress(LostError):  # by an outage of Consul, perhaps: then nobody else has it either
            return _Runner(reach, journal, lease, state, report, clock).drive()
    return attend(reach, job.id, who=who, report=report, clock=clock)


def attend(reach: Reach, job_id: str, *, who: str, report: Report, clock: Clock | None = None) -> State:
    """Take the open rollout of a job to its end, or follow it while another runner does.

    Raises:
        RolloutError: when there is none.
        AccessError: when the servers are not reached for five minutes; the rollout stays open.
    """
    clock, journal = clock or Clock(), Journal(reach.consul, job_id)
    if (state := journal.read()) is None:
        raise RolloutError(f"{job_id}: no rollout is open - see what was with `history`")
    while True:
        try:
            with journal.lease(who) as lease:
                if (now := journal.read()) is None or now.id != state.id:
                    return _finished(journal, state)
                return _Runner(reach, journal, lease, now, report, clock).drive()
        except (HeldError, LostError):
            state = _followed(journal, state, report, clock)
            if state.over and not _asked(journal, state):
                return state


def at_rest(reach: Reach, job_id: str, within: timedelta, report: Report, clock: Clock | None = None) -> None:
    """Wait until no deployment of the job is open, such as one that scaled it.

    A new version would cancel it, and what is gone back to would be a version that was never whole.

    Raises:
        HeldError: when it does not end in time.
    """
    clock = clock or Clock()
    end, told = clock.now() + within.total_seconds(), False
    while (found := reach.nomad.deployment(job_id)) and found["Status"] not in _ENDED:
        text = f"version {found['JobVersion']} is being deployed: {found['StatusDescription']}"
        if clock.now() > end:
            raise HeldError(
                f"{job_id}: {text}, for more than {within} - nomad deployment fail {found['ID'][:8]} ends it"
            )
        if not told:
            report(Decision(at=clock.now(), text=f"{text}; waiting for its end", phase=Phase.REGISTERING, weight=0))
            told = True
        clock.sleep(POLL_S)


def fresh(reach: Reach, job: spec.Job, plan: Plan, *, who: str, fingerprint: str, now: float) -> State:
    """A rollout that begins: what there is before it is looked at here, once."""
    found = reach.nomad.find(job.id)
    group, service = behind_ingress(job)
    return State(
        id=uuid4().hex[:12],
        job=job.id,
        plan=plan,
        spec=job.to_api(),
        who=who,
        started=now,
        since=now,
        group=group,
        service=service,
        fingerprint=fingerprint,
        before=_before(found),
    )


class _Runner:
    """One holder of the lease."""

    def __init__(
        self, reach: Reach, journal: Journal, lease: Lease, state: State, report: Report, clock: Clock
    ) -> None:
        self._world, self._journal, self._lease = World(reach), journal, lease
        self._state, self._report, self._clock = state, report, clock

    def drive(self) -> State:
        """Turn after turn until the rollout has ended or is held, and all that follows from it is done."""
        reached, trouble = self._clock.now(), ""
        while True:
            try:
                self._turn()
            except (AccessError, JobError) as error:
                if self._clock.now() - reached > PATIENCE.total_seconds():
                    raise
                if str(error) != trouble:
                    trouble = str(error)
                    self._report(self._state.noted(self._clock.now(), f"{AGAIN}: {error}").decisions[-1])
            else:
                reached, trouble = self._clock.now(), ""
                if self._state.over:
                    break
            self._clock.sleep(POLL_S)
        if self._state.phase is Phase.ENDED:
            self._lease.finish(self._state)
        return self._state

    def _turn(self) -> None:
        """One look, what is decided on it, and what has to be done."""
        found = self._world.look(self._state, self._journal.request(), self._clock.now())
        decided = decide.decide(self._state, found, self._clock.now())
        if decided != self._state:
            self._lease.write(decided)
            _tell(self._state, decided, self._report)
            self._state = decided
        for action in decide.due(decided, found, self._clock.now()):
            self._world.act(action, decided, self._lease)


def _before(found: Document | None) -> Before:
    if found is None:
        return Before()
    runs = not found["Stop"] and found["Status"] != "dead"
    return Before(
        version=found["Version"] if runs else None, index=found["JobModifyIndex"], counts=counts(found) if runs else {}
    )


def _followed(journal: Journal, state: State, report: Report, clock: Clock) -> State:
    """The rollout after some time in which another runner was at it."""
    until = clock.now() + FOLLOW_S
    while clock.now() < until and not (state.over and not _asked(journal, state)):
        now = journal.read()
        if now is None or now.id != state.id:
            ended = _finished(journal, state)
            _tell(state, ended, report)
            return ended
        _tell(state, now, report)
        state = now
        clock.sleep(POLL_S)
    return state


def _finished(journal: Journal, state: State) -> State:
    """The rollout as the history has it."""
    return next((ended for ended in journal.history() if ended.id == state.id), state)


def _asked(journal: Journal, state: State) -> bool:
    request = journal.request()
    return request is not None and request.index > state.request


def _tell(before: State, after: State, report: Report) -> None:
    for decision in after.decisions:
        if decision not in before.decisions:
            report(decision)


def _ago(state: State, clock: Clock) -> str:
    return f"{timedelta(seconds=round(clock.now() - state.started))} ago"
