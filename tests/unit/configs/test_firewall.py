"""The port table: each role opens its ports, to those who need them."""

import pytest

from configs import firewall, ports
from configs.environment import Environment, Role
from configs.firewall import Opening
from inventory import environments
from tests.unit.example import environment

EVERYWHERE = {"ssh", "consul gossip", "consul api", "node-exporter", "collector metrics"}
SERVER = {"consul rpc", "vault api", "vault cluster", "vault metrics", "nomad rpc", "nomad gossip", "nomad api"}
CLIENT = {"nomad api", "nomad dynamic ports"}
INGRESS = {"http", "https", "traefik metrics"}
MONITOR = {"prometheus", "alertmanager", "loki"}


def opened(host: str, env: Environment | None = None) -> dict[str, Opening]:
    env = env or environment()
    return {opening.service: opening for opening in firewall.openings(env, env.host(host))}


@pytest.mark.parametrize(
    ("host", "services"),
    [
        ("a", EVERYWHERE | SERVER | {"mirror"}),
        ("b", EVERYWHERE | SERVER),
        ("c", EVERYWHERE | SERVER | MONITOR),
        ("d", EVERYWHERE | CLIENT | INGRESS),
        ("e", EVERYWHERE | CLIENT),
    ],
)
def test_a_host_opens_the_ports_of_its_roles_and_no_other(host: str, services: set[str]) -> None:
    assert set(opened(host)) == services


def test_only_the_ingress_is_open_to_everybody() -> None:
    env = environment()
    public = {(host.name, o.service) for host in env.hosts for o in firewall.openings(env, host) if not o.sources}
    assert public == {("d", "http"), ("d", "https")}


def test_ssh_is_open_to_operators_alone() -> None:
    assert opened("e")["ssh"].sources == {"192.0.2.0/24"}


def test_the_servers_rafts_are_open_to_the_servers_alone() -> None:
    servers = {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert opened("a")["vault cluster"].sources == opened("a")["nomad gossip"].sources == servers


def test_what_tells_metrics_is_open_to_the_monitor_alone() -> None:
    for host in ("a", "e"):
        assert opened(host)["node-exporter"].sources == opened(host)["collector metrics"].sources == {"10.0.0.3"}
    assert opened("a")["vault metrics"].sources == {"10.0.0.3"}


def test_a_servers_port_for_consul_is_open_to_every_host_of_the_environment() -> None:
    assert opened("a")["consul rpc"].sources == {f"10.0.0.{number}" for number in range(1, 6)}
    assert "consul rpc" not in opened("e")


def test_nothing_of_loopback_alone_is_in_the_table() -> None:
    env = environment()
    numbers = {o.ports[0] for host in env.hosts for o in firewall.openings(env, host)}
    assert not numbers & {ports.CONSUL_DNS, ports.LOKI_GRPC, ports.COLLECTOR_INTERNAL}


def test_the_rules_are_one_table_replaced_in_one_transaction_and_what_is_not_said_is_dropped() -> None:
    env = environment()
    text = firewall.ruleset(env, env.host("a"))
    assert text.startswith("table inet socle\ndelete table inet socle\ntable inet socle {\n")
    assert "type filter hook input priority filter; policy drop;" in text
    assert "flush ruleset" not in text


def test_a_rule_names_its_sources_its_port_and_its_service() -> None:
    env = environment()
    lines = [line.strip() for line in firewall.ruleset(env, env.host("d")).splitlines()]
    assert 'ip saddr { 192.0.2.0/24 } tcp dport 22 accept comment "ssh"' in lines
    assert 'tcp dport 443 accept comment "https"' in lines
    cluster = "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5"
    assert f'ip saddr {{ {cluster} }} udp dport 8301 accept comment "consul gossip"' in lines
    assert f'ip saddr {{ {cluster} }} tcp dport 20000-32000 accept comment "nomad dynamic ports"' in lines


def test_strangers_reach_no_allocation_through_forwarded_ports() -> None:
    env = environment()
    assert 'oifname { "nomad", "docker0" } iifname != { "nomad", "docker0" } ip saddr != {' in firewall.ruleset(
        env, env.host("d")
    )


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_no_port_of_a_host_is_opened_twice(name: str) -> None:
    env = environments.load(name)
    for host in env.hosts:
        opened_ports = [o.ports for o in firewall.openings(env, host)]
        assert len(opened_ports) == len(set(opened_ports))


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (("192.0.2.0/24",), "192.0.2.9", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("198.51.100.7/32", "192.0.2.0/24"), "192.0.2.9", True),
        (("192.0.2.0/24",), "198.51.100.7", False),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.0/24",), "", False),
        ((), "192.0.2.9", False),
    ],
)
def test_an_address_is_admitted_by_its_network(networks: tuple[str, ...], address: str, inside: bool) -> None:
    assert firewall.admits(networks, address) is inside


def test_one_host_with_every_role_opens_everything() -> None:
    env = environments.load("dev")
    (host,) = env.hosts
    assert host.roles == set(Role)
    assert set(opened(host.name, env)) == EVERYWHERE | SERVER | CLIENT | INGRESS | MONITOR | {"mirror"}
