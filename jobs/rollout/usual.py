"""The plan of a job that gives none itself: what its update block asks for, and what can be measured of it."""

from datetime import timedelta
from typing import Final

from jobs.nomad import spec
from jobs.rollout.checks import Check, Restarts
from jobs.rollout.plan import CHECKS, Plan, Step, rolling
from jobs.rollout.service import behind_ingress

FIRST: Final = 5
"""Percent of the traffic at the first step of a canary."""

_ALL: Final = 100
_SHORT: Final = timedelta(minutes=1)
_LONG: Final = timedelta(minutes=2)


def plan(job: spec.Job) -> Plan:
    """Without canaries a rolling update; with as many as there are instances blue/green; else a canary.

    A canary gets no more of the traffic than any other instance has. Without a service behind the ingress there is no
    traffic to share: canaries are watched for restarts.
    """
    group, service = behind_ingress(job)
    named = [each for each in job.task_groups if group in (None, each.name)]
    canaries, count = max((_canaries(job, each) for each in named), default=(0, 0))
    if not canaries:
        return rolling()
    checks: tuple[Check, ...] = CHECKS if service else (Restarts(),)
    if canaries >= count:
        return Plan(strategy="blue_green", steps=_steps(FIRST, _ALL), checks=checks)
    share = _ALL * canaries // (count + canaries) if service else _ALL
    return Plan(
        strategy="canary", steps=_steps(*({FIRST, share} if share > FIRST and service else {share})), checks=checks
    )


def _canaries(job: spec.Job, group: spec.TaskGroup) -> tuple[int, int]:
    update = group.update or job.update
    return (update.canary or 0 if update else 0), 1 if group.count is None else group.count


def _steps(*weights: int) -> tuple[Step, ...]:
    *first, last = sorted(weights)
    return (*(Step(weight=weight, hold=_SHORT) for weight in first), Step(weight=last, hold=_LONG))
