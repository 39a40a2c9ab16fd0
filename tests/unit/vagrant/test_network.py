"""The local hosts' network, from an environment; the nameservers they ask, from a resolv.conf."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from configs.environment import Environment, Role
from configs.errors import HostError
from inventory import environments, local
from vagrant import hosts, network

SUBNET = "172.30.99.0/24"


def environment(roles: Mapping[str, set[Role]] | None = None) -> Environment:
    return Environment(
        name="lab",
        hosts=local.hosts("lab", SUBNET, roles or {"1": set(Role)}),
        control=("172.30.99.1/32",),
        ingress_domain="lab.example",
        single_server=True,
    )


def test_the_network_is_the_hosts_24_with_the_operator_at_its_gateway() -> None:
    found = network.subnet(environment())
    assert str(found) == SUBNET
    assert str(found[1]) == local.gateway(SUBNET)


def test_a_host_outside_the_network_is_named() -> None:
    far = local.hosts("lab", "172.30.98.0/24", {"far": {Role.CLIENT}})
    made = environment()
    env = Environment(
        name="lab", hosts=(*made.hosts, *far), control=made.control, ingress_domain="lab.example", single_server=True
    )
    with pytest.raises(HostError, match=r"lab-far not in 172\.30\.99\.0/24"):
        network.subnet(env)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nameserver 192.0.2.53\n", ("192.0.2.53",)),
        ("nameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch example\n", ("192.0.2.53",)),
        ("nameserver fe80::1%eth0\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n", ("192.0.2.1", "192.0.2.2")),
        ("# nameserver 192.0.2.53\nnameserver\n", ()),
        ("", ()),
    ],
)
def test_only_nameservers_that_another_machine_reaches_are_taken(text: str, found: tuple[str, ...]) -> None:
    assert network.reachable(text) == found


def test_no_nameserver_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "resolv.conf"
    own.write_text("nameserver 127.0.0.53\n")
    monkeypatch.setattr(network, "RESOLVERS", (tmp_path / "absent", own))
    with pytest.raises(HostError, match="add one that is not on"):
        network.nameservers()


def test_the_list_of_systemd_resolved_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uplink, own = tmp_path / "uplink", tmp_path / "own"
    uplink.write_text("nameserver 192.0.2.1\n")
    own.write_text("nameserver 192.0.2.2\n")
    monkeypatch.setattr(network, "RESOLVERS", (uplink, own))
    assert network.nameservers() == ("192.0.2.1",)


def test_local_environments_are_accepted() -> None:
    for name in ("dev", "test"):
        hosts.refuse_foreign(environments.load(name))


def test_hosts_that_were_not_made_here_are_refused_by_name() -> None:
    with pytest.raises(HostError, match=r"prod: server-1, .* are not local hosts - .* pyinfra inventory/prod.py"):
        hosts.refuse_foreign(environments.load("prod"))
