"""What a runner may see, made short: states, deployments, the split, measurements."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from jobs.rollout import seen
from jobs.rollout.checks import Restarts, SuccessRate
from jobs.rollout.plan import Plan, Step
from jobs.rollout.seen import Seen
from jobs.rollout.state import Before, State
from jobs.rollout.verdicts import Measurement, Verdict

CHECKS = (SuccessRate(), Restarts())
PLAN = Plan(
    strategy="canary",
    steps=(Step(weight=10, hold=timedelta(seconds=30)), Step(weight=50, hold=timedelta(seconds=30))),
    checks=CHECKS,
)


def state(**given: Any) -> State:
    """A rollout of `web` from version 1 to version 2, behind the ingress."""
    known = {"plan": PLAN, "before": Before(version=1, index=10, counts={"web": 2}), "group": "web", "service": "web"}
    return State(**{"id": "r", "job": "web", "spec": {}, "who": "me", "started": 0.0, "since": 0.0, **known, **given})


def deployment(
    status: str = "running", *, version: int = 2, healthy: int = 1, promoted: bool = False
) -> seen.Deployment:
    """One with one canary."""
    return seen.Deployment(
        id=f"d{version}", version=version, status=status, text=status, wanted=1, healthy=healthy, promoted=promoted
    )


def traffic(written: int, in_force: int | None = None, canaries: int = 1) -> seen.Traffic:
    """Two ingress hosts that agree."""
    half = seen.Half(weight=written if in_force is None else in_force, canaries=canaries, stables=2)
    return seen.Traffic(written=written, expected=1, ingresses={"a": half, "b": half})


def job(version: int = 2, **given: Any) -> seen.Job:
    """The job as Nomad has it."""
    return seen.Job(**{"version": version, "index": 10 + version, "counts": {"web": 2}, **given})


def sight(weight: int = 0, **given: Any) -> Seen:
    """All is well at a weight."""
    return Seen(
        **{"job": job(), "deployment": deployment(), "latest": deployment(), "traffic": traffic(weight), **given}
    )


def says(*verdicts: Verdict, **by_name: Verdict) -> tuple[Measurement, ...]:
    """A measurement of each check and of the share: one verdict for all, or by name."""
    names = ("success rate", "restarts", "share")
    (common,) = verdicts or (Verdict.PASS,)
    each = {name: by_name.get(name.replace(" ", "_"), common) for name in names}
    return tuple(Measurement(check=name, verdict=verdict, reason="measured") for name, verdict in each.items())


def at(found: Seen, **given: Any) -> Seen:
    """The same, but for this."""
    return replace(found, **given)
