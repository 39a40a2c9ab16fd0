"""What hosts left behind that were rebuilt, or are in the inventory no more."""

from collections.abc import Iterator
from functools import partial

from configs.environment import Environment
from deploy.operations.reconcile import Change
from inventory.access import Access


def changes(env: Environment) -> Iterator[Change]:
    """Forgetting Nomad's nodes that are down for good, and Consul's members that nobody waits for.

    A node is gone for good when its host has a newer one that is ready, even before its heartbeats are missed, or when
    it is down and not in the inventory. A host that was taken out of the inventory and still runs is left to whoever
    did so.
    """
    access = Access.for_environment(env)
    nomad, names = access.nomad(), {host.name for host in env.hosts}
    nodes = nomad.nodes.get_nodes()
    newest: dict[str, int] = {}
    for node in nodes:
        if node["Status"] == "ready":
            newest[node["Name"]] = max(newest.get(node["Name"], 0), node["CreateIndex"])
    for node in nodes:
        replaced = node["CreateIndex"] < newest.get(node["Name"], 0)
        if replaced or (node["Status"] == "down" and node["Name"] not in names):
            yield Change(f"forget the lost node of {node['Name']}", partial(nomad.node.purge_node, node["ID"]))
    consul = access.consul()
    _, checks = consul.health.state("critical")
    for name in sorted({check["Node"] for check in checks if check["CheckID"] == "serfHealth"} - names):
        yield Change(f"forget Consul's lost member {name}", partial(consul.agent.force_leave, name))
