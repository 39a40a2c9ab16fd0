"""A host's report as its shell tells it."""

import pytest

from deploy.facts.preflight import HostReport

SAID = [
    "time 1000.5",
    "system debian 12",
    "arch amd64",
    "memory 3915",
    "disk 20480",
    "machine 0123abcd",
    "client 192.0.2.9",
    "ca " + "a" * 64,
    "data /var/lib/consul",
    "data /var/lib/vault",
    'listen 0.0.0.0:22 users:(("sshd",pid=1,fd=3))',
    'listen [::]:22 users:(("sshd",pid=1,fd=4),("systemd",pid=1,fd=5))',
    'listen *:8501 users:(("consul",pid=9,fd=3))',
    "listen 127.0.0.53%lo:53 ",
    "END",
]


def test_everything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1000.0, 1002.0])
    monkeypatch.setattr("time.time", lambda: next(times))
    fact = HostReport()
    fact.command()
    report = fact.process(SAID)
    assert report is not None
    assert (report.system, report.arch, report.memory_mib, report.disk_mib) == (("debian", "12"), "amd64", 3915, 20480)
    assert (report.machine_id, report.client) == ("0123abcd", "192.0.2.9")
    assert (report.skew_s, report.doubt_s) == (-0.5, 1.0)
    assert report.ca_sha256 == "a" * 64
    assert report.data == {"/var/lib/consul", "/var/lib/vault"}
    assert report.refused is None


def test_listeners_are_known_by_port_whatever_the_address() -> None:
    report = HostReport().process(SAID)
    assert report is not None
    assert report.listeners == {22: {"sshd", "systemd"}, 8501: {"consul"}, 53: frozenset()}


def test_what_takes_root_to_know_is_unknown_without_sudo() -> None:
    report = HostReport().process([*SAID[:7], "refused admin: sudo: a password is required", "END"])
    assert report is not None
    assert report.refused == "admin: sudo: a password is required"
    assert (report.listeners, report.ca_sha256, report.data) == ({}, None, frozenset())


def test_a_host_that_does_not_answer_as_expected_gives_no_report() -> None:
    assert HostReport().process(SAID[:-1]) is None
    assert HostReport().process(["time %s.N", *SAID[1:]]) is None
    assert HostReport.default() is None
