"""Versions that went from one environment to another are named in Nomad, which then keeps them."""

import time
from typing import Final

from jobs.nomad.client import Client

PREFIX: Final = "advanced-"
KEPT: Final = 10
"""Named versions that are kept of a job: Nomad never collects one by itself."""


def tag(client: Client, job_id: str, version: int, fingerprint: str, note: str) -> str:
    """Name a version after what it is in every environment; the note is added to those it has.

    Returns:
        The name.
    """
    known = {each["Version"]: each.get("VersionTag") for each in client.versions(job_id)}
    before = (known.get(version) or {}).get("Description") or ""
    name = f"{PREFIX}{fingerprint[:12]}-v{version}"
    told = f"{note}, {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime())}"
    client.tag(job_id, version, name, f"{before}; {told}" if before else told)
    _forget(client, job_id)
    return name


def _forget(client: Client, job_id: str) -> None:
    tags = [(each.get("VersionTag") or {}).get("Name", "") for each in client.versions(job_id)]
    for name in [name for name in tags if name.startswith(PREFIX)][KEPT:]:
        client.untag(job_id, name)
