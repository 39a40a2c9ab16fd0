"""The versions of a job that Nomad still has: which were good, which one to go back to."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configs.errors import JobError, PromotionError
from jobs.nomad import spec
from jobs.nomad.client import Client, Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version.

    Attributes:
        stable: whether a deployment of it was successful.
        submitted: when it was registered, epoch seconds.
        tag: the name that it was given; empty without one.
        note: the tag's description.
        job: what was registered.
    """

    number: int
    stable: bool
    submitted: float
    job: spec.Job
    tag: str = ""
    note: str = ""


def of(client: Client, job_id: str) -> tuple[Version, ...]:
    """A job's versions, the newest first.

    Raises:
        JobError: when Nomad has no job of this name.
    """
    if client.find(job_id) is None:
        raise JobError(f"{job_id}: Nomad has no job of this name - run it first")
    return tuple(_version(document) for document in client.versions(job_id))


def earlier(versions: Sequence[Version], to: int | None = None) -> Version:
    """The version to go back to: the one that is asked for, or the newest good one that differs from the present.

    Args:
        versions: of a job, the newest first; the first is the present one.
        to: a version's number.

    Raises:
        PromotionError: when there is none, or the one asked for is unknown, not good or the present one.
    """
    present, *others = versions
    good = [version for version in others if version.stable and not same(version.job, present.job)]
    chosen = next((version for version in good if to in (None, version.number)), None)
    if chosen is None:
        known = ", ".join(str(version.number) for version in good) or "none"
        asked = "earlier version" if to is None else f"version {to}"
        finding = (
            f"{present.job.id}: Nomad has no {asked} that is good and differs from the present version "
            f"{present.number} - good ones: {known}"
        )
        raise PromotionError([finding])
    return chosen


def same(one: spec.Job, other: spec.Job) -> bool:
    """Whether two versions differ in nothing but their counts: scaling makes a version too."""
    return _uncounted(one) == _uncounted(other)


def kept(job: spec.Job, running: Document | None) -> spec.Job:
    """A job with the counts of the one that runs; groups that are not in it keep their own."""
    counts: Mapping[str, Any] = {}
    if running and not running["Stop"]:
        counts = {group["Name"]: group["Count"] for group in running["TaskGroups"]}
    groups = (dataclasses.replace(group, count=counts.get(group.name, group.count)) for group in job.task_groups)
    return dataclasses.replace(job, task_groups=tuple(groups))


def _version(document: Document) -> Version:
    tag = document.get("VersionTag") or {}
    return Version(
        number=document["Version"],
        stable=document["Stable"],
        submitted=document["SubmitTime"] / 1e9,
        tag=tag.get("Name") or "",
        note=tag.get("Description") or "",
        job=spec.Job.from_api(document).without_server_fields(),
    )


def _uncounted(job: spec.Job) -> spec.Job:
    groups = (dataclasses.replace(group, count=None) for group in job.task_groups)
    return dataclasses.replace(job, task_groups=tuple(groups))
