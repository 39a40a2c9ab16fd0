"""What hosts say of themselves is judged: every finding names the host, what is wrong and what to do."""

from dataclasses import replace

import pytest

from configs import firewall, preflight
from configs.environment import Arch, Environment, Host, Role, Ssh
from configs.preflight import Report

SOUND = Report(
    system=("debian", "12"), arch="amd64", memory_mib=4096, disk_mib=20_000, skew_s=0.0, machine_id="a",
    client="10.0.0.1", listeners={22: frozenset({"sshd"})},
)  # fmt: skip

ENV = Environment(
    name="e",
    hosts=tuple(
        Host(name=f"h-{i}", address=f"10.0.0.{10 + i}", roles=frozenset(roles))
        for i, roles in enumerate((set(Role), {Role.SERVER}, {Role.SERVER}), start=1)
    ),
    control=("10.0.0.1/32",),
    ingress_domain="e.example.com",
)


def reports(**changed: object) -> dict[str, Report]:
    """Three hosts, of which the first one differs."""
    first, second, third = (replace(SOUND, machine_id=name) for name in "abc")
    return {"h-1": replace(first, **changed), "h-2": second, "h-3": third}  # type: ignore[arg-type]


def machines(**changed: object) -> tuple[str, ...]:
    return preflight.of_machines(ENV, reports(**changed))


def test_sound_hosts_have_no_finding() -> None:
    assert machines() == ()
    assert preflight.of_membership(ENV, reports(), None) == ()


def test_hosts_that_run_the_platform_have_no_finding() -> None:
    held = {port: frozenset(programs) for port, programs in preflight.OURS.items()}
    assert machines(listeners=held, ca_sha256="ours", data=frozenset({"/var/lib/vault"})) == ()
    assert preflight.of_membership(ENV, reports(ca_sha256="ours", data=frozenset({"/var/lib/vault"})), "ours") == ()


def test_every_port_that_a_host_opens_has_its_programs() -> None:
    opened = {o.ports[0] for host in ENV.hosts for o in firewall.openings(ENV, host) if o.ports[0] == o.ports[1]}
    assert opened <= preflight.OURS.keys()


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"system": ("debian", "11")}, "h-1: debian 11 is not supported - install one of debian 12, debian 13, ubuntu"),
        ({"system": ("", "")}, "h-1: unknown  is not supported"),
        ({"arch": Arch.ARM64}, "h-1: its architecture is arm64, the inventory says amd64 - correct arch="),
        ({"memory_mib": 512}, "h-1: 512 MiB of memory is below 1800 - use a larger machine"),
        ({"disk_mib": 100}, "h-1: 100 MiB free under /var is below 8192 - free some or enlarge the disk"),
        ({"client": "192.0.2.7"}, "h-1: you come from 192.0.2.7, which is not in control (10.0.0.1/32) - add it"),
        ({"listeners": {8200: frozenset({"python3"})}}, "h-1: port 8200 is held by python3 - stop it"),
        ({"listeners": {8600: frozenset({"dnsmasq"})}}, "h-1: port 8600 is held by dnsmasq - stop it"),
        ({"refused": "bob: sudo: not found"}, "h-1: bob cannot become root without a password (sudo: not found) -"),
        ({"machine_id": "b"}, "h-1, h-2: the same machine ID b - they are one machine, or clones"),
        ({"skew_s": -3.0}, "h-1: its clock is -3.0 s from the others' - let it synchronise"),
    ],
)
def test_each_lack_is_named_with_its_remedy(changed: dict[str, object], finding: str) -> None:
    (found,) = machines(**changed)
    assert found.startswith(finding)


def test_a_python_that_no_client_has_is_found_with_the_one_that_they_have() -> None:
    assert machines(system=("debian", "13")) == (
        "client_python: no client has Python 3.11 - set it to 3.13 in the inventory",
    )
    (found,) = machines(system=("ubuntu", "22.04"))
    assert found.endswith("set it to None in the inventory")
    without = replace(ENV, client_python=None)
    assert preflight.of_machines(without, reports(system=("ubuntu", "22.04"))) == ()


def test_all_lacks_of_all_hosts_are_said_together() -> None:
    assert len(machines(system=("arch", ""), memory_mib=1, disk_mib=1, skew_s=60.0, client="192.0.2.7")) == 5


def test_a_clock_is_not_judged_more_sharply_than_its_answer_was_quick() -> None:
    assert machines(skew_s=2.5, doubt_s=1.0) == ()


def test_this_machines_clock_may_be_off_by_a_minute_and_no_more() -> None:
    def off(seconds: float) -> tuple[str, ...]:
        return preflight.of_machines(ENV, {n: replace(r, skew_s=seconds) for n, r in reports().items()})

    assert off(30.0) == ()
    (found,) = off(90.0)
    assert found.startswith("this machine: its clock is -90.0 s from the others'")


def test_of_two_clocks_apart_this_machine_tells_which_is_wrong() -> None:
    (found,) = preflight.of_machines(ENV, {"h-1": replace(SOUND, skew_s=-9.0), "h-2": replace(SOUND, machine_id="b")})
    assert found.startswith("h-1: its clock is -9.0 s")


def test_a_host_of_another_cluster_is_refused() -> None:
    (found,) = preflight.of_membership(ENV, reports(ca_sha256="0123456789abcdef"), "ours")
    assert found.startswith("h-1: its CA (0123456789ab) is another cluster's, or the secrets file is not its own")
    (found,) = preflight.of_membership(ENV, reports(data=frozenset({"/var/lib/consul"})), None)
    assert found.startswith("h-1: /var/lib/consul hold another cluster's data - bring inventory/secrets/e.age")


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("Authentication error (username=bob, key=k)", "into ~/.ssh/authorized_keys of bob@10.0.0.11"),
        ("SSH host key error (Host key for 10.0.0.11 does not match.)", "ssh-keygen -f known -R 10.0.0.11"),
        ("there is no private key k", "correct key= of its Ssh(...); bin/up makes the keys of dev and test"),
        ("Could not connect (timed out)", "its SSH port is open to this machine: ssh bob@10.0.0.11 true"),
    ],
)  # fmt: skip
def test_a_host_that_lets_nobody_in_is_explained_by_what_it_said(why: str, remedy: str) -> None:
    member = replace(ENV.hosts[0], ssh=Ssh(user="bob", key="k", known_hosts="known"))
    found = preflight.unreached(member, why)
    assert found.startswith(f"h-1: not reached: {why} - ")
    assert remedy in found


def test_clients_alone_can_be_done_without() -> None:
    client = replace(ENV.hosts[0], roles=frozenset({Role.CLIENT, Role.INGRESS}))
    assert not preflight.critical(client)
    for role in (Role.SERVER, Role.MONITOR, Role.MIRROR):
        assert preflight.critical(replace(client, roles=frozenset({role})))
