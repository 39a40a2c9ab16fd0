"""Which server leads a group of servers."""

from configs.environment import Host
from deploy.facts import nomad as nomad_facts
from deploy.facts import vault as vault_facts
from tests.cluster.cluster import Cluster
from vagrant.waiting import wait

ELECTION_S = 30.0


def leader(cluster: Cluster, service: str) -> str:
    """The host of a group's leader: of consul, vault, or nomad.

    Raises:
        HostError: when there is none within half a minute.
    """
    access = cluster.access

    def leads(server: Host) -> bool:
        if service == "vault":
            return vault_facts.is_active(access.vault(server, token=""))
        found = access.consul(token="").status.leader() if service == "consul" else nomad_facts.leader(access)
        return bool(found.partition(":")[0] == server.address)

    def found() -> str | None:
        return next((server.name for server in cluster.env.servers if leads(server)), None)

    return wait(f"{service} has a leader", found, bound_s=ELECTION_S)
