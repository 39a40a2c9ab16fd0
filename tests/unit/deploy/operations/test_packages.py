"""Packages are installed in one transaction, none of them started."""

from deploy.operations import packages
from tests.unit.deploy.simulated import sent

WANTED = ("curl", "nftables", "systemd-timesyncd|chrony")


def test_nothing_is_sent_where_everything_is_installed() -> None:
    assert sent(packages.present, {"dpkg-query": "ii  curl\nii  nftables\nii  chrony\nEND"}, packages=WANTED) == []


def test_one_transaction_installs_what_is_missing_and_of_alternatives_the_first() -> None:
    (command,) = sent(packages.present, {"dpkg-query": "ii  curl\nEND"}, packages=WANTED)
    assert command.endswith("install nftables systemd-timesyncd")
    assert "policy-rc.d" in command


def test_a_host_that_cannot_be_asked_gets_nothing() -> None:
    assert sent(packages.present, {"dpkg-query": ""}, packages=WANTED) == []
