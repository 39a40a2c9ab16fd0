"""What cannot work is refused before anything is touched: every finding at once, each with what to do about it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs import artifacts, certificates
from configs.environment import Arch, Environment
from configs.errors import HostError
from inventory import authority, environments, local, secrets
from tests.cluster import convergence
from tests.cluster.conftest import FleetOf
from tests.cluster.convergence import Convergence
from vagrant import ssh
from vagrant.hosts import Fleet
from vagrant.waiting import wait

INVENTORY = "tests/cluster/bad_input/inventory.py"
IMPOSSIBLE = "tests/cluster/bad_input/impossible.py"
PREFLIGHT = "deploy.preflight.run"

_MARK = "/run/before"
_CHANGED_SINCE = f"find / -xdev -cnewer {_MARK} ! -path /run ! -path '/var/log/*' ! -path '/var/lib/systemd/*'"

_OF_CONFIGURATION = (
    "hosts: name server-1 is used 2 times - every host needs its own",
    "hosts: address 172.30.50.12 is used 2 times - every host needs its own",
    "hosts[client-1].roles: 'sever' is no role - use server, client, ingress, monitor, mirror",
    "servers: 2 is even - Raft needs an odd number, use 3 or 5",
    "hosts: 0 have the role monitor - give it to exactly one host",
)

_STRANGER = "perl -MIO::Socket::INET -e '@held = IO::Socket::INET->new(LocalPort => 8200, Listen => 1); sleep'"
"""Without a dollar sign, which systemd would expand."""

_SABOTAGE = {
    "badinput-1": f"""
sed -i 's/^ID=.*/ID=slackware/; s/^VERSION_ID=.*/VERSION_ID=15/' /etc/os-release
printf '#!/bin/sh\\nexec /usr/bin/date -d "+10 minutes" "$@"\\n' >/usr/local/bin/date
chmod 755 /usr/local/bin/date
systemd-run --quiet --unit stranger {_STRANGER}
mkdir -p /etc/socle/pki /var/lib/vault
echo another >{certificates.CA_FILE}
""",
    "badinput-2": "mv /etc/sudoers.d/socle /var/tmp/sudoers; mkdir -p /var/lib/consul",
    "badinput-3": "mv /home/socle/.ssh/authorized_keys /var/tmp/",
}

_OF_THE_SABOTAGED = (
    "badinput-3: not reached: Authentication error (username=socle, key={key}) (",
    "put your public key into ~/.ssh/authorized_keys of socle@172.30.50.13, or correct user= and key= of its Ssh(...)",
    "badinput-4: not reached: Could not connect ([Errno None] Unable to connect to port 22 on 172.30.50.14) - see",
    "that it is up and that its SSH port is open to this machine: ssh socle@172.30.50.14 true",
    "badinput-1: slackware 15 is not supported - install one of debian 12,",
    "MiB of memory is below 9000000 - use a larger machine",
    "MiB free under /var is below 900000000 - free some or enlarge the disk",
    "badinput-1: port 8200 is held by perl - stop it, or move it to another port",
    "badinput-2: socle cannot become root without a password (sudo: a password is required) - install sudo,",
    " s from the others' - let it synchronise (timedatectl set-ntp true)",
    "badinput-1: its CA (",
    ") is another cluster's, or the secrets file is not its own - bring inventory/secrets/badinput.age, or empty the",
    "{consul}: refused from mirror: {site}/{consul}: has SHA-256 ",
    "{vault}: no source has it - mend one of those tried:",
)

_NEEDS_A_KEY = (
    "not reached: there is no private key {key} - correct key= of its Ssh(...); bin/up makes the keys",
    "badinput: no age identity - nobody could open the secrets file; put your SSH public key in",
)


@pytest.fixture(scope="module")
def env() -> Environment:
    return environments.load(INVENTORY)


@pytest.fixture(scope="module")
def fleet(fleet_of: FleetOf, env: Environment) -> Fleet:
    fleet = fleet_of(env)
    fleet.ensure()
    as_root(fleet, "badinput-4", "systemctl stop ssh.socket ssh.service")
    return fleet


@pytest.fixture
def sabotaged(fleet: Fleet) -> Iterator[Fleet]:
    """The hosts with something wrong on each, and bare again at the end."""
    try:
        for name, script in _SABOTAGE.items():
            as_root(fleet, name, script)
        listens = "ss -Hltn 'sport = :8200'"
        wait("the stranger listens", lambda: as_root(fleet, "badinput-1", listens), bound_s=10)
        yield fleet
    finally:
        for name in _SABOTAGE:
            fleet.remove(name)
        fleet.ensure(fleet.env.hosts[:3])


def as_root(fleet: Fleet, name: str, script: str) -> str:
    """What a script prints on a host, also where nobody is let in."""
    status, output = fleet.container(name).exec_run(["sh", "-ec", script])
    if status:
        raise HostError(f"{name}: {output.decode()}")
    return str(output.decode())


def run(*arguments: str, home: Path | None = None, **variables: str) -> Convergence:
    """A run by an operator with a home of their own: no secrets, no artifacts, no SSH agent."""
    own = {"HOME": str(home), "SOCLE_SECRETS": str(home / "secrets"), "SSH_AUTH_SOCK": ""} if home else {}
    return convergence.run(*arguments, environment=own | variables, bound_s=60)


def command(*arguments: str) -> tuple[int, str]:
    """The exit code of one of our commands, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, cwd=convergence.ROOT
    )
    return done.returncode, done.stdout + done.stderr


def assert_said(findings: tuple[str, ...], log: str, **values: str) -> None:
    assert "Traceback" not in log
    missing = [found for finding in findings if (found := finding.format(**values)) not in log]
    assert not missing, log


def test_an_impossible_environment_is_refused_by_every_command_before_anything_is_asked() -> None:
    done = run(IMPOSSIBLE)
    assert done.status == 1
    assert "5 findings, nothing was changed" in done.log
    assert "Connecting" not in done.log
    assert_said(_OF_CONFIGURATION, done.log)
    for arguments in (("jobs", "run", "web", "--env"), ("inventory.access",), ("deploy.status",), ("vagrant.up",)):
        status, printed = command(*arguments, IMPOSSIBLE)
        assert status == 2, arguments
        assert_said(_OF_CONFIGURATION, printed)


def test_an_inventory_that_is_not_there_is_no_success() -> None:
    done = run("inventory/nosuch.py")
    assert done.status == 1
    assert "inventory/nosuch.py: there is no such inventory - name one such as inventory/test.py" in done.log


def test_all_that_is_wrong_with_hosts_and_artifacts_is_said_at_once_and_nothing_is_changed(
    sabotaged: Fleet, env: Environment, tmp_path: Path
) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    (home / ".cache/socle/local").mkdir(parents=True)
    (home / ".cache/socle/local/badinput").symlink_to(local.folder(env.name))
    consul, vault = (a.file(Arch.AMD64) for a in artifacts.ALL if a.name in ("consul", "vault"))
    site.mkdir()
    (site / consul).write_text("not what it says")
    (site / f"{consul}.sha256").write_text(f"{'0' * 64}  {consul}\n")
    for name in _SABOTAGE:
        as_root(sabotaged, name, f"touch {_MARK}")

    done = run(INVENTORY, home=home, SITE=str(site))

    assert done.status == 1
    assert_said(
        _OF_THE_SABOTAGED, done.log, key=str(home / ".cache/socle/local/badinput/id_ed25519"), site=str(site),
        consul=consul, vault=vault,
    )  # fmt: skip
    assert "21 findings, nothing was changed:" in done.log
    assert re.search(r"badinput-1: its clock is \+(599|60\d)\.\d s from", done.log)
    for name in _SABOTAGE:
        assert as_root(sabotaged, name, _CHANGED_SINCE) == ""


def test_an_operator_without_keys_is_told_what_to_do_although_no_host_is_reached(fleet: Fleet, tmp_path: Path) -> None:
    done = run(INVENTORY, home=tmp_path)
    assert done.status == 1
    assert_said(_NEEDS_A_KEY, done.log, key=str(tmp_path / ".cache/socle/local/badinput/id_ed25519"))
    assert len(fleet.names()) == done.log.count("there is no private key")


def test_a_lost_client_keeps_a_new_environment_from_being_made_and_not_an_old_one_from_being_mended(
    fleet: Fleet, env: Environment
) -> None:
    fresh = run(INVENTORY, PREFLIGHT)
    assert fresh.status == 1
    assert "1 finding, nothing was changed:\n    - badinput-4: not reached:" in fresh.log

    pem = authority.ensure(secrets.open(env), env.name).pem
    place = f"mkdir -p /etc/socle/pki && cat >{certificates.CA_FILE}"
    ssh.run(env.host("badinput-1"), place, stdin=pem)
    old = run(INVENTORY, PREFLIGHT)
    assert "badinput-4: not reached:" in old.log
    assert "going on without it" in old.log
    assert "nothing was changed" not in old.log

    as_root(fleet, "badinput-3", _SABOTAGE["badinput-3"])
    critical = run(INVENTORY, PREFLIGHT)
    assert "1 finding, nothing was changed:\n    - badinput-3: not reached:" in critical.log


def test_commands_that_reach_no_server_say_so_and_exit_with_five(fleet: Fleet, env: Environment) -> None:
    authority.ensure(secrets.open(env), env.name)
    for arguments in (("jobs", "run", "web", "--env"), ("inventory.access",)):
        status, printed = command(*arguments, INVENTORY)
        assert status == 5, printed
        assert "answers on none of its hosts, tried badinput-1 (" in printed
        assert "Traceback" not in printed
    assert fleet.states()["badinput-1"] == "running"
