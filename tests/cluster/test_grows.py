"""A host added to the inventory joins by the same command, and nothing on the others is started anew."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from configs.environment import Environment, Host
from deploy.facts import nomad as nomad_facts
from inventory import environments
from tests.cluster import convergence
from tests.cluster.cluster import Cluster
from vagrant import ssh
from vagrant.waiting import wait

INVENTORY = "tests/cluster/grown/inventory.py"
BOUND_S = 60

Processes = dict[tuple[str, str], str]
"""By host and unit: the main process and the moment at which it was started."""

_PROCESSES = (
    "systemctl list-units --type=service --state=running --plain --no-legend | awk '{print $1}' |"
    " xargs systemctl show --property Id,MainPID,ExecMainStartTimestampMonotonic --value | paste -d ' ' - - - -"
)
_OF_ITS_OWN = ("systemd-", "getty", "user@", "session-", "dbus", "ssh", "apt-", "logrotate")
"""What the distribution starts and ends as it sees fit."""


@pytest.fixture(scope="module")
def before(cluster: Cluster) -> Processes:
    return _processes(cluster.env)


@pytest.fixture(scope="module")
def grown(cluster: Cluster, before: Processes) -> Iterator[Environment]:
    """The environment with one more client, which has joined; removed as docs/operations.md says."""
    assert before
    env = environments.load(INVENTORY)
    cluster.fleet.add(env.clients[-1])
    convergence.converge(INVENTORY)
    yield env
    _remove(cluster, env.clients[-1])


def test_the_new_host_is_a_member_of_everything(cluster: Cluster, grown: Environment) -> None:
    new = grown.clients[-1]
    ready = {node["Name"]: node for node in nomad_facts.nodes(grown).values()}
    assert ready[new.name]["SchedulingEligibility"] == "eligible"
    _, checks = cluster.access.consul().health.node(new.name)
    assert ("serfHealth", "passing") in {(check["CheckID"], check["Status"]) for check in checks}
    assert ssh.run(new, "getent hosts nomad.service.consul").split()
    wait("every check is well", lambda: cluster.python("deploy.status", INVENTORY), bound_s=BOUND_S)


def test_nothing_on_the_other_hosts_was_started_anew(cluster: Cluster, grown: Environment, before: Processes) -> None:
    assert grown != cluster.env
    after = _processes(cluster.env)
    assert {name: started for name, started in before.items() if after.get(name) != started} == {}


def test_the_new_host_is_given_work(cluster: Cluster, grown: Environment) -> None:
    """The others take nothing new meanwhile: where Nomad's spread ties, the fuller host wins."""
    new = grown.clients[-1]
    with _ineligible(cluster, cluster.env.clients):
        wait("a third instance", lambda: _scale(cluster, 3), bound_s=BOUND_S)
        wait(f"an instance on {new.name}", lambda: _passing(cluster, new), bound_s=BOUND_S)
    wait("two instances again", lambda: _scale(cluster, 2), bound_s=BOUND_S)


def test_a_second_run_of_the_grown_inventory_changes_nothing(grown: Environment) -> None:
    assert grown
    assert convergence.converge(INVENTORY).changes == {}


def test_a_host_taken_out_of_the_inventory_leaves_a_healthy_environment(cluster: Cluster, grown: Environment) -> None:
    gone = grown.clients[-1]
    _remove(cluster, gone)
    assert gone.name not in {node["Name"] for node in cluster.access.nomad().nodes.get_nodes()}
    tokens = {token["Description"] for token in cluster.access.consul().acl.token.list()}
    assert not [purpose for purpose in tokens if purpose.endswith(gone.name)], "its tokens are still in force"
    rules = cluster.ssh(cluster.env.servers[0], "nft list table inet socle")
    assert gone.address not in rules
    wait("every check is well", lambda: cluster.python("deploy.status", cluster.inventory), bound_s=2 * BOUND_S)


def _remove(cluster: Cluster, gone: Host) -> None:
    """Take a host out: the machine goes, Nomad notices, and the same command forgets it."""
    if gone.name not in cluster.fleet.names():
        return
    cluster.fleet.remove(gone.name)
    wait(f"Nomad misses {gone.name}", lambda: gone.name not in _ready(cluster), bound_s=BOUND_S)
    cluster.run()


def _ready(cluster: Cluster) -> set[str]:
    return {node["Name"] for node in nomad_facts.nodes(cluster.env).values()}


def _processes(env: Environment) -> Processes:
    found = {}
    for host in env.hosts:
        for line in ssh.run(host, _PROCESSES).splitlines():
            *started, unit = line.split()
            if not unit.startswith(_OF_ITS_OWN):
                found[host.name, unit] = " ".join(started)
    return found


@contextmanager
def _ineligible(cluster: Cluster, clients: Iterable[Host]) -> Iterator[None]:
    """Let clients be given nothing new for as long as the `with` block takes."""
    names, nomad = {client.name for client in clients}, cluster.access.nomad()
    nodes = [node["ID"] for node in nomad_facts.nodes(cluster.env).values() if node["Name"] in names]
    for node in nodes:
        nomad.node.eligible_node(node, ineligible=True)
    try:
        yield
    finally:
        for node in nodes:
            nomad.node.eligible_node(node, eligible=True)


def _scale(cluster: Cluster, count: int) -> bool:
    """Ask for a number of instances; Nomad refuses while a deployment runs."""
    access = cluster.access
    document = {"Count": count, "Target": {"Group": "web"}, "Message": "test"}
    headers = {"X-Nomad-Token": access.secrets.get("nomad/bootstrap")}
    return access.session().post(f"{access.url('nomad')}/v1/job/web/scale", json=document, headers=headers).ok


def _passing(cluster: Cluster, host: Host) -> bool:
    _, found = cluster.access.consul().health.service("web", passing=True)
    return host.name in {entry["Node"]["Node"] for entry in found}
