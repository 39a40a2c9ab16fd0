"""Packages are installed in one transaction, none of them started."""

from deploy.operations import packages, service
from tests.unit.deploy.simulated import sent

WANTED = ("curl", "nftables", "systemd-timesyncd|chrony")


def test_nothing_is_sent_where_everything_is_installed() -> None:
    assert sent(packages.present, {"dpkg-query": "ii  curl\nii  nftables\nii  chrony\nEND"}, packages=WANTED) == []


def test_one_transaction_installs_what_is_missing_and_of_alternatives_the_first() -> None:
    (command,) = sent(packages.present, {"dpkg-query": "ii  curl\nEND"}, packages=WANTED)
    assert command.endswith("install nftables systemd-timesyncd")
    assert "policy-rc.d" in command


def test_a_service_of_theirs_may_start_only_once_it_has_our_configuration() -> None:
    (command,) = sent(packages.present, {"dpkg-query": "END"}, packages=("prometheus",), services=("prometheus",))
    assert "UNITS=prometheus" in command
    waited = service._dropin_path("$unit").replace("$unit", "%s")  # noqa: SLF001 - two commands must name one file
    assert f"ConditionPathExists={waited}" in command


def test_a_host_that_cannot_be_asked_gets_nothing() -> None:
    assert sent(packages.present, {"dpkg-query": ""}, packages=WANTED) == []
