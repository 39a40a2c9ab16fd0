"""What may differ between environments: stated in one place of a job file, so that the rest is provably the same.

`DIFFERENCES = by_environment(Differs(count=2, memory_mb=64), prod=Differs(count=3))`, and `job(env)` ends with
`return DIFFERENCES.applied(env.name, made)`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar

from configs.errors import ConfigError
from jobs.nomad import spec

T = TypeVar("T")

Of = int | Mapping[str, int]
"""A number for every group (or task), or one each by name."""

_NUMBERS: Final = ("count", "cpu", "memory_mb")


@dataclass(frozen=True, kw_only=True, slots=True)
class Differs:
    """What one environment has of its own; what is None, and every setting that is not named, is as in the others.

    Attributes:
        count: instances: of every group, or by the group's name.
        cpu: MHz: of every task, or by the task's name.
        memory_mb: MiB: of every task, or by the task's name.
        settings: variables in the environment of every task.
    """

    count: Of | None = None
    cpu: Of | None = None
    memory_mb: Of | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Differences:
    """What every environment has of its own: `named` by the environment's name, `default` in all others.

    Raises:
        ConfigError: when an environment states what the default does not, so that others would be without it.
    """

    default: Differs = field(default_factory=Differs)
    named: Mapping[str, Differs] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        known = set(_stated(self.default))
        wrong = [(name, what) for name, own in self.named.items() for what in _stated(own) if what not in known]
        if wrong:
            raise ConfigError(
                [f"differences of {name}: {what} has no default - state it there too" for name, what in wrong]
            )

    def of(self, env: str) -> Differs:
        """What an environment has of its own, whole: what it does not state is the default's."""
        own = self.named.get(env, Differs())
        numbers = {name: _merged(getattr(self.default, name), getattr(own, name)) for name in _NUMBERS}
        return Differs(settings={**self.default.settings, **own.settings}, **numbers)

    def applied(self, env: str, job: spec.Job) -> spec.Job:
        """A job with what an environment has of its own.

        Raises:
            ConfigError: when the job has no group or task of a name that is stated.
        """
        stated = self.of(env)
        if unknown := [*_unknown(job, stated)]:
            raise ConfigError([f"{job.id}: differences: {finding}" for finding in unknown])
        return dataclasses.replace(job, task_groups=tuple(_group(group, stated) for group in job.task_groups))

    def blanked(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A job as Nomad's API takes it, with None wherever environments may differ."""
        groups = [self._blank_group(group) for group in document["TaskGroups"]]
        return {**document, "TaskGroups": groups}

    def _blank_group(self, group: Mapping[str, Any]) -> dict[str, Any]:
        count = {} if _of(self.default.count, group["Name"]) is None else {"Count": None}
        return {**group, **count, "Tasks": [self._blank_task(task) for task in group.get("Tasks") or ()]}

    def _blank_task(self, task: Mapping[str, Any]) -> dict[str, Any]:
        numbers = {"CPU": self.default.cpu, "MemoryMB": self.default.memory_mb}
        resources = {api: None for api, stated in numbers.items() if _of(stated, task["Name"]) is not None}
        blank = {**task}
        if resources:
            blank["Resources"] = {**task["Resources"], **resources}
        if self.default.settings:
            blank["Env"] = {**task["Env"], **dict.fromkeys(self.default.settings)}
        return blank


def by_environment(default: Differs, **named: Differs) -> Differences:
    """What environments have of their own: the default, and those that differ from it by name.

    Args:
        default: in every environment that is not named; it states all that may differ.
        named: by the environment's name, what differs from the default.
    """
    return Differences(default, named)


def _stated(differs: Differs) -> Iterator[str]:
    """What is stated, one by one: `count`, `cpu of web`, `setting LOG_LEVEL`."""
    for name in _NUMBERS:
        match getattr(differs, name):
            case Mapping() as named:
                yield from (f"{name} of {key}" for key in named)
            case int():
                yield name
    yield from (f"setting {key}" for key in differs.settings)


def _merged(default: Of | None, own: Of | None) -> Of | None:
    if isinstance(default, Mapping) and isinstance(own, Mapping):
        return {**default, **own}
    return default if own is None else own


def _unknown(job: spec.Job, stated: Differs) -> Iterator[str]:
    groups = {group.name for group in job.task_groups}
    tasks = {task.name for group in job.task_groups for task in group.tasks}
    for name, known in (("count", groups), ("cpu", tasks), ("memory_mb", tasks)):
        given = getattr(stated, name)
        for key in sorted(set(given) - known) if isinstance(given, Mapping) else ():
            yield f"{name}: the job has no {key!r} - use {', '.join(sorted(known))}"


def _group(group: spec.TaskGroup, stated: Differs) -> spec.TaskGroup:
    tasks = tuple(_task(task, stated) for task in group.tasks)
    return dataclasses.replace(group, count=_either(_of(stated.count, group.name), group.count), tasks=tasks)


def _task(task: spec.Task, stated: Differs) -> spec.Task:
    cpu, memory_mb = _of(stated.cpu, task.name), _of(stated.memory_mb, task.name)
    resources, env = task.resources, task.env
    if not (cpu is None and memory_mb is None):
        given = resources or spec.Resources()
        resources = dataclasses.replace(
            given, cpu=_either(cpu, given.cpu), memory_mb=_either(memory_mb, given.memory_mb)
        )
    if stated.settings:
        env = {**(env or {}), **stated.settings}
    return dataclasses.replace(task, resources=resources, env=env)


def _of(stated: Of | None, name: str) -> int | None:
    return stated.get(name) if isinstance(stated, Mapping) else stated


def _either(stated: T | None, given: T | None) -> T | None:
    return given if stated is None else stated
