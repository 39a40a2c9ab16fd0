"""A job, whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from configs.errors import JobSpecError
from jobs.nomad import check, document
from jobs.nomad.check import Mistake, Range, Text
from jobs.nomad.document import Api, Block
from jobs.nomad.spec import scaling
from jobs.nomad.spec.group import TaskGroup
from jobs.nomad.spec.placement import Affinity, Constraint, Spread
from jobs.nomad.spec.update import Migrate, Reschedule, Update

SERVER_FIELDS = frozenset(
    {
        "CreateIndex",
        "DispatchIdempotencyToken",
        "Dispatched",
        "JobModifyIndex",
        "ModifyIndex",
        "NomadTokenID",
        "ParentID",
        "Payload",
        "Stable",
        "Status",
        "StatusDescription",
        "Stop",
        "SubmitTime",
        "Version",
        "VersionTag",
    }
)
"""What Nomad itself writes into a job: its state, and where it came from."""

_ID = Text(r"[^\0 ]+", "give a name without spaces and null characters")


@dataclass(frozen=True, kw_only=True, slots=True)
class Periodic(Block):
    """When a batch job is run by itself: cron expressions; `spec` is one of them, as Nomad had it first."""

    enabled: bool | None = None
    specs: tuple[str, ...] | None = None
    spec: str | None = None
    spec_type: str | None = None
    prohibit_overlap: bool | None = None
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameterized(Block):
    """What a dispatch of the job must and may bring."""

    payload: Literal["optional", "required", "forbidden"] | None = None
    meta_required: tuple[str, ...] | None = None
    meta_optional: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiregionStrategy(Block):
    """How many regions are updated at once, and what becomes of the others when one fails."""

    max_parallel: int | None = None
    on_failure: Literal["fail_all", "fail_local"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiregionRegion(Block):
    """What differs in a region."""

    name: str
    count: int | None = None
    datacenters: tuple[str, ...] | None = None
    node_pool: str | None = None
    meta: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Multiregion(Block):
    """The regions that a job is deployed to (Nomad Enterprise)."""

    strategy: MultiregionStrategy | None = None
    regions: tuple[MultiregionRegion, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Link(Block):
    """A link on the job's page."""

    label: str | None = None
    url: Annotated[str | None, Api("URL")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ui(Block):
    """What Nomad's pages show of the job."""

    description: str | None = None
    links: tuple[Link, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Block):
    """A job, whole; where nothing is said, Nomad takes it for a service, and names it by its ID.

    Raises:
        JobSpecError: every mistake in the whole tree, each with its path.
    """

    id: Annotated[str, _ID]
    type: Literal["service", "system", "batch", "sysbatch"] | None = None
    name: str | None = None
    namespace: str | None = None
    region: str | None = None
    datacenters: tuple[str, ...] | None = None
    node_pool: str | None = None
    priority: Annotated[int | None, Range(1, 32767)] = None
    all_at_once: bool | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    spreads: tuple[Spread, ...] | None = None
    update: Update | None = None
    migrate: Migrate | None = None
    reschedule: Reschedule | None = None
    periodic: Periodic | None = None
    parameterized: Annotated[Parameterized | None, Api("ParameterizedJob")] = None
    multiregion: Multiregion | None = None
    ui: Ui | None = None
    meta: Mapping[str, str] | None = None
    consul_namespace: str | None = None
    vault_namespace: str | None = None
    task_groups: tuple[TaskGroup, ...]

    def __post_init__(self) -> None:
        if self.name == self.id:
            # The same is never said in two ways: a job read from Nomad equals the one that was sent.
            object.__setattr__(self, "name", None)
        if found := check.findings(self, str(self.id or "job")):
            raise JobSpecError(found)

    @classmethod
    def from_api(cls, job: Mapping[str, Any]) -> "Job":
        """A job from Nomad's API, nothing lost: `to_api` gives the same document again.

        Args:
            job: a job as Nomad has it, or as it parsed it.

        Raises:
            JobSpecError: every mistake in it; Nomad would not register such a job.
        """
        return document.decode(cls, job)

    def to_api(self) -> dict[str, Any]:
        """The job as Nomad's API takes it."""
        api: dict[str, Any] = document.encode(self)
        return {"Name": self.id, **api}

    def without_server_fields(self) -> "Job":
        """The same job without what Nomad itself wrote into it: as it would be registered."""
        api = _without(self.to_api(), SERVER_FIELDS)
        for group in api["TaskGroups"]:
            if group.get("Scaling"):
                group["Scaling"] = _without(group["Scaling"], scaling.SERVER_FIELDS)
        return Job.from_api(api)

    def mistakes(self) -> Iterator[Mistake]:
        """A group's name is its own in its job."""
        names = [group.name for group in self.task_groups]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f".group[{name}]", "two groups have this name - give each one of its own"


def _without(api: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in api.items() if name not in names}
