"""Local hosts behave like machines: they boot, let us in, fail in every way, and leave no trace."""

import dataclasses
import subprocess
from functools import partial

import pytest

from configs.environment import Environment, Host, Role
from configs.errors import HostError
from inventory import local
from tests.cluster.conftest import FleetOf
from vagrant import engine, ssh
from vagrant.hosts import LABEL, Fleet
from vagrant.waiting import wait

SUBNET = "172.30.90.0/24"
ALL = {Role.SERVER, Role.CLIENT, Role.INGRESS}
LOST_S = 30.0


@pytest.fixture(scope="module")
def env() -> Environment:
    roles = {"1": ALL | {Role.MIRROR}, "2": ALL | {Role.MONITOR}, "3": ALL}
    return Environment(
        name="bare-hosts",
        hosts=local.hosts("bare-hosts", SUBNET, roles),
        control=(f"{local.gateway(SUBNET)}/32",),
        ingress_domain="bare-hosts.socle.internal",
    )


@pytest.fixture
def fleet(fleet_of: FleetOf, env: Environment) -> Fleet:
    made = fleet_of(env)
    made.ensure()
    return made


def reaches(host: Host, other: Host) -> bool:
    return "0% packet loss" in ssh.run(host, f"ping -c 1 -W 1 {other.address} || true").replace("100%", "all")


def lost(host: Host) -> bool:
    try:
        ssh.run(host, "true", bound_s=10)
    except HostError:
        return True
    return False


def test_every_host_boots_to_running_with_no_failed_unit(fleet: Fleet) -> None:
    for host in fleet.env.hosts:
        assert ssh.run(host, "systemctl is-system-running").strip() == "running"
        assert ssh.run(host, "hostname").strip() == host.name


def test_hosts_are_bare_and_have_identities_of_their_own(fleet: Fleet) -> None:
    machine_ids = {ssh.run(host, "cat /etc/machine-id") for host in fleet.env.hosts}
    assert len(machine_ids) == len(fleet.env.hosts)
    for program in ("python3", "docker", "nft", "consul"):
        assert ssh.run(fleet.env.hosts[0], f"command -v {program} || echo none").strip() == "none"


def test_the_user_becomes_root_without_a_password(fleet: Fleet) -> None:
    host = fleet.env.hosts[0]
    assert ssh.run(host, "whoami", root=False).strip() == local.USER
    assert ssh.run(host, "whoami").strip() == "root"


def test_a_host_with_another_host_key_is_refused(fleet: Fleet) -> None:
    first, second = fleet.env.hosts[:2]
    file = local.known_hosts(fleet.env.name)
    keys = dict(line.split(" ", 1) for line in file.read_text().splitlines())
    swapped = file.with_name("swapped")
    swapped.write_text(f"{first.name},{first.address} {keys[f'{second.name},{second.address}']}\n")
    deceived = dataclasses.replace(first, ssh=dataclasses.replace(first.ssh, known_hosts=str(swapped)))
    with pytest.raises(HostError, match="Host key verification failed"):
        ssh.run(deceived, "true")


def test_a_password_is_not_asked_for(fleet: Fleet) -> None:
    host = fleet.env.hosts[0]
    words = ssh.command(host, "true")
    at = next(i for i, word in enumerate(words) if word.startswith("IdentityFile="))
    words[at] = "IdentityFile=none"
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert "Permission denied (publickey)" in done.stderr


ARCHIVE = "getent hosts $(sed -n 's|^deb https*://\\([^/:]*\\).*|\\1|p' /etc/apt/sources.list | head -n 1)"
"""A name that hosts must resolve: that of the archive of their packages."""


def test_packages_install_and_names_resolve_before_and_after_systemd_resolved(fleet: Fleet) -> None:
    host = fleet.env.hosts[0]
    assert ssh.run(host, ARCHIVE)
    ssh.run(host, "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y systemd-resolved", bound_s=120)
    assert ssh.run(host, "readlink /etc/resolv.conf").strip() == "../run/systemd/resolve/stub-resolv.conf"
    wait("a name, asked of systemd-resolved", partial(ssh.run, host, ARCHIVE), bound_s=20)


def test_a_host_runs_containers_and_a_firewall(fleet: Fleet) -> None:
    host = fleet.env.hosts[1]
    ssh.run(
        host,
        "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
        " docker.io nftables iptables",
        bound_s=180,
    )
    assert ssh.run(host, "docker info --format '{{.Driver}}'").strip() == "overlay2"
    ssh.run(
        host,
        "tar -C / -c lib lib64 usr/lib64 usr/bin/echo usr/lib/x86_64-linux-gnu | docker import - host",
        bound_s=120,
    )
    assert ssh.run(host, "docker run --rm --memory 64m --publish 8099:80 host /usr/bin/echo it runs") == "it runs\n"
    ssh.run(host, "nft add table inet example && nft list table inet example && iptables --list")


def test_only_network_settings_of_the_kernel_can_be_changed(fleet: Fleet) -> None:
    host = fleet.env.hosts[2]
    ssh.run(host, "sysctl -w net.ipv4.ip_forward=1")
    with pytest.raises(HostError, match="Read-only file system"):
        ssh.run(host, "echo 1 >/proc/sys/vm/swappiness")


def test_a_killed_host_comes_back_with_its_disk_and_its_name(fleet: Fleet) -> None:
    host = fleet.env.hosts[0]
    before = ssh.run(host, "echo kept >/var/mark; cat /etc/machine-id")
    fleet.kill(host.name)
    assert lost(host)
    fleet.start(host.name)
    assert ssh.run(host, "cat /etc/machine-id") == before
    assert ssh.run(host, "cat /var/mark") == "kept\n"
    wait("a name, after the restart", partial(ssh.run, host, ARCHIVE), bound_s=20)


def test_a_restarted_host_shuts_down_in_order(fleet: Fleet) -> None:
    host = fleet.env.hosts[2]
    ssh.run(host, "systemd-run --unit bell --property 'ExecStop=/bin/sh -c \"echo rung >/var/bell\"' sleep infinity")
    fleet.restart(host.name)
    assert ssh.run(host, "cat /var/bell") == "rung\n"


def test_a_paused_host_hangs_and_goes_on(fleet: Fleet) -> None:
    host = fleet.env.hosts[1]
    fleet.pause(host.name)
    fleet.pause(host.name)
    assert fleet.states()[host.name] == "paused"
    with pytest.raises(HostError):
        ssh.run(host, "true", bound_s=3)
    fleet.unpause(host.name)
    assert ssh.run(host, "echo on") == "on\n"


def test_a_partitioned_host_keeps_its_address_and_heals(fleet: Fleet) -> None:
    host, other = fleet.env.hosts[:2]
    fleet.partition(host.name)
    assert lost(host)
    assert not reaches(other, host)
    status, addresses = fleet.container(host.name).exec_run(["ip", "-o", "-4", "address", "show", "eth0"])
    assert (status, host.address in addresses.decode()) == (0, True)
    fleet.heal(host.name)
    wait(f"{other.name} reaches {host.name}", partial(reaches, other, host), bound_s=LOST_S)


def test_an_emptied_host_is_bare_under_the_same_address(fleet: Fleet) -> None:
    host = fleet.env.hosts[1]
    before = ssh.run(host, "touch /var/mark; cat /etc/machine-id")
    fleet.empty(host.name)
    assert ssh.run(host, "cat /etc/machine-id; test ! -e /var/mark") != before


def test_a_host_joins_and_a_fleet_half_made_is_mended(fleet: Fleet) -> None:
    extra = dataclasses.replace(fleet.env.hosts[0], name="bare-hosts-4", address="172.30.90.40")
    fleet.add(extra)
    assert ssh.run(extra, "hostname") == "bare-hosts-4\n"
    fleet.kill(fleet.env.hosts[0].name)
    fleet.partition(fleet.env.hosts[1].name)
    fleet.remove(fleet.env.hosts[2].name)
    fleet.ensure()
    assert set(fleet.states().values()) == {"running"}
    fleet.remove(extra.name)
    assert fleet.names() == tuple(host.name for host in fleet.env.hosts)


def test_an_unknown_host_is_named_in_the_error(fleet: Fleet) -> None:
    with pytest.raises(HostError, match="nobody: bare-hosts has no such local host"):
        fleet.kill("nobody")


def test_destroying_leaves_no_trace(fleet: Fleet) -> None:
    client = engine.ensure()
    volumes = {volume.name for volume in client.volumes.list()}
    own = {mount["Name"] for name in fleet.names() for mount in fleet.container(name).attrs["Mounts"]}
    assert own <= volumes
    fleet.destroy()
    fleet.destroy()
    labelled = {"label": f"{LABEL}={fleet.env.name}"}
    assert client.containers.list(all=True, filters=labelled) == []
    assert client.networks.list(filters=labelled) == []
    assert not own & {volume.name for volume in client.volumes.list()}
    assert not local.folder(fleet.env.name).exists()
