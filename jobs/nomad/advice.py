"""What Nomad accepts in a job and its owner regrets: canaries that nothing judges, routes that lose requests.

Every warning begins with the path to its field, as mistakes do. Sources: Nomad 1.11.3's defaults (api/jobs.go,
DefaultUpdateStrategy), and what was measured at the ingress (docs/decisions/ingress-routes-from-one-template.md).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from configs import ingress
from jobs.nomad import spec

_UPDATE: Final[Mapping[str, Any]] = {
    "max_parallel": 1,
    "health_check": "checks",
    "min_healthy_time": timedelta(seconds=10),
    "healthy_deadline": timedelta(minutes=5),
    "progress_deadline": timedelta(minutes=10),
    "canary": 0,
    "auto_revert": False,
    "auto_promote": False,
}

_MAX_KILL_TIMEOUT: Final = timedelta(seconds=30)
"""A client's `max_kill_timeout`, unless its configuration says more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """A group as Nomad takes it: with what its job says for all groups."""

    job: spec.Job
    group: spec.TaskGroup

    @property
    def path(self) -> str:
        return f"{self.job.id}.group[{self.group.name}]"

    @property
    def count(self) -> int:
        return 1 if self.group.count is None else self.group.count

    @property
    def canary(self) -> int:
        return int(self.update("canary"))

    def update(self, name: str) -> Any:
        """A field of `update`: the group's, or the job's, or Nomad's default."""
        said = (getattr(block, name) for block in (self.group.update, self.job.update) if block)
        return next((value for value in said if value is not None), _UPDATE[name])

    @property
    def services(self) -> Iterator[tuple[str, spec.Service]]:
        """Services of the group and of its tasks, with their paths."""
        for service in self.group.services or ():
            yield f"{self.path}.service[{service.name}]", service
        for task in self.group.tasks:
            for service in task.services or ():
                yield f"{self.path}.task[{task.name}].service[{service.name}]", service

    @property
    def routed(self) -> Iterator[tuple[str, spec.Service]]:
        """Services that the ingress sends traffic to."""
        return ((path, service) for path, service in self.services if ingress.TAG in (service.tags or ()))

    @property
    def networks(self) -> list[spec.Network]:
        """Those of the group, and of its tasks where they still have some."""
        of_tasks = [task.resources.networks or () for task in self.group.tasks if task.resources]
        return [network for networks in (self.group.networks or (), *of_tasks) for network in networks]

    @property
    def labels(self) -> set[str]:
        return {port.label for network in self.networks for port in network.ports}


def warnings(job: spec.Job) -> tuple[str, ...]:
    """What will be regretted of a job, each with the path to its field, what is wrong, and what to do."""
    groups = [_Group(job=job, group=group) for group in job.task_groups]
    found = [warning for group in groups for rule in _RULES for warning in rule(group)]
    return (*found, *_services_of_one_name(job.id, groups))


def _canary_unjudged(group: _Group) -> Iterator[str]:
    checked = any(service.checks for _, service in group.services)
    if group.canary and group.update("health_check") == "checks" and not checked:
        yield f"{group.path}.update.canary: {group.canary}, and no service has a check - nothing tells a bad canary"


def _canary_unreverted(group: _Group) -> Iterator[str]:
    if group.canary and not group.update("auto_revert"):
        yield f"{group.path}.update.auto_revert: off, with canaries - a version that fails stays registered; set it"


def _canary_promotes_itself(group: _Group) -> Iterator[str]:
    if group.canary and group.update("auto_promote"):
        yield f"{group.path}.update.auto_promote: on - canaries are promoted before their traffic is judged; unset it"


def _deadlines(group: _Group) -> Iterator[str]:
    minimum, healthy, progress = (
        group.update(name) for name in ("min_healthy_time", "healthy_deadline", "progress_deadline")
    )
    if minimum >= healthy:
        yield (
            f"{group.path}.update.min_healthy_time: {minimum}, and healthy_deadline is {healthy} - "
            "no allocation can be healthy in time; the deadline must be longer"
        )
    if progress and progress <= healthy:
        yield (
            f"{group.path}.update.progress_deadline: {progress}, and healthy_deadline is {healthy} - "
            "the deployment ends before an allocation may; it must be longer"
        )


def _all_at_once(group: _Group) -> Iterator[str]:
    if not group.canary and group.update("max_parallel") >= group.count > 1:
        yield (
            f"{group.path}.update.max_parallel: {group.update('max_parallel')} of {group.count} - "
            "a new version takes all instances away at once; give less"
        )


def _unknown_labels(group: _Group) -> Iterator[str]:
    used = [(f"{path}.port", service.port) for path, service in group.services]
    used += [
        (f"{path}.check[{check.name or index}].port", check.port)
        for path, service in group.services
        for index, check in enumerate(service.checks or ())
    ]
    used += [
        (f"{group.path}.task[{task.name}].config.ports", label)
        for task in group.group.tasks
        for label in (task.config or {}).get("ports") or ()
    ]
    for path, label in used:
        if label and not _is_port(label) and label not in group.labels:
            yield f"{path}: the group has no port {label!r} - it has {', '.join(sorted(group.labels)) or 'none'}"


def _scaled_below_canaries(group: _Group) -> Iterator[str]:
    scaling = group.group.scaling
    if scaling and scaling.min is not None and scaling.min < group.canary:
        yield (
            f"{group.path}.scaling.min: {scaling.min}, and canary={group.canary} - "
            "canaries may be more than the instances they replace; give at least as many"
        )


def _static_ports(group: _Group) -> Iterator[str]:
    static = sorted(port.label for network in group.networks for port in network.reserved_ports or ())
    if group.canary and group.canary >= group.count and static:
        yield (
            f"{group.path}.network.port[{static[0]}]: static, with as many canaries as instances - "
            "a node holds it once, both halves need nodes of their own; let Nomad choose the port"
        )


def _halves(group: _Group) -> Iterator[str]:
    for path, service in group.routed:
        tags, canary_tags = set(service.tags or ()), set(service.canary_tags or ())
        if not tags & {ingress.STABLE_TAG, ingress.CANARY_TAG}:
            yield f"{path}.tags: {ingress.TAG}, and neither half - no traffic comes; add {ingress.STABLE_TAG!r}"
        if group.canary and not {ingress.TAG, ingress.CANARY_TAG} <= canary_tags:
            yield (
                f"{path}.canary_tags: without {ingress.TAG!r} and {ingress.CANARY_TAG!r} - "
                "a rollout cannot give canaries their share; say both"
            )
        elif ingress.STABLE_TAG in canary_tags:
            yield f"{path}.canary_tags: {ingress.STABLE_TAG!r} too - canaries get stable traffic unjudged; remove it"


def _routed_unchecked(group: _Group) -> Iterator[str]:
    for path, service in group.routed:
        if not service.checks:
            yield f"{path}.checks: none - Consul takes an instance without a check for well; add one"
        if service.provider == "nomad":
            yield f"{path}.provider: nomad - the ingress reads Consul's catalog; let it be consul"


def _no_goodbye(group: _Group) -> Iterator[str]:
    delayed = group.group.shutdown_delay or any(task.shutdown_delay for task in group.group.tasks)
    if any(group.routed) and not delayed:
        yield (
            f"{group.path}.shutdown_delay: none - an instance ends while the ingress still sends it requests; "
            "give a few seconds"
        )


def _checks_overlap(group: _Group) -> Iterator[str]:
    for path, service in group.services:
        for index, check in enumerate(service.checks or ()):
            if check.timeout > check.interval:
                yield f"{path}.check[{check.name or index}].timeout: {check.timeout} is longer than the interval"


def _killed_early(group: _Group) -> Iterator[str]:
    for task in group.group.tasks:
        if task.kill_timeout and task.kill_timeout > _MAX_KILL_TIMEOUT:
            yield (
                f"{group.path}.task[{task.name}].kill_timeout: {task.kill_timeout} - "
                f"a client kills after {_MAX_KILL_TIMEOUT}, its max_kill_timeout, whatever a job says"
            )


def _moving_images(group: _Group) -> Iterator[str]:
    for task in group.group.tasks:
        image = (task.config or {}).get("image") if task.driver == "docker" else None
        name = str(image or "").rpartition("/")[2]
        if image and "@" not in name and "${" not in name and name.partition(":")[2] in ("", "latest"):
            path = f"{group.path}.task[{task.name}].config.image"
            yield f"{path}: {image} may be another one tomorrow - give a tag or a digest"


def _services_of_one_name(job: str, groups: list[_Group]) -> Iterator[str]:
    named = [(service.name, service.provider or "consul") for group in groups for _, service in group.services]
    for name, provider in sorted({each for each in named if named.count(each) > 1}):
        yield (
            f"{job}.service[{name}]: {named.count((name, provider))} services have this name in {provider} - "
            "each gets the requests of all; give each a name of its own"
        )


def _is_port(label: str) -> bool:
    return label.isdigit() or "${" in label


_RULES: Final[tuple[Callable[[_Group], Iterator[str]], ...]] = (
    _canary_unjudged,
    _canary_unreverted,
    _canary_promotes_itself,
    _deadlines,
    _all_at_once,
    _unknown_labels,
    _scaled_below_canaries,
    _static_ports,
    _halves,
    _routed_unchecked,
    _no_goodbye,
    _checks_overlap,
    _killed_early,
    _moving_images,
)
