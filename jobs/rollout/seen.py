"""What a runner sees at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from jobs.rollout.verdicts import Measurement


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a person asks of a rollout, as it stands in Consul; `index` is its modify index there."""

    action: Literal["pause", "resume", "promote", "abort"]
    who: str
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One of Nomad's deployments.

    Attributes:
        wanted: canaries that are asked for, of all groups.
        healthy: canaries that Nomad calls healthy.
    """

    id: str
    version: int
    status: str
    text: str
    wanted: int = 0
    healthy: int = 0
    promoted: bool = False

    @property
    def failed(self) -> bool:
        """Whether Nomad gave it up."""
        return self.status in ("failed", "cancelled")

    @property
    def waits(self) -> bool:
        """Whether all its canaries are healthy and it waits to be promoted."""
        return self.status == "running" and 0 < self.wanted <= self.healthy and not self.promoted


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """How one ingress splits the traffic of a service.

    Attributes:
        weight: the canary's share in force, in percent; 0 when it has no canary half.
        canaries: instances in the canary half; every one passes its check.
        stables: instances in the stable half.
    """

    weight: int
    canaries: int
    stables: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """The split as it is written in Consul, and as each ingress host has it in force (None: it is not reached).

    Attributes:
        written: the canary's share, in percent.
        expected: canaries that the service's group asks for.
    """

    written: int
    expected: int = 0
    ingresses: Mapping[str, Half | None] = field(default_factory=dict)

    def in_force(self, weight: int) -> bool:
        """Whether every ingress says that it is."""
        return all(half is not None and half.weight == weight for half in self.ingresses.values())

    @property
    def silent(self) -> tuple[str, ...]:
        """The ingress hosts that do not answer."""
        return tuple(sorted(name for name, half in self.ingresses.items() if half is None))

    @property
    def canaries(self) -> int:
        """The fewest canaries that an ingress knows, among those that answer."""
        return min((half.canaries for half in self.ingresses.values() if half is not None), default=0)

    @property
    def lost(self) -> bool:
        """Whether an ingress that answers knows fewer canaries than are asked for."""
        return any(half is not None and half.canaries < self.expected for half in self.ingresses.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The job as Nomad has it.

    Attributes:
        ours: the version that is the rollout's own; asked only while it is registered.
        whole: whether all that should run of its present version does, and nothing of others.
        counts: instances asked for, by group.
    """

    version: int
    index: int
    ours: int | None = None
    stopped: bool = False
    whole: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """All of it.

    Attributes:
        job: None when Nomad has none of this name.
        deployment: of the rollout's version.
        latest: of the job's newest version.
        traffic: None for a job without a service behind the ingress.
        measurements: of every check, when they were due.
        trouble: why the version does not run, when Nomad gave it up or the canaries are late.
    """

    job: Job | None = None
    deployment: Deployment | None = None
    latest: Deployment | None = None
    traffic: Traffic | None = None
    measurements: tuple[Measurement, ...] = ()
    request: Request | None = None
    trouble: str = ""
