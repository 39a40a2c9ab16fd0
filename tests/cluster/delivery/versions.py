"""Versions of the sample service, good and bad, as job files have them.

All are jobs.web under another name, each request takes `BASE_DELAY`, deadlines and steps are short: a story is told
within a minute.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from configs.environment import Environment
from inventory.access import Access
from jobs import web
from jobs.nomad import drivers, spec
from jobs.rollout.checks import Latency, LogLines, Restarts, SuccessRate
from jobs.rollout.plan import Bound, Bounds, Consequence, Plan, Step

BASE_DELAY: Final = "100ms"
WEIGHTS: Final = (20, 50)
HOLD: Final = timedelta(seconds=15)
BAKE: Final = timedelta(seconds=20)
START: Final = timedelta(seconds=45)

_SOON: Final = Bound(within=timedelta(seconds=45), then=Consequence.HOLD)

Change = Callable[[spec.Job], spec.Job]


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What makes a version good or bad: variables of the sample service (configs/builds/web/faults.go), or the job."""

    env: Mapping[str, str] = field(default_factory=dict)
    change: Change = lambda job: job


def _tasks(job: spec.Job, change: Callable[[spec.Task], spec.Task]) -> spec.Job:
    groups = (replace(group, tasks=tuple(map(change, group.tasks))) for group in job.task_groups)
    return replace(job, task_groups=tuple(groups))


def _missing_artifact(task: spec.Task) -> spec.Task:
    (artifact,) = task.artifacts or ()
    source = str(artifact.source)
    return replace(task, artifacts=(replace(artifact, source=f"{source.rpartition('/')[0]}/no-such-file.tar.gz"),))


def _missing_image(task: spec.Task) -> spec.Task:
    config = drivers.Docker(image="127.0.0.1:1/socle/no-such-image:1")
    return replace(task, driver="docker", config=config, user=None, kill_signal=None)


def _nowhere(job: spec.Job) -> spec.Job:
    nobody = spec.Constraint(attribute="${meta.rack}", value="none-has-this")
    return replace(job, constraints=(*(job.constraints or ()), nobody))


VERSIONS: Final[Mapping[str, Version]] = MappingProxyType(
    {
        "good": Version(),
        "crash": Version(env={"FAULT_CRASH": "0s"}),
        "check": Version(env={"FAULT_CHECK": "0s"}),
        "artifact": Version(change=partial(_tasks, change=_missing_artifact)),
        "image": Version(change=partial(_tasks, change=_missing_image)),
        "placement": Version(change=_nowhere),
        "errors": Version(env={"FAULT_ERROR_RATE": "0.05"}),
        "slow": Version(env={"FAULT_DELAY": "200ms"}),
        "leak": Version(env={"FAULT_LEAK": "3"}),
        "logs": Version(env={"FAULT_LOG_ERRORS": "0.1"}),
    }
)


def job(name: str, version: str, release: str, env: Environment, *, canaries: int = 1) -> spec.Job:
    """The job of a version.

    Args:
        name: the job's and its service's.
        version: one of VERSIONS.
        release: what its instances answer as their release.
        env: where it runs.
        canaries: how many; as many as there are instances (2) is blue/green.
    """
    chosen = VERSIONS[version]
    variables = {"FAULT_DELAY": BASE_DELAY, "RELEASE": release, **chosen.env}
    made = _tasks(web.job(env, name=name), lambda task: replace(task, env={**(task.env or {}), **variables}))
    groups = (
        replace(
            group,
            update=replace(
                group.update or spec.Update(),
                canary=canaries,
                min_healthy_time=timedelta(seconds=3),
                healthy_deadline=timedelta(seconds=30),
                progress_deadline=timedelta(seconds=40),
            ),
            scaling=spec.ScalingPolicy(min=1, max=4, enabled=True),
        )
        for group in made.task_groups
    )
    return chosen.change(replace(made, task_groups=tuple(groups)))


def canary(_: Environment) -> Plan:
    """Two steps, every kind of check."""
    return replace(_PLAN, strategy="canary", steps=tuple(Step(weight=weight, hold=HOLD) for weight in WEIGHTS))


def blue_green(_: Environment) -> Plan:
    """A step with a part of the traffic, then all of it while the old side stays warm."""
    return replace(
        _PLAN,
        strategy="blue_green",
        steps=(Step(weight=WEIGHTS[0], hold=HOLD), Step(weight=100, hold=BAKE)),
        checks=(SuccessRate(), Restarts()),
    )


_PLAN: Final = Plan(
    strategy="rolling",
    checks=(
        SuccessRate(),
        Latency(quantile=0.5, factor=1.5, minimum=50),  # the median: whatever else runs is in the tail
        Restarts(),
        LogLines(matching='"level":"ERROR"'),
    ),
    bounds=Bounds(no_data=_SOON, error=_SOON, inconclusive=_SOON),
    interval=timedelta(seconds=3),
    start_within=START,
    finish_within=timedelta(minutes=2),
    revert_within=timedelta(minutes=2),
)

JobFile = tuple[Callable[[Environment], spec.Job], Callable[[Environment], Plan], Callable[[Access], None]]


def parts(name: str, version: str, release: str, strategy: str = "canary") -> JobFile:
    """What a job file defines: `job`, `rollout`, `prepare`."""
    canaries, plan = (1, canary) if strategy == "canary" else (2, blue_green)
    return partial(job, name, version, release, canaries=canaries), plan, partial(web.seed, name=name)


def write(folder: Path, name: str, version: str, release: str, strategy: str = "canary") -> Path:
    """A job file for the command line; it is to be run from the repository's root."""
    path = folder / f"{name}_{version}_{release}_{strategy}.py"
    arguments = ", ".join(map(repr, (name, version, release, strategy)))
    path.write_text(
        f'"""{name}, release {release}: {version}."""\n\nfrom tests.cluster.delivery import versions\n\n'
        f"job, rollout, prepare = versions.parts({arguments})\n"
    )
    return path
