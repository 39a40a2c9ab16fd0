"""What a rollout is to do: strategy, steps, checks, and how long anything may take."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from jobs.rollout.checks import Check, Restarts, SuccessRate


class Consequence(StrEnum):
    """What follows when a verdict stays for longer than its bound."""

    REVERT = "revert"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A share of the traffic for the canary, in percent, and for how long it is judged."""

    weight: int
    hold: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """How long a verdict may stay, and what follows then."""

    within: timedelta
    then: Consequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The limit of each verdict that is not a pass.

    Attributes:
        failures: measurements of one check in a row that fail; the one that makes them full ends the rollout.
        no_data: too few samples, from the step's end on.
        error: a source that does not answer, or not with one finite number; from the first such answer on.
        inconclusive: neither good nor bad for certain, from the step's end on.
    """

    failures: int = 1
    no_data: Bound = Bound(within=timedelta(minutes=2), then=Consequence.HOLD)
    error: Bound = Bound(within=timedelta(minutes=2), then=Consequence.HOLD)
    inconclusive: Bound = Bound(within=timedelta(minutes=2), then=Consequence.HOLD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A rollout as a job file gives it by `rollout(env) -> Plan`.

    Attributes:
        strategy: `rolling` is Nomad's own; `canary` and `blue_green` go through the steps.
        steps: for blue/green the last is 100 %: the old side stays warm for its `hold`.
        interval: time between two measurements of the checks.
        start_within: canaries are placed, healthy and known to every ingress by then.
        shift_within: a weight is in force at every ingress by then.
        finish_within: after the promotion Nomad has replaced the rest by then.
        revert_within: the stable version is whole again by then.
        alpha: the chance that any comparison of one rollout calls a good release bad, 0 to 1.
    """

    strategy: Literal["rolling", "canary", "blue_green"]
    steps: tuple[Step, ...] = ()
    checks: tuple[Check, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    interval: timedelta = timedelta(seconds=5)
    start_within: timedelta = timedelta(minutes=5)
    shift_within: timedelta = timedelta(minutes=1)
    finish_within: timedelta = timedelta(minutes=15)
    revert_within: timedelta = timedelta(minutes=15)
    alpha: float = 0.01


CHECKS: tuple[Check, ...] = (SuccessRate(), Restarts())


def rolling() -> Plan:
    """Nomad's own update: instances one after another, judged by their health alone."""
    return Plan(strategy="rolling")
