"""What a task reserves of its node."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from jobs.nomad.check import Mistake, Range
from jobs.nomad.document import Api, Block
from jobs.nomad.spec.network import Network
from jobs.nomad.spec.placement import Affinity, Constraint

_NO_LIMIT = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Device(Block):
    """Devices of a node, by `type`, `vendor/type` or `vendor/type/model`."""

    name: str
    count: int | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Numa(Block):
    """Whether a task's cores, and which of its devices, belong to one NUMA node."""

    affinity: Literal["none", "prefer", "require"] | None = None
    devices: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources(Block):
    """What a task reserves; `memory_mb` is also its limit unless `memory_max_mb` says more (-1: no limit).

    `disk_mb`, `iops` and `networks` are what Nomad had here before groups had them.
    """

    cpu: int | None = None
    cores: int | None = None
    memory_mb: Annotated[int | None, Api("MemoryMB")] = None
    memory_max_mb: Annotated[int | None, Api("MemoryMaxMB"), Range(_NO_LIMIT)] = None
    secrets_mb: Annotated[int | None, Api("SecretsMB")] = None
    devices: tuple[Device, ...] | None = None
    numa: Numa | None = None
    disk_mb: Annotated[int | None, Api("DiskMB")] = None
    iops: Annotated[int | None, Api("IOPS")] = None
    networks: tuple[Network, ...] | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """CPU is asked for in one way; limits hold what is reserved."""
        if self.cpu and self.cores:
            yield ".cpu", f"{self.cpu} MHz, and {self.cores} cores - ask for one of both"
        if self.memory_mb and self.memory_max_mb and 0 < self.memory_max_mb < self.memory_mb:
            yield ".memory_max_mb", f"{self.memory_max_mb} is less than memory_mb={self.memory_mb} - give at least that"
        if self.memory_mb and self.secrets_mb and self.secrets_mb > self.memory_mb:
            yield ".secrets_mb", f"{self.secrets_mb} is more than memory_mb={self.memory_mb} - it is part of that"
