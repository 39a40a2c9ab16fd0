"""Job files for stories of faults: the sample service under a plan that lets one fault show within a minute."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from configs.environment import Environment
from jobs import web
from jobs.nomad import spec
from jobs.rollout.checks import Check, Expression, Restarts, SuccessRate
from jobs.rollout.plan import Bound, Bounds, Consequence, Plan, Step
from tests.cluster.delivery import versions

HOLD_S: Final = 10
SHORT_S: Final = 8
"""The bound of a verdict in plans that are to come to its end."""

LONG_S: Final = 90
"""The bound in plans that are to outlive the fault."""

_START: Final = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A job and its plan.

    Attributes:
        steps: weight in percent, and seconds.
        bound_s: of every verdict that is not a pass, and `then` what follows.
        count: instances.
        start_s: how long canaries may take to be there, and to be back.
        env: variables of the sample service (configs/builds/web/faults.go).
    """

    steps: tuple[tuple[int, int], ...] = ((50, HOLD_S),)
    checks: tuple[Check, ...] = (SuccessRate(minimum=20), Restarts())
    bound_s: int = LONG_S
    then: Consequence = Consequence.HOLD
    strategy: Literal["canary", "blue_green"] = "canary"
    count: int = 2
    start_s: int = 2 * LONG_S
    env: Mapping[str, str] = field(default_factory=dict)

    def plan(self) -> Plan:
        """The rollout's plan."""
        bound = Bound(within=timedelta(seconds=self.bound_s), then=self.then)
        return Plan(
            strategy=self.strategy,
            steps=tuple(Step(weight=weight, hold=timedelta(seconds=seconds)) for weight, seconds in self.steps),
            checks=self.checks,
            bounds=Bounds(no_data=bound, error=bound, inconclusive=bound),
            interval=timedelta(seconds=2),
            start_within=timedelta(seconds=self.start_s),
            finish_within=timedelta(minutes=2),
            revert_within=timedelta(minutes=2),
        )

    def job(self, name: str, release: str, env: Environment) -> spec.Job:
        """The job of a release."""
        canaries = self.count if self.strategy == "blue_green" else 1
        made = versions.job(name, "good", release, env, canaries=canaries)
        (group,) = made.task_groups
        (task,) = group.tasks
        task = replace(task, env={**(task.env or {}), **self.env})
        # What is at stake is not how long a start may take: several jobs start at once here.
        update = replace(group.update or spec.Update(), healthy_deadline=_START, progress_deadline=2 * _START)
        return replace(made, task_groups=(replace(group, count=self.count, tasks=(task,), update=update),))


def _asks(query: str) -> Trial:
    return Trial(checks=(Expression(name="odd", query=query, at_most=1.0),), bound_s=SHORT_S, count=1)


TRIALS: Final[Mapping[str, Trial]] = MappingProxyType(
    {
        "good": Trial(),
        "bad": Trial(env={"FAULT_ERROR_RATE": "0.3"}),
        "scaled": Trial(steps=((40, 60),)),
        "patient": Trial(count=1),
        "held": Trial(bound_s=SHORT_S, count=1),
        "reverted": Trial(bound_s=SHORT_S, then=Consequence.REVERT, count=1),
        "moved": Trial(steps=((20, HOLD_S), (50, HOLD_S))),
        "lost": Trial(checks=(Restarts(),)),  # requests under way to the lost host fail: its own story is of the canary
        "impatient": Trial(steps=((50, 300),), bound_s=SHORT_S, then=Consequence.REVERT, start_s=40),
        "silent": Trial(bound_s=SHORT_S, count=1),
        "abandoned": Trial(bound_s=SHORT_S, count=1),
        "nan": _asks("0/0 * sum(up)"),
        "empty": _asks("vector(1) and vector(2) > 5"),
        "several": _asks("up"),
        "long": Trial(steps=((20, HOLD_S), (40, HOLD_S), (60, HOLD_S))),
        "half": Trial(steps=((50, 60),)),
        "whole": Trial(steps=((20, HOLD_S), (100, 60)), strategy="blue_green"),
        "forgiving": Trial(
            steps=((20, HOLD_S), (100, HOLD_S)), strategy="blue_green", checks=(SuccessRate(at_least=0.5, minimum=20),)
        ),
    }
)


def parts(name: str, trial: str, release: str) -> versions.JobFile:
    """What a job file defines: `job`, `rollout`, `prepare`."""
    chosen = TRIALS[trial]
    return partial(chosen.job, name, release), lambda _: chosen.plan(), partial(web.seed, name=name)


def write(folder: Path, name: str, trial: str, release: str) -> str:
    """The path of a new job file for the command line; it is to be run from the repository's root."""
    path = folder / f"{name}_{trial}_{release}.py"
    path.write_text(
        f'"""{name}, release {release}: {trial}."""\n\nfrom tests.cluster.delivery import trials\n\n'
        f"job, rollout, prepare = trials.parts({name!r}, {trial!r}, {release!r})\n"
    )
    return str(path)
