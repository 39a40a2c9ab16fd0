"""What is wrong with an environment is said at once, each finding with the value and what to do."""

from datetime import timedelta
from types import MappingProxyType
from typing import Any, cast

import pytest

from configs.environment import Artifacts, Environment, Host, Retention, Role, Seal
from configs.errors import ConfigError
from tests.unit.example import ROLES, environment, hosts, with_host

ROLE_NAMES = "server, client, ingress, monitor, mirror"


def findings(**settings: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        environment(**settings)
    return caught.value.findings


def without(*names: str) -> dict[str, set[Role]]:
    return {name: roles for name, roles in ROLES.items() if name not in names}


def lone(**settings: Any) -> dict[str, Any]:
    return {"hosts": hosts({"a": set(Role)}), **settings}


CASES: list[tuple[dict[str, Any], str]] = [
    (
        {"hosts": hosts({**ROLES, "f": {Role.SERVER}})},
        "servers: 4 is even - Raft needs an odd number, use 3 or 5",
    ),
    ({"hosts": hosts({"a": {*Role} - {Role.SERVER}})}, "servers: 0 is even - Raft needs an odd number, use 3 or 5"),
    (
        lone(),
        "servers: 1 server loses everything with it - use 3 or 5 (single_server=True is for a laptop)",
    ),
    (
        {"hosts": (*hosts(), Host(name="a", address="10.0.0.9", roles=frozenset({Role.CLIENT})))},
        "hosts: name a is used 2 times - every host needs its own",
    ),
    (
        {"hosts": with_host("e", address="10.0.0.1")},
        "hosts: address 10.0.0.1 is used 2 times - every host needs its own",
    ),
    (
        {"hosts": with_host("e", name="Shop_1")},
        "hosts[Shop_1].name: 'Shop_1' is not a DNS label - use lower-case letters, digits and hyphens, at most 48",
    ),
    ({"name": "-"}, "name: '-' is not a DNS label - use lower-case letters, digits and hyphens, at most 48"),
    (
        {"hosts": with_host("e", address="e.example.com")},
        "hosts[e].address: 'e.example.com' is not an IPv4 address - write one such as 10.0.0.11",
    ),
    ({"hosts": with_host("e", roles=frozenset())}, f"hosts[e].roles: empty - give it one or more of {ROLE_NAMES}"),
    (
        {"hosts": with_host("e", roles=frozenset({"client", "clinet"}))},
        f"hosts[e].roles: 'clinet' is no role - use {ROLE_NAMES}",
    ),
    ({"hosts": with_host("e", arch="sparc")}, "hosts[e].arch: 'sparc' is no architecture - use amd64, arm64"),
    (
        {"hosts": with_host("d", roles=frozenset({Role.CLIENT}))},
        "hosts: none has the role ingress - give it to at least one host",
    ),
    (
        {"hosts": with_host("c", roles=frozenset({Role.SERVER}))},
        "hosts: 0 have the role monitor - give it to exactly one host",
    ),
    (
        {"hosts": with_host("a", roles=frozenset({Role.SERVER}))},
        "hosts: 0 have the role mirror - give it to exactly one host",
    ),
    (
        {"hosts": with_host("b", roles=frozenset({Role.SERVER, Role.MIRROR}))},
        "hosts: 2 have the role mirror - give it to exactly one host",
    ),
    (
        {"hosts": with_host("d", roles=frozenset({Role.INGRESS}))},
        "hosts[d].roles: ingress without client - the ingress is a Nomad job, add client",
    ),
    ({"control": ("office",)}, "control: 'office' is not a network - write CIDR such as 203.0.113.7/32"),
    ({"control": ()}, "control: empty - name the network of the operators' machines, or they lock themselves out"),
    ({"seal": Seal(shares=3, threshold=4)}, "seal: threshold 4 of 3 shares cannot be met - use 3 of 5"),
    (
        {"retention": Retention(logs=timedelta(hours=6))},
        "retention.logs: 6:00:00 is below Loki's minimum - use 24 hours or more",
    ),
    (
        {"extra": MappingProxyType({"traefik": {}})},
        "extra: 'traefik' is no server of ours - use consul, vault, nomad, prometheus, loki, collector, alertmanager",
    ),
    (
        {"artifacts": Artifacts(sources=("release", "torrent"))},
        "artifacts.sources: 'torrent' is unknown - use release, mirror, build",
    ),
    (
        {"artifacts": Artifacts(sources=())},
        "artifacts.sources: empty, so no artifact can be had - use release, mirror, build",
    ),
    (
        {"artifacts": Artifacts(sources=("mirror",))},
        "artifacts.mirror: none, and it is the only source - name a folder or an https address",
    ),
]


@pytest.mark.parametrize(("settings", "finding"), CASES, ids=[finding[:50] for _, finding in CASES])
def test_a_finding_has_the_value_and_the_remedy(settings: dict[str, Any], finding: str) -> None:
    name = settings.get("name", "shop")
    assert f"{name}: {finding}" in findings(**settings)


def test_the_example_has_no_findings() -> None:
    assert environment().name == "shop"


def test_all_findings_are_said_at_once() -> None:
    found = findings(hosts=hosts(without("a", "c")), control=("office",), seal=Seal(shares=1, threshold=2))
    assert found == (
        "shop: servers: 1 server loses everything with it - use 3 or 5 (single_server=True is for a laptop)",
        "shop: hosts: 0 have the role monitor - give it to exactly one host",
        "shop: hosts: 0 have the role mirror - give it to exactly one host",
        "shop: control: 'office' is not a network - write CIDR such as 203.0.113.7/32",
        "shop: seal: threshold 2 of 1 shares cannot be met - use 3 of 5",
    )


def test_the_error_of_many_findings_is_one_line_for_each() -> None:
    with pytest.raises(ConfigError) as caught:
        environment(control=("office", "home"))
    assert str(caught.value).splitlines() == list(caught.value.findings)


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        ({"control": "10.0.0.0/8"}, """shop: control: '10.0.0.0/8' is not a tuple - write ("...",)"""),
        ({"single_server": "no"}, "shop: single_server: 'no' is not True or False - write True"),
        ({"seal": 3}, "shop: seal: 3 is not a Seal - write Seal(...)"),
        ({"seal": Seal(shares=cast("int", "5"))}, "shop: seal.shares: '5' is not a whole number - write 3"),
        (
            {"hosts": with_host("e", roles={"client": True})},
            "shop: hosts[e].roles: {'client': True} is not a frozenset - write frozenset({Role.SERVER})",
        ),
    ],
)
def test_a_value_of_another_type_is_named_with_its_place(settings: dict[str, Any], finding: str) -> None:
    assert findings(**settings) == (finding,)


def test_one_server_is_allowed_where_it_is_said() -> None:
    assert len(environment(**lone(single_server=True)).servers) == 1


def test_hosts_are_found_by_role_and_by_name() -> None:
    env = environment()
    assert [host.name for host in env.servers] == ["a", "b", "c"]
    assert [host.name for host in env.clients] == ["d", "e"]
    assert (env.mirror.name, env.monitor.name) == ("a", "c")
    assert env.host("d").has(Role.INGRESS)
    with pytest.raises(KeyError):
        env.host("nobody")


def test_an_environment_is_not_changed_once_it_is_made() -> None:
    env: Environment = environment()
    with pytest.raises(AttributeError):
        env.name = "other"  # type: ignore[misc]
