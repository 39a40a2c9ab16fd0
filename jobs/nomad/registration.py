"""A job registered as it is given, and followed until it is whole."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs.nomad import spec, watch
from jobs.nomad.client import Client

WITHIN = timedelta(minutes=10)
"""How long a run waits for a deployment: Nomad's own deadlines end it earlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What a run did."""

    job: str
    version: int
    changed: bool


def settle(client: Client, job: spec.Job, report: Callable[[str], None], within: timedelta = WITHIN) -> Ran:
    """Have a job registered unless Nomad has it already, and wait until it runs whole.

    A run that was killed after the registration is taken up: the deployment that goes on is followed to its end.
    """
    planned = client.plan(job)
    if not planned.changes:
        version = int(client.job(job.id)["Version"])
        report(f"{job.id}: unchanged, version {version}")
        if not watch.look(client, job.id, version).done:
            watch.settled(client, job.id, version, within=within, report=report)
        return Ran(job=job.id, version=version, changed=False)
    registered = client.register(job, planned.index)
    report(f"{job.id}: registered version {registered.version}")
    watch.settled(client, job.id, registered.version, within=within, report=report)
    return Ran(job=job.id, version=registered.version, changed=True)
