"""Every finding of preflight: the value, what is wrong, what to do."""

import dataclasses
from typing import Any

import pytest

from configs import preflight
from configs.environment import Arch, Host, Role, Ssh
from configs.preflight import Report
from tests.unit.example import environment

GOOD = Report(
    system=("debian", "12"), arch="amd64", memory_mib=4_000, disk_mib=20_000, skew_s=0.0, machine_id="id",
    client="192.0.2.9",
)  # fmt: skip
CA = "a" * 64


def reports(**of_a: Any) -> dict[str, Report]:
    """Five good hosts, the first with something of its own."""
    found = {name: dataclasses.replace(GOOD, machine_id=f"id-{name}") for name in "abcde"}
    return {**found, "a": dataclasses.replace(found["a"], **of_a)}


def test_good_hosts_have_no_findings() -> None:
    assert preflight.of_machines(environment(), reports()) == ()


@pytest.mark.parametrize(
    ("of_a", "finding"),
    [
        (
            {"refused": "admin: sudo: a password is required"},
            (
                "a: admin cannot become root without a password (sudo: a password is required) - "
                "install sudo, and let it: "
                "echo 'admin ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/admin"
            ),
        ),
        (
            {"system": ("fedora", "41")},
            "a: fedora 41 is not supported - install one of debian 12, debian 13, ubuntu 22.04, ubuntu 24.04",
        ),
        (
            {"system": ("debian", "11")},
            "a: debian 11 is not supported - install one of debian 12, debian 13, ubuntu 22.04, ubuntu 24.04",
        ),
        (
            {"arch": "arm64"},
            "a: its architecture is arm64, the inventory says amd64 - correct arch= in the inventory",
        ),
        ({"memory_mib": 1_799}, "a: 1799 MiB of memory is below 1800 - use a larger machine"),
        ({"disk_mib": 8_191}, "a: 8191 MiB free under /var is below 8192 - free some or enlarge the disk"),
        (
            {"client": "198.51.100.7"},
            (
                "a: you come from 198.51.100.7, which is not in control (192.0.2.0/24) - "
                "add it, or the packet filter locks you out"
            ),
        ),
        (
            {"listeners": {8500: frozenset({"other"}), 8501: frozenset({"apache2"})}},
            "a: port 8501 is held by apache2 - stop it, or move it to another port",
        ),
        (
            {"machine_id": "id-b"},
            (
                "a, b: the same machine ID id-b - they are one machine, or clones: "
                "remove /etc/machine-id on one and run systemd-machine-id-setup"
            ),
        ),
        ({"skew_s": -9.4}, "a: its clock is -9.4 s from the others' - let it synchronise (timedatectl set-ntp true)"),
        ({"skew_s": 2.1}, "a: its clock is +2.1 s from the others' - let it synchronise (timedatectl set-ntp true)"),
    ],
)
def test_what_a_host_lacks_is_said_with_the_remedy(of_a: dict[str, Any], finding: str) -> None:
    assert preflight.of_machines(environment(), reports(**of_a)) == (finding,)


def test_all_findings_are_said_at_once() -> None:
    found = preflight.of_machines(environment(), reports(memory_mib=1, disk_mib=1, arch="arm64", skew_s=100))
    assert len(found) == 4


def test_what_is_just_enough_is_no_finding() -> None:
    assert preflight.of_machines(environment(), reports(memory_mib=1_800, disk_mib=8_192, skew_s=2.0)) == ()


def test_an_answer_that_took_long_leaves_the_clock_in_doubt() -> None:
    assert preflight.of_machines(environment(), reports(skew_s=4.0, doubt_s=3.0)) == ()


def test_this_machine_is_named_when_its_own_clock_is_the_one_apart() -> None:
    late = {name: dataclasses.replace(report, skew_s=30.0) for name, report in reports().items()}
    (finding,) = preflight.of_machines(environment(), late)
    assert finding.startswith("this machine: its clock is -30.0 s from the others'")


def test_our_own_programs_may_hold_their_ports_from_an_earlier_run() -> None:
    held = {port: frozenset(names) for port, names in preflight.OURS.items()}
    assert preflight.of_machines(environment(), reports(listeners=held)) == ()


def test_a_port_that_the_host_does_not_use_may_be_anybodys() -> None:
    found = preflight.of_machines(environment(), reports(listeners={9090: frozenset({"cockpit"})}))
    assert found == ()


def test_every_port_that_may_be_asked_about_has_its_programs() -> None:
    one_of_all = environment(hosts=(Host(name="x", address="10.0.0.1", roles=frozenset(Role)),), single_server=True)
    everything = {port: frozenset({"stranger"}) for port in preflight.OURS}
    listeners = {"x": dataclasses.replace(GOOD, listeners=everything)}
    assert len(preflight.of_machines(one_of_all, listeners)) == len(preflight.OURS)


@pytest.mark.parametrize(
    ("of_a", "known", "finding"),
    [
        ({"ca_sha256": CA}, CA, None),
        ({"ca_sha256": CA, "data": frozenset({"/var/lib/consul"})}, CA, None),
        ({}, CA, None),
        (
            {"ca_sha256": "b" * 64},
            CA,
            (
                "a: its CA (bbbbbbbbbbbb) is another cluster's, or the secrets file is not its own - "
                "bring inventory/secrets/shop.age, or empty the host first"
            ),
        ),
        (
            {"ca_sha256": "b" * 64},
            None,
            (
                "a: its CA (bbbbbbbbbbbb) is another cluster's, or the secrets file is not its own - "
                "bring inventory/secrets/shop.age, or empty the host first"
            ),
        ),
        (
            {"data": frozenset({"/var/lib/vault", "/var/lib/consul"})},
            None,
            (
                "a: /var/lib/consul, /var/lib/vault hold another cluster's data - "
                "bring inventory/secrets/shop.age, or empty the host first"
            ),
        ),
    ],
)
def test_a_host_of_another_cluster_is_refused(of_a: dict[str, Any], known: str | None, finding: str | None) -> None:
    assert preflight.of_membership(environment(), reports(**of_a), known) == ((finding,) if finding else ())


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("Authentication error: none fits", "put your public key into ~/.ssh/authorized_keys of admin@10.0.0.9"),
        ("SSH host key for 10.0.0.9 does not match", "if it was set up anew, drop its old key: ssh-keygen -f "),
        ("No such private key file: /k", "correct key= of its Ssh(...)"),
        (
            "Could not connect (timed out)",
            "see that it is up and that its SSH port is open to this machine: ssh admin@",
        ),
    ],
)
def test_a_host_that_lets_nobody_in_is_said_with_what_was_met(why: str, remedy: str) -> None:
    host = Host(name="x", address="10.0.0.9", roles=frozenset({Role.CLIENT}), ssh=Ssh(user="admin"))
    text = preflight.unreached(host, why)
    assert text.startswith(f"x: not reached: {why} - ")
    assert remedy in text


def test_servers_the_monitor_and_the_mirror_are_critical_and_clients_are_not() -> None:
    assert [host.name for host in environment().hosts if preflight.critical(host)] == ["a", "b", "c"]


def test_the_inventorys_architecture_is_the_one_compared_with() -> None:
    env = environment()
    arm = environment(hosts=tuple(dataclasses.replace(host, arch=Arch.ARM64) for host in env.hosts))
    found = preflight.of_machines(arm, {"a": dataclasses.replace(GOOD, arch="arm64")})
    assert found == ()
