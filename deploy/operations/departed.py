"""What hosts left behind that were rebuilt, or are in the inventory no more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from configs.environment import Environment
from deploy.operations.reconcile import Change
from inventory.access import Access


def changes(env: Environment) -> Iterator[Change]:
    """Forgetting Nomad's nodes that are down for good, and Consul's members that nobody waits for."""
    access = Access.for_environment(env)
    nomad, names = access.nomad(), {host.name for host in env.hosts}
    for node in gone(nomad.nodes.get_nodes(), names):
        yield Change(f"forget the lost node of {node['Name']}", partial(nomad.node.purge_node, node["ID"]))
    consul = access.consul()
    _, checks = consul.health.state("critical")
    for name in sorted({check["Node"] for check in checks if check["CheckID"] == "serfHealth"} - names):
        yield Change(f"forget Consul's lost member {name}", partial(consul.agent.force_leave, name))


def gone(nodes: Sequence[Mapping[str, Any]], names: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """The nodes that are down for good.

    Such a node's host has a newer one that is ready (its own heartbeats may not be missed yet), or it is down and not
    in the inventory. A host that was taken out of the inventory and still runs is left to whoever did so.

    Args:
        nodes: Nomad's list stubs of all nodes.
        names: of the hosts in the inventory.
    """
    newest: dict[str, int] = {}
    for node in nodes:
        if node["Status"] == "ready":
            newest[node["Name"]] = max(newest.get(node["Name"], 0), node["CreateIndex"])
    for node in nodes:
        replaced = node["CreateIndex"] < newest.get(node["Name"], 0)
        if replaced or (node["Status"] == "down" and node["Name"] not in names):
            yield node
