"""One process or container, and what belongs to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from jobs.nomad.check import Mistake, Text
from jobs.nomad.document import Api, Block
from jobs.nomad.spec.identity import Consul, Identity, Secret, Vault
from jobs.nomad.spec.logs import LogConfig
from jobs.nomad.spec.placement import Affinity, Constraint
from jobs.nomad.spec.resources import Resources
from jobs.nomad.spec.scaling import ScalingPolicy
from jobs.nomad.spec.service import Service
from jobs.nomad.spec.template import Artifact, Template
from jobs.nomad.spec.update import Restart
from jobs.nomad.spec.volume import CsiPlugin, VolumeMount

_NAME = Text(r"(?!alloc$)[^\0/\\]+", "give a name without slashes and null characters, and not alloc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle(Block):
    """When a task runs relative to the group's main tasks."""

    hook: Literal["prestart", "poststart", "poststop"]
    sidecar: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPayload(Block):
    """The file that a dispatched job's payload is written to."""

    file: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Action(Block):
    """A command that operators may run in the task by its name."""

    name: str
    command: str
    args: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleCron(Block):
    """When a task runs: cron expressions of its start and end."""

    start: str
    end: str
    timezone: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule(Block):
    """When a task runs (Nomad Enterprise)."""

    cron: ScheduleCron | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task(Block):
    """One process or container; `config` is its driver's: jobs.nomad.drivers has a type for each."""

    name: Annotated[str, _NAME]
    driver: str
    config: Mapping[str, Any] | None = None
    user: str | None = None
    env: Mapping[str, str] | None = None
    meta: Mapping[str, str] | None = None
    resources: Resources | None = None
    lifecycle: Lifecycle | None = None
    leader: bool | None = None
    artifacts: tuple[Artifact, ...] | None = None
    templates: tuple[Template, ...] | None = None
    vault: Vault | None = None
    consul: Consul | None = None
    secrets: tuple[Secret, ...] | None = None
    identity: Identity | None = None
    identities: tuple[Identity, ...] | None = None
    services: tuple[Service, ...] | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    csi_plugin: Annotated[CsiPlugin | None, Api("CSIPluginConfig")] = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    restart: Annotated[Restart | None, Api("RestartPolicy")] = None
    logs: Annotated[LogConfig | None, Api("LogConfig")] = None
    scaling: Annotated[tuple[ScalingPolicy, ...] | None, Api("ScalingPolicies")] = None
    dispatch_payload: DispatchPayload | None = None
    actions: tuple[Action, ...] | None = None
    schedule: Schedule | None = None
    kind: str | None = None
    kill_signal: str | None = None
    kill_timeout: timedelta | None = None
    shutdown_delay: timedelta | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """A file has one template."""
        destinations = [template.destination for template in self.templates or ()]
        for twice in sorted({path for path in destinations if destinations.count(path) > 1}):
            yield ".template", f"two are rendered to {twice} - give each a destination of its own"
