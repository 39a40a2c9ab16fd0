"""One bring-up, cut off at moment after moment, and what was there each time."""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import requests

from configs.errors import AccessError
from deploy.operations import vault_init
from tests.cluster.cluster import Cluster
from tests.cluster.convergence import Convergence
from tests.cluster.killed import moments
from tests.cluster.killed.moments import Moment
from vagrant.progress import Progress

Digests = Mapping[str, str]


@dataclass(slots=True)
class Story:
    """The chain of killed runs, and the run that ended it.

    Attributes:
        cluster: the environment.
        last: the run that nobody killed.
        logs: what each killed run told, by its moment.
        kept: the digest of every secret in the secrets file, after each run.
        ids: the IDs that Vault gave itself; it takes one as it is initialised.
    """

    cluster: Cluster
    last: Convergence
    logs: dict[str, str] = field(default_factory=dict)
    kept: list[Digests] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def said(self, text: str) -> int:
        """How many of the runs said this."""
        return sum(text in log for log in (*self.logs.values(), self.last.log))

    @property
    def lost(self) -> set[str]:
        """The secrets that were there after one run, and after a later one not or other than before."""
        pairs = zip(self.kept, self.kept[1:], strict=False)
        return {key for before, after in pairs for key in before if after.get(key) != before[key]} - {vault_init.ROOT}


def tell(cluster: Cluster, chain: Iterable[Moment]) -> Story:
    """Kill a run at each moment, one after the other; then let one end.

    Raises:
        HostError: when a moment does not come, or the last run fails.
    """
    logs, kept, ids, progress = {}, [], set(), Progress()
    for moment in chain:
        progress.say(moment.what)
        logs[moment.what] = moments.kill(cluster, moment)
        kept.append(digests(cluster))
        ids |= vault_ids(cluster)
    last = cluster.run()
    kept.append(digests(cluster))
    return Story(cluster, last, logs, kept, ids | vault_ids(cluster))


def digests(cluster: Cluster) -> Digests:
    """Of every secret in the secrets file."""
    kept = cluster.access.secrets
    names = kept.keys()
    return {key: hashlib.sha256(kept.get(key).encode()).hexdigest() for key in names}


def vault_ids(cluster: Cluster) -> set[str]:
    """The ID of Vault's cluster, when there is an open one."""
    with suppress(AccessError, requests.RequestException):
        access = cluster.access
        answer = access.session().get(f"{access.url('vault')}/v1/sys/health").json()
        return {answer["cluster_id"]} if "cluster_id" in answer else set()
    return set()
