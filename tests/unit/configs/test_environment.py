"""An environment that cannot be is refused with every finding, each saying what to write instead."""

from datetime import timedelta
from typing import Any

import pytest

from configs.environment import EXTRA, Artifacts, Environment, Host, Minimums, Retention, Role, Seal
from configs.errors import ConfigError

SERVER, ALL = frozenset({Role.SERVER}), frozenset(Role)


def host(number: int, roles: Any = SERVER, **fields: Any) -> Host:
    return Host(**{"name": f"h-{number}", "address": f"10.0.0.{number}", "roles": roles} | fields)


def findings(*hosts: Host, **fields: Any) -> tuple[str, ...]:
    """What is said of an environment that has a sound host with every role, and these."""
    values: dict[str, Any] = {
        "name": "e", "hosts": (host(1, ALL), *hosts), "control": ("10.0.0.0/24",), "ingress_domain": "e.example.com",
        "single_server": True,
    }  # fmt: skip
    try:
        Environment(**{**values, **fields})
    except ConfigError as error:
        return error.findings
    return ()


def test_a_sound_environment_has_no_finding() -> None:
    assert findings() == ()
    assert findings(host(2), host(3)) == ()


@pytest.mark.parametrize("count", [2, 4])
def test_an_even_number_of_servers_is_refused(count: int) -> None:
    servers = [host(i) for i in range(2, count + 1)]
    assert findings(*servers) == (f"e: servers: {count} is even - Raft needs an odd number, use 3 or 5",)


def test_a_single_server_is_for_those_who_say_so() -> None:
    (finding,) = findings(single_server=False)
    assert finding.startswith("e: servers: 1 server loses everything with it - use 3 or 5")


def test_everything_is_said_at_once() -> None:
    found = findings(
        host(2, frozenset({"sever"})),
        host(2, frozenset()),
        host(4, address="10.0.0.400", arch="arm65", roles=ALL),
        control=("everywhere",),
        seal=Seal(shares=1, threshold=2),
        extra={"traefik": {}},
        artifacts=Artifacts(sources=("mirror", "cloud")),
    )
    assert found == (
        "e: hosts: name h-2 is used 2 times - every host needs its own",
        "e: hosts: address 10.0.0.2 is used 2 times - every host needs its own",
        "e: hosts[h-2].roles: 'sever' is no role - use server, client, ingress, monitor, mirror",
        "e: hosts[h-2].roles: empty - give it one or more of server, client, ingress, monitor, mirror",
        "e: hosts[h-4].address: '10.0.0.400' is not an IPv4 address - write one such as 10.0.0.11",
        "e: hosts[h-4].arch: 'arm65' is no architecture - use amd64, arm64",
        "e: servers: 2 is even - Raft needs an odd number, use 3 or 5",
        "e: hosts: 2 have the role monitor - give it to exactly one host",
        "e: hosts: 2 have the role mirror - give it to exactly one host",
        "e: control: 'everywhere' is not a network - write CIDR such as 203.0.113.7/32",
        "e: seal: threshold 2 of 1 shares cannot be met - use 3 of 5",
        f"e: extra: 'traefik' is no server of ours - use {', '.join(EXTRA)}",
        "e: artifacts.sources: 'cloud' is unknown - use release, mirror, build",
    )


def test_an_environment_without_monitor_and_mirror_is_refused() -> None:
    found = findings(hosts=(host(1, frozenset({Role.SERVER, Role.CLIENT, Role.INGRESS})),))
    assert found == (
        "e: hosts: 0 have the role monitor - give it to exactly one host",
        "e: hosts: 0 have the role mirror - give it to exactly one host",
    )


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"control": "10.0.0.0/8"}, """e: control: '10.0.0.0/8' is not a tuple - write ("...",)"""),
        ({"hosts": (host(1, ALL), "h-2")}, "e: hosts[1]: 'h-2' is not a Host - write Host(...)"),
        (
            {"hosts": (host(1, "server"),)},
            "e: hosts[h-1].roles: 'server' is not a frozenset - write frozenset({Role.SERVER})",
        ),
        (
            {"hosts": (host(1, address=10),)},
            """e: hosts[h-1].address: 10 is not a text - write "...\"""",
        ),
        (
            {"minimums": Minimums(memory_mib="2GB")},  # type: ignore[arg-type]
            "e: minimums.memory_mib: '2GB' is not a whole number - write 3",
        ),
        ({"single_server": 1}, "e: single_server: 1 is not True or False - write True"),
        ({"alert_webhook": 5}, """e: alert_webhook: 5 is not a text or None - write "...\""""),
        ({"extra": {"nomad": "x"}}, """e: extra['nomad']: 'x' is not a dict - write {"...": ...}"""),
    ],
)
def test_what_would_be_a_traceback_later_is_a_finding_now(fields: dict[str, Any], finding: str) -> None:
    assert findings(**fields) == (finding,)


def test_roles_may_be_written_as_plain_texts() -> None:
    assert findings(hosts=(host(1, {"server", "client", "ingress", "monitor", "mirror"}),)) == ()


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"name": "-"}, "-: name: '-' is not a DNS label - use lower-case letters, digits and hyphens, at most 48"),
        (
            {"hosts": (host(1, ALL - {Role.INGRESS}),)},
            "e: hosts: none has the role ingress - give it to at least one host",
        ),
        (
            {"hosts": (host(1, ALL), host(2, frozenset({Role.INGRESS})))},
            "e: hosts[h-2].roles: ingress without client - the ingress is a Nomad job, add client",
        ),
        (
            {"control": ()},
            "e: control: empty - name the network of the operators' machines, or they lock themselves out",
        ),
        (
            {"retention": Retention(logs=timedelta(hours=6))},
            "e: retention.logs: 6:00:00 is below Loki's minimum - use 24 hours or more",
        ),
        (
            {"artifacts": Artifacts(sources=())},
            "e: artifacts.sources: empty, so no artifact can be had - use release, mirror, build",
        ),
        (
            {"artifacts": Artifacts(sources=("mirror",))},
            "e: artifacts.mirror: none, and it is the only source - name a folder or an https address",
        ),
    ],
)
def test_a_finding_has_the_value_and_the_remedy(fields: dict[str, Any], finding: str) -> None:
    assert findings(**fields) == (finding,)


def test_hosts_are_found_by_role_and_by_name() -> None:
    env = Environment(
        name="e",
        hosts=(host(1, ALL), host(2), host(3), host(4, frozenset({Role.CLIENT}))),
        control=("10.0.0.0/24",),
        ingress_domain="e.example.com",
    )
    assert [member.name for member in env.servers] == ["h-1", "h-2", "h-3"]
    assert [member.name for member in env.clients] == ["h-1", "h-4"]
    assert env.mirror.name == env.monitor.name == "h-1"
    assert env.host("h-4").has(Role.CLIENT)
    with pytest.raises(KeyError):
        env.host("nobody")
