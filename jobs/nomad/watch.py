"""Waiting until Nomad has done what it was asked to: bounded, telling only what changes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from configs.errors import JobError
from jobs.nomad import trouble
from jobs.nomad.client import Client

POLL_S = 0.5
"""Time between two looks, in seconds."""

REASONS = 3
"""How many reasons an error tells, the newest first."""

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The time in seconds, and how to let some pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ticks(self, within: timedelta) -> Iterator[bool]:
        """One turn a poll; false on the last, when the time is over."""
        end = self.now() + within.total_seconds()
        while self.now() < end:
            yield True
            self.sleep(POLL_S)
        yield False


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A version of a job as one look finds it.

    Attributes:
        text: what an operator is told.
        promotable: the deployment whose canaries are all healthy and wait for promotion.
    """

    text: str
    done: bool = False
    failed: bool = False
    promotable: str | None = None


def settled(
    client: Client, job_id: str, version: int, *, within: timedelta, report: Report, clock: Clock | None = None
) -> None:
    """Wait until a version of a job runs whole, promoting its canaries once they are all healthy.

    Args:
        client: Nomad.
        job_id: the job.
        version: the version that was registered.
        within: how long to wait at most.
        report: told each change of what is seen.
        clock: the time; the machine's own by default.

    Raises:
        JobError: when the deployment fails or the time is over, with what was seen last and why.
    """
    last = ""
    for in_time in (clock or Clock()).ticks(within):
        seen = look(client, job_id, version)
        if seen.text != last:
            report(last := seen.text)
        if seen.done:
            return
        if seen.failed or not in_time:
            late = "" if seen.failed else f"not whole after {within}, last seen: "
            raise JobError(_explained(client, job_id, version, late + seen.text))
        if seen.promotable:
            report("all canaries are healthy: promoting them")
            client.promote(seen.promotable)


def stopped(client: Client, job_id: str, *, within: timedelta, clock: Clock | None = None) -> None:
    """Wait until nothing of a job runs any more.

    Raises:
        JobError: when the time is over.
    """
    for in_time in (clock or Clock()).ticks(within):
        running = [a for a in client.allocations(job_id) if a["ClientStatus"] in ("pending", "running")]
        if not running:
            return
        if not in_time:
            raise JobError(f"{job_id}: {len(running)} allocations still run after {within} - look at its status")


def look(client: Client, job_id: str, version: int) -> Seen:
    """How far a version of a job is: by its deployment, or by its allocations where it has none."""
    if deployment := client.deployment(job_id, version):
        return _deployment(deployment)
    return _allocations(client, job_id, version)


def _deployment(deployment: Mapping[str, Any]) -> Seen:
    groups = deployment["TaskGroups"].items()
    counts = ", ".join(f"{name}: {_counts(group)}" for name, group in groups)
    status = deployment["Status"]
    if status == "successful":
        return Seen(text=f"deployment successful, {counts}", done=True)
    if status in ("failed", "cancelled"):
        return Seen(text=f"deployment {status} ({deployment['StatusDescription']}), {counts}", failed=True)
    ready = all(_ready(group) for _, group in groups) and any(_waits(group) for _, group in groups)
    return Seen(text=f"deployment {status}, {counts}", promotable=deployment["ID"] if ready else None)


def _counts(group: Mapping[str, Any]) -> str:
    canaries = f", {len(group.get('PlacedCanaries') or ())} of {group['DesiredCanaries']} canaries placed"
    return (
        f"{group['HealthyAllocs']} of {group['DesiredTotal']} healthy, {group['UnhealthyAllocs']} unhealthy"
        f"{canaries if _waits(group) else ''}"
    )


def _waits(group: Mapping[str, Any]) -> bool:
    return bool(group["DesiredCanaries"]) and not group["Promoted"]


def _ready(group: Mapping[str, Any]) -> bool:
    return not _waits(group) or group["HealthyAllocs"] >= group["DesiredCanaries"]


def _allocations(client: Client, job_id: str, version: int) -> Seen:
    status = client.status(job_id)
    if status.version > version:
        return Seen(text=f"version {status.version} has taken its place", failed=True)
    pending = any(evaluation["Status"] == "pending" for evaluation in client.evaluations(job_id))
    found = client.allocations(job_id)
    ended = [a for a in trouble.current(found) if a["JobVersion"] == version]
    if status.status == "dead" and ended and not pending:
        return _over(ended)
    wanted = [a for a in found if a["DesiredStatus"] == "run"]
    done = status.whole and not pending and all(a["JobVersion"] == version for a in wanted)
    running = sum(a["ClientStatus"] == "running" for a in wanted)
    return Seen(text=f"{status.status}, {running} of {len(wanted)} allocations run", done=done)


def reasons(client: Client, job_id: str, version: int) -> list[str]:
    """Why a version of a job is not whole, as far as Nomad knows: its newest allocations first, then its placement."""
    newest = sorted(client.allocations(job_id), key=lambda a: -int(a["CreateIndex"]))
    mine = [a for a in newest if a["JobVersion"] == version]
    refused = (evaluation.get("FailedTGAllocs") for evaluation in client.evaluations(job_id))
    unplaced = [] if mine else trouble.unplaced(next(filter(None, refused), {}))
    return [*trouble.of_allocations(mine), *trouble.unhealthy(mine), *unplaced]


def _over(ended: Sequence[Mapping[str, Any]]) -> Seen:
    """A batch job that has come to its end."""
    complete = sum(a["ClientStatus"] == "complete" for a in ended)
    text = f"{complete} of {len(ended)} allocations are complete"
    return Seen(text=text, done=complete == len(ended), failed=complete < len(ended))


def _explained(client: Client, job_id: str, version: int, text: str) -> str:
    found = reasons(client, job_id, version)
    more = [f"and {len(found) - REASONS} more"] if len(found) > REASONS else []
    return "\n  ".join([f"{job_id}: version {version}: {text}", *found[:REASONS], *more])
