"""The names each certificate carries decide what its holder can be."""

from configs import certificates
from configs.certificates import Leaf
from configs.environment import Environment, Host, Role, Ssh


def environment(**roles: set[Role]) -> Environment:
    hosts = tuple(
        Host(name=name, address=f"10.0.0.{number}", roles=frozenset(held))
        for number, (name, held) in enumerate(roles.items(), start=1)
    )
    return Environment(name="shop", region="eu", hosts=hosts, control=("10.0.0.0/24",), ingress_domain="shop.test")


SPREAD = environment(
    a={Role.SERVER, Role.MIRROR},
    b={Role.SERVER},
    c={Role.SERVER, Role.MONITOR},
    d={Role.CLIENT, Role.INGRESS},
)


def of(host: str, env: Environment = SPREAD) -> dict[str, Leaf]:
    return {leaf.service: leaf for leaf in certificates.leaves(env, env.host(host))}


def test_each_role_brings_its_certificates() -> None:
    everywhere = {"consul", "collector", "node-exporter"}
    assert set(of("a")) == everywhere | {"vault", "nomad", "mirror"}
    assert set(of("b")) == everywhere | {"vault", "nomad"}
    assert set(of("c")) == everywhere | {"vault", "nomad", "prometheus", "alertmanager", "loki"}
    assert set(of("d")) == everywhere | {"nomad"}


def test_a_server_carries_the_names_that_verify_server_hostname_asks_for() -> None:
    assert of("a")["consul"].names == ("server.shop.consul", "consul.service.consul", "a", "localhost")
    assert of("a")["nomad"].names == ("server.eu.nomad", "nomad.service.consul", "a", "localhost")
    assert of("a")["vault"].names[:2] == ("vault.service.consul", "active.vault.service.consul")


def test_no_certificate_of_a_client_carries_a_name_of_a_server() -> None:
    names = {name for leaf in of("d").values() for name in leaf.names}
    assert {"client.shop.consul", "client.eu.nomad"} <= names
    assert not {name for leaf in of("a").values() for name in leaf.names} & names - {"localhost"}


def test_a_host_that_is_server_and_client_carries_both_names_for_nomad_and_the_servers_for_consul() -> None:
    env = environment(a={*Role}, b={Role.SERVER}, c={Role.SERVER})
    assert {"server.eu.nomad", "client.eu.nomad"} <= set(of("a", env)["nomad"].names)
    assert "client.shop.consul" not in of("a", env)["consul"].names


def test_every_certificate_is_good_for_the_host_and_for_loopback() -> None:
    for leaf in of("d").values():
        assert {"d", "localhost"} <= set(leaf.names)
        assert leaf.addresses == ("10.0.0.4", "127.0.0.1")


def test_a_host_reached_elsewhere_carries_that_address_or_name_too() -> None:
    by_address = Host(name="x", address="10.0.0.9", roles=frozenset({Role.CLIENT}), ssh=Ssh(hostname="203.0.113.5"))
    by_name = Host(name="x", address="10.0.0.9", roles=frozenset({Role.CLIENT}), ssh=Ssh(hostname="x.example.com"))
    assert certificates.leaves(SPREAD, by_address)[0].addresses == ("10.0.0.9", "203.0.113.5", "127.0.0.1")
    assert "x.example.com" in certificates.leaves(SPREAD, by_name)[0].names


def test_a_key_is_readable_by_its_own_service_alone() -> None:
    groups = {leaf.service: leaf.group for host in SPREAD.hosts for leaf in certificates.leaves(SPREAD, host)}
    assert groups["vault"] == "vault"
    assert groups["alertmanager"] == groups["prometheus"] == groups["node-exporter"] == "prometheus"
    assert groups["mirror"] == "www-data"


def test_only_those_that_call_others_may_act_as_clients() -> None:
    clients = {leaf.service for host in SPREAD.hosts for leaf in certificates.leaves(SPREAD, host) if leaf.client}
    assert clients == {"consul", "nomad", "collector", "prometheus", "alertmanager", "loki"}
    assert not certificates.operator(SPREAD).server
