"""Where a rollout is: all that a runner needs to go on with it, as the journal keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

import pydantic

from jobs.rollout.plan import Plan
from jobs.rollout.verdicts import Verdict

DECISIONS: Final = 200
"""How many decisions are kept: a value in Consul has 512 KiB at most."""


class Phase(StrEnum):
    """What a rollout is doing."""

    REGISTERING = "registering"
    STARTING = "starting"
    ANALYSING = "analysing"
    HELD = "held"
    PROMOTING = "promoting"
    FINISHING = "finishing"
    WITHDRAWING = "withdrawing"
    REVERTING = "reverting"
    ENDED = "ended"


class Result(StrEnum):
    """How a rollout ended."""

    DONE = "done"
    REVERTED = "reverted"
    FAILED = "failed"
    """The first version of a job: there was none to go back to."""
    REFUSED = "refused"
    """Nomad did not take the job, or somebody else registered another: nothing was changed."""
    SUPERSEDED = "superseded"
    """Somebody else registered another version while it ran."""
    STUCK = "stuck"
    """The stable version did not become whole in time: a person has to look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """The job as it was when the rollout began; version None for a job that did not run."""

    version: int | None = None
    index: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """A check's last verdict: for how many measurements in a row, and since when (epoch seconds)."""

    verdict: Verdict
    since: float
    row: int = 1
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Something that was decided or found, at a time (epoch seconds)."""

    at: float
    text: str
    phase: Phase
    weight: int
    check: str | None = None
    verdict: Verdict | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A rollout.

    Attributes:
        id: unique among all of the job.
        spec: the job as Nomad's API takes it.
        group: the group of `service`.
        service: the service behind the ingress whose halves share the traffic; None without one.
        fingerprint: what this version is in every environment (jobs.promotion).
        who: who asked for it, from where.
        version: Nomad's version of the new job; None until it is registered.
        phase: what it is doing, since `since`.
        step: index in the plan's steps.
        weight: the canary's share of the traffic that is wanted, in percent.
        step_began: when the step's weight was in force at every ingress: the step's clock.
        measured: when the checks were last measured.
        setbacks: how often the canaries were lost and waited for again.
        paused: a person asked to stay at this step.
        request: index of the last request that was taken.
        reason: why it is held, taken back, or ended so.
        decisions: what was decided, the oldest first.
    """

    id: str
    job: str
    plan: Plan
    spec: Mapping[str, Any]
    who: str
    started: float
    since: float
    group: str | None = None
    service: str | None = None
    fingerprint: str = ""
    before: Before = field(default_factory=Before)
    version: int | None = None
    phase: Phase = Phase.REGISTERING
    step: int = 0
    weight: int = 0
    step_began: float | None = None
    measured: float = 0.0
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    setbacks: int = 0
    paused: bool = False
    request: int = 0
    reason: str = ""
    result: Result | None = None
    ended: float | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def over(self) -> bool:
        """Whether a runner has nothing more to do: it has ended, or a person has to decide."""
        return self.phase in (Phase.ENDED, Phase.HELD)

    @property
    def again(self) -> bool:
        """Whether the canary had traffic before, and it was taken away: what failed then is not to be counted again."""
        return any(before.weight and not after.weight for before, after in pairwise(self.decisions))

    def noted(self, now: float, text: str, **more: Any) -> "State":
        """With a decision more; of too many, the first and the last are kept."""
        made = Decision(at=now, text=text, phase=self.phase, weight=self.weight, **more)
        kept = (*self.decisions, made)
        half = DECISIONS // 2
        return replace(self, decisions=kept if len(kept) <= DECISIONS else (*kept[:half], *kept[-half:]))

    def to_json(self) -> str:
        """As the journal keeps it."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "State":
        """From the journal.

        Raises:
            pydantic.ValidationError: when the text is not a state.
        """
        return _ADAPTER.validate_json(text)


_ADAPTER: pydantic.TypeAdapter[State] = pydantic.TypeAdapter(State)
