"""Tasks that are placed together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from jobs.nomad.check import NAME, Mistake
from jobs.nomad.document import Api, Block
from jobs.nomad.spec.identity import Consul
from jobs.nomad.spec.network import Network
from jobs.nomad.spec.placement import Affinity, Constraint, Spread
from jobs.nomad.spec.scaling import ScalingPolicy
from jobs.nomad.spec.service import Service
from jobs.nomad.spec.task import Task
from jobs.nomad.spec.update import Disconnect, EphemeralDisk, Migrate, Reschedule, Restart, Update
from jobs.nomad.spec.volume import VolumeRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskGroup(Block):
    """Tasks that are placed together, `count` times; Nomad adds those of sidecars and gateways.

    `stop_after_client_disconnect`, `max_client_disconnect` and `prevent_reschedule_on_lost` were before `disconnect`.
    """

    name: Annotated[str, NAME]
    count: int | None = None
    networks: tuple[Network, ...] | None = None
    services: tuple[Service, ...] | None = None
    volumes: Mapping[str, VolumeRequest] | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    spreads: tuple[Spread, ...] | None = None
    update: Update | None = None
    migrate: Migrate | None = None
    restart: Annotated[Restart | None, Api("RestartPolicy")] = None
    reschedule: Annotated[Reschedule | None, Api("ReschedulePolicy")] = None
    disconnect: Disconnect | None = None
    ephemeral_disk: EphemeralDisk | None = None
    scaling: ScalingPolicy | None = None
    consul: Consul | None = None
    meta: Mapping[str, str] | None = None
    shutdown_delay: timedelta | None = None
    stop_after_client_disconnect: timedelta | None = None
    max_client_disconnect: timedelta | None = None
    prevent_reschedule_on_lost: bool | None = None
    tasks: tuple[Task, ...] = ()

    def mistakes(self) -> Iterator[Mistake]:
        """There are tasks, whose names are their own, and which mount what the group asks for."""
        if not self.tasks and not any(service.connect for service in self.services or ()):
            yield ".tasks", "missing - give at least one task"
        names = [task.name for task in self.tasks]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f".task[{name}]", "two tasks have this name - give each one of its own"
        for task in self.tasks:
            for mount in task.volume_mounts or ():
                if mount.volume not in (self.volumes or {}):
                    yield f".task[{task.name}].volume_mount", f"{mount.volume!r} is no volume of the group - add it"
