"""Who took over a client can neither become a server nor bring in a node of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs import certificates, ports
from configs.environment import Host
from tests.cluster.cluster import Cluster
from vagrant import ssh
from vagrant.waiting import wait

PROBES = Path(__file__).parent / "probes"
FOLDER = "/run/impostor"
UNIT = "impostor"
MARK = "socle-test-replicated"
BOUND_S = 60

CONSUL = ("consul", ports.CONSUL_RPC, 3)
NOMAD = ("nomad", ports.NOMAD_RPC, 4)
"""A service, its RPC port, and the byte that asks for TLS there."""
CALLS = {"consul": 0, "nomad": 1}
RAFT = {"consul": 1, "nomad": 2}
"""The bytes that ask for calls, which agents make, and for raft, which servers alone speak to one another."""


@pytest.fixture
def taken(cluster: Cluster) -> Iterator[Host]:
    """A client host whose root is not ours any more: he opens its packet filter, and has all its keys."""
    host = cluster.env.clients[1]
    cluster.ssh(host, f"mkdir -p -m 700 {FOLDER} && nft insert rule inet socle input accept")
    yield host
    cluster.ssh(host, f"systemctl kill --signal KILL {UNIT} 2>/dev/null || true; systemctl restart socle-firewall")
    cluster.ssh(host, f"systemctl reset-failed {UNIT} 2>/dev/null || true; rm -rf {FOLDER}")


@pytest.mark.parametrize("group", [CONSUL, NOMAD], ids=lambda group: group[0])
def test_a_clients_certificate_makes_calls_and_is_refused_as_a_raft_peer(
    cluster: Cluster, taken: Host, group: tuple[str, int, int]
) -> None:
    service = group[0]
    assert _stream(cluster, taken, group, CALLS[service]) == "kept"
    assert _stream(cluster, taken, group, RAFT[service]) != "kept"


@pytest.mark.parametrize("group", [CONSUL, NOMAD], ids=lambda group: group[0])
def test_a_servers_certificate_is_taken_as_a_raft_peer(cluster: Cluster, group: tuple[str, int, int]) -> None:
    """The other half of the test above: it is the certificate that is refused there, not the question."""
    assert _stream(cluster, cluster.env.monitor, group, RAFT[group[0]]) == "kept"


def test_a_consul_server_with_a_clients_certificate_gets_neither_a_vote_nor_the_data(
    cluster: Cluster, taken: Host
) -> None:
    cluster.access.consul().kv.put(MARK, MARK)
    config = json.loads(cluster.ssh(taken, "cat /etc/consul/consul.json"))
    config |= {"node_name": UNIT, "server": True, "bootstrap_expect": 0, "data_dir": f"{FOLDER}/data"}
    config["ports"] |= {"https": 18501, "dns": -1, "server": 18300, "serf_lan": 18301}
    config["retry_join"] = [f"{server.address}:{ports.CONSUL_SERF}" for server in cluster.env.servers]
    _start(taken, config, f"/opt/socle/consul/current/consul agent -config-file={FOLDER}/config.json")
    servers = "|".join(server.address for server in cluster.env.servers)
    refusal = f"conn=from=({servers}):.*tls: bad certificate"
    wait("a server refuses the impostor", lambda: _journal_has(cluster, taken, refusal), bound_s=BOUND_S)
    assert not [server for server in _raft(cluster) if server["Voter"] and server["Node"] == UNIT]
    assert cluster.ssh(taken, f"grep -rlaF {MARK} {FOLDER}/data || true") == ""
    cluster.access.consul().kv.delete(MARK)


def test_a_nomad_server_with_a_clients_certificate_stays_alone(cluster: Cluster, taken: Host) -> None:
    """It has the gossip key too, which no client has: the servers' gossip ports are closed to it all the same."""
    gossip = [f"{server.address}:{ports.NOMAD_SERF}" for server in cluster.env.servers]
    config = _nomad(cluster, taken)
    config["server"] = {
        "enabled": True,
        "encrypt": cluster.access.secrets.get("nomad/gossip"),
        "server_join": {"retry_join": gossip, "retry_interval": "1s"},
    }
    _start(taken, config, f"/opt/socle/nomad/current/nomad agent -config={FOLDER}/config.json")
    wait("it tries to join", lambda: _journal_has(cluster, taken, "starting retry join"), bound_s=BOUND_S)
    knocks = "; ".join(f"! timeout 2 bash -c '</dev/tcp/{address.replace(':', '/')}' 2>/dev/null" for address in gossip)
    cluster.ssh(taken, knocks)
    members = cluster.access.nomad().agent.get_members()["Members"]
    assert {member["Name"].partition(".")[0] for member in members} == {s.name for s in cluster.env.servers}
    assert len(cluster.access.nomad().status.peers.get_peers()) == len(cluster.env.servers)


def test_a_node_that_nobody_introduced_is_refused_counted_and_logged(cluster: Cluster, taken: Host) -> None:
    before = _violations(cluster)
    config = _nomad(cluster, taken)
    config["client"] = {
        "enabled": True,
        "servers": [f"{server.address}:{ports.NOMAD_RPC}" for server in cluster.env.servers],
        "options": {"driver.denylist": "docker,exec,raw_exec,java,qemu"},
    }
    _start(taken, config, f"/opt/socle/nomad/current/nomad agent -config={FOLDER}/config.json")
    wait("its registration is refused", lambda: _violations(cluster) > before, bound_s=BOUND_S)
    assert _journal_has(cluster, taken, "error registering|registration failed|failed to register")
    names = [node["Name"] for node in cluster.access.nomad().nodes.get_nodes()]
    assert UNIT not in names


def _stream(cluster: Cluster, source: Host, group: tuple[str, int, int], kind: int) -> str:
    """What a server says to a stream of a kind, opened with the certificate that a host has for the service."""
    service, port, tls = group
    domain = {"consul": f"server.{cluster.env.name}.consul", "nomad": f"server.{cluster.env.region}.nomad"}[service]
    paths = f"{certificates.CA_FILE} {certificates.cert(service)} {certificates.key(service)}"
    line = f"python3 - {cluster.env.servers[0].address} {port} {tls} {kind} {paths} {domain}"
    return ssh.run(source, line, stdin=(PROBES / "stream.py").read_text())


def _nomad(cluster: Cluster, host: Host) -> dict[str, object]:
    """A second Nomad agent's configuration, with the host's own certificate."""
    config = json.loads(cluster.ssh(host, "cat /etc/nomad/nomad.json"))
    kept = {key: config[key] for key in ("region", "datacenter", "bind_addr", "advertise", "tls", "acl")}
    return {
        **kept,
        "name": UNIT,
        "data_dir": f"{FOLDER}/data",
        "ports": {"http": 14646, "rpc": 14647, "serf": 14648},
        "leave_on_interrupt": False,
    }


def _raft(cluster: Cluster) -> list[dict[str, Any]]:
    """Consul's raft peers; py-consul sends no token with this question."""
    access = cluster.access
    url = f"{access.url('consul')}/v1/operator/raft/configuration"
    answer = access.session().get(url, headers={"X-Consul-Token": access.secrets.get("consul/bootstrap")})
    found: list[dict[str, Any]] = answer.json()["Servers"]
    return found


def _start(host: Host, config: dict[str, object], command: str) -> None:
    """Run a second agent as root, for two minutes at most."""
    ssh.run(host, f"cat > {FOLDER}/config.json", stdin=json.dumps(config))
    ssh.run(host, f"systemd-run --quiet --collect --unit {UNIT} --property RuntimeMaxSec=120 {command}")


def _journal_has(cluster: Cluster, host: Host, pattern: str) -> bool:
    return bool(cluster.ssh(host, f"journalctl -u {UNIT} -o cat --since -2min | grep -cE {pattern!r} || true") != "0\n")


def _violations(cluster: Cluster) -> float:
    """How many registrations without an introduction all servers refused."""
    total = 0.0
    for server in cluster.env.servers:
        url = f"{cluster.access.url('nomad', server)}/v1/metrics?format=prometheus"
        for line in cluster.access.session().get(url).text.splitlines():
            if line.startswith("nomad_nomad_client_introduction_violation_num"):
                total += float(line.split()[-1])
    return total
