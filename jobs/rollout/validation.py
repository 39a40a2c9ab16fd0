"""What is wrong with a rollout's plan, for the job that it is for."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from configs.errors import ConfigError
from jobs.nomad import spec
from jobs.rollout import limits
from jobs.rollout.checks import Expression, Latency, SuccessRate
from jobs.rollout.plan import Bounds, Plan
from jobs.rollout.service import behind_ingress

WHOLE: Final = 100
"""All of the traffic, in percent."""

LOAD: Final = 2.0
"""How many times the traffic of an ordinary instance a canary may get, with some instances left of both halves."""


def check(plan: Plan, job: spec.Job) -> None:
    """Refuse a plan that cannot do what it says.

    Raises:
        ConfigError: with all findings.
    """
    if found := [f"{job.id}: rollout: {problem}" for problem in problems(plan, job)]:
        raise ConfigError(found)


def problems(plan: Plan, job: spec.Job) -> Iterator[str]:
    """Each thing that is wrong, with its field and what to do."""
    yield from _times(plan)
    if plan.strategy == "rolling":
        if plan.steps or plan.checks:
            yield "steps, checks: a rolling update has none - use the strategy canary or blue_green"
        return
    yield from _steps(plan)
    yield from _checks(plan, behind_ingress(job)[1])
    for group in job.task_groups:
        yield from _group(plan, job, group)


def _times(plan: Plan) -> Iterator[str]:
    if not 0 < plan.alpha < 1:
        yield f"alpha={plan.alpha}: use a probability such as 0.01"
    for name in ("interval", "start_within", "shift_within", "finish_within", "revert_within"):
        if (given := getattr(plan, name)) <= timedelta(0):
            yield f"{name}={given}: use a time above 0"
    yield from _bounds(plan.bounds)


def _bounds(bounds: Bounds) -> Iterator[str]:
    if bounds.failures < 1:
        yield f"bounds.failures={bounds.failures}: use 1 or more"
    for name in ("no_data", "error", "inconclusive"):
        if (given := getattr(bounds, name).within) < timedelta(0):
            yield f"bounds.{name}.within={given}: use a time of 0 or more"


def _steps(plan: Plan) -> Iterator[str]:
    if not plan.steps:
        yield "steps: there is none - give at least one Step(weight=..., hold=...)"
    last = 0
    for number, step in enumerate(plan.steps):
        if not last < step.weight <= WHOLE:
            yield f"steps[{number}].weight={step.weight}: use more than {last}, and {WHOLE} at most"
        if step.hold <= timedelta(0):
            yield f"steps[{number}].hold={step.hold}: use a time above 0"
        last = step.weight
    if plan.strategy == "blue_green" and last != WHOLE:
        yield f"steps[-1].weight={last}: blue/green ends with all of the traffic - use {WHOLE}"


def _checks(plan: Plan, service: str | None) -> Iterator[str]:
    if not plan.checks:
        yield "checks: there is none, and what is not measured is never promoted - give at least one"
    for name, count in Counter(each.name for each in plan.checks).items():
        if count > 1:
            yield f"checks: {count} have the name {name!r} - give each a name of its own"
    for each in plan.checks:
        whole = any(step.weight == WHOLE for step in plan.steps)
        yield from (f"checks[{each.name}]: {problem}" for problem in limits.problems(each, whole=whole))
        needs = isinstance(each, (SuccessRate, Latency)) or (isinstance(each, Expression) and "$service" in each.query)
        if needs and service is None:
            yield f"checks[{each.name}]: it needs a service behind the ingress, and the job has none"


def _group(plan: Plan, job: spec.Job, group: spec.TaskGroup) -> Iterator[str]:
    """What Nomad must be told so that it leaves the decisions to the rollout, and still takes a bad version back."""
    where, update = f"group[{group.name}].update", group.update or job.update or spec.Update()
    canaries, count = update.canary or 0, 1 if group.count is None else group.count
    if not canaries:
        yield f"{where}.canary={canaries}: there is nothing to judge - use {count if _whole(plan) else 1}"
        return
    if not update.auto_revert:
        yield f"{where}.auto_revert={update.auto_revert}: a bad version would stay - use True"
    if update.auto_promote:
        yield f"{where}.auto_promote=True: Nomad would not wait for the checks - use False"
    if plan.strategy == "blue_green" and canaries != count:
        yield f"{where}.canary={canaries}: blue/green needs as many as there are instances - use {count}"
    if plan.strategy == "canary" and group.name == behind_ingress(job)[0]:
        yield from _load(plan, canaries, count)


def _load(plan: Plan, canaries: int, count: int) -> Iterator[str]:
    most = min(WHOLE, round(LOAD * WHOLE * canaries / max(count, 1)))
    for number, step in enumerate(plan.steps):
        if step.weight > most:
            yield (
                f"steps[{number}].weight={step.weight}: {canaries} of {count + canaries} instances carry it - use "
                f"{most} at most, or more canaries"
            )


def _whole(plan: Plan) -> bool:
    return plan.strategy == "blue_green"
