"""The local hosts of an environment: containers that boot systemd and sshd, reached over SSH like any other host.

python -m vagrant.hosts up|down|list ENV
python -m vagrant.hosts add|kill|start|restart|pause|unpause|partition|heal|empty|remove ENV NAME
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import docker.errors
import docker.types

from configs.environment import Environment, Host
from configs.errors import HostError, SocleError
from inventory import environments, local, operators
from vagrant import engine, image, keys, network, ssh
from vagrant.waiting import wait

LABEL = "socle.environment"
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "MKNOD", "DAC_READ_SEARCH", "IPC_LOCK")
"""What systemd, Docker, Nomad and Vault need inside a host; all else, and --privileged, is withheld."""

SSH_BOUND_S = 60.0
STOP_S = 30


class Fleet:
    """The local hosts of one environment; every method is done when it returns, and may be called again.

    Args:
        env: an environment whose hosts are local (`inventory.local.hosts`).

    Raises:
        HostError: when hosts of the environment are not local ones, or the engine cannot be had.
    """

    def __init__(self, env: Environment) -> None:
        refuse_foreign(env)
        self.env = env
        self.client = engine.ensure()

    def ensure(self, hosts: Iterable[Host] | None = None) -> None:
        """Make the hosts that are missing, start those that are stopped, and wait for SSH on all."""
        wanted = tuple(self.env.hosts if hosts is None else hosts)
        name, public = image.ensure(self.client), keys.ensure(self.env.name)
        self._ensure_network()
        self._each(lambda host: self._ensure(host, name, public), wanted)
        self.wait_ssh(wanted)

    def add(self, host: Host) -> None:
        """Make one more host, which the environment need not know yet."""
        self.ensure((host,))

    def kill(self, name: str) -> None:
        """End a host as a power cut does."""
        self._unpaused(name).kill()

    def start(self, name: str) -> None:
        """Start a host that was killed; it has its disk, and neither processes nor /run."""
        self.container(name).start()
        self.wait_ssh((self._host(name),))

    def restart(self, name: str) -> None:
        """Shut a host down in order and start it, as a reboot does."""
        self._unpaused(name).restart(timeout=STOP_S)
        self.wait_ssh((self._host(name),))

    def pause(self, name: str) -> None:
        """Freeze every process of a host: it is there and does not answer."""
        container = self.container(name)
        if container.status != "paused":
            container.pause()

    def unpause(self, name: str) -> None:
        """Let a frozen host go on."""
        self._unpaused(name)

    def partition(self, name: str) -> None:
        """Cut a host's cable: nothing reaches it or leaves it, and it keeps its address."""
        self._set_cable(name, "down")

    def heal(self, name: str) -> None:
        """Mend a host's cable."""
        self._set_cable(name, "up")
        self.wait_ssh((self._host(name),))

    def empty(self, name: str) -> None:
        """Replace a host by a bare one of the same name and address, with host keys of its own."""
        host = self._host(name)
        self.remove(name)
        self.ensure((host,))

    def remove(self, name: str) -> None:
        """Remove a host with its disk."""
        for container in self._containers():
            if container.name == name:
                _remove(container)
        keys.forget_host(self.env.name, name)

    def names(self) -> tuple[str, ...]:
        """The hosts that exist, running or not."""
        return tuple(sorted(str(container.name) for container in self._containers()))

    def states(self) -> dict[str, str]:
        """Each host's state in Docker's words: running, exited, paused ..."""
        return {str(container.name): str(container.status) for container in self._containers()}

    def destroy(self) -> None:
        """Remove every host of the environment, their network, their keys, and the secrets that only these open."""
        for suffix in ("age", "lock"):
            (operators.folder() / f"{self.env.name}.{suffix}").unlink(missing_ok=True)
        shutil.rmtree(local.CACHE / self.env.name, ignore_errors=True)
        self._each(_remove, self._containers())
        for made in self._networks():
            made.remove()
        shutil.rmtree(local.folder(self.env.name), ignore_errors=True)

    def wait_ssh(self, hosts: Iterable[Host] | None = None, *, bound_s: float = SSH_BOUND_S) -> None:
        """Record the host keys, then wait until each host lets us in and its boot is over.

        Raises:
            HostError: when a host does not within `bound_s` seconds.
        """
        waited = tuple(self.env.hosts if hosts is None else hosts)
        self._each(lambda host: self._wait_ssh(host, bound_s), waited)

    def container(self, name: str) -> Any:
        """A host's container, as Docker knows it now.

        Raises:
            HostError: when the environment has no such host.
        """
        for container in self._containers():
            if container.name == name:
                return container
        known = ", ".join(self.names()) or "none"
        raise HostError(f"{name}: {self.env.name} has no such local host - those there are: {known}")

    def _containers(self) -> list[Any]:
        labelled = {"label": f"{LABEL}={self.env.name}"}
        return list(self.client.containers.list(all=True, filters=labelled, ignore_removed=True))

    def _networks(self) -> list[Any]:
        return list(self.client.networks.list(filters={"label": f"{LABEL}={self.env.name}"}))

    def _host(self, name: str) -> Host:
        known = {host.name: host for host in self.env.hosts}
        return known[name] if name in known else _as_host(self.container(name), self.env)

    def _unpaused(self, name: str) -> Any:
        container = self.container(name)
        if container.status == "paused":
            container.unpause()
        return container

    def _each(self, act: Callable[[Any], None], things: Iterable[Any]) -> None:
        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(act, things))

    def _ensure_network(self) -> None:
        if self._networks():
            return
        subnet = network.subnet(self.env)
        pool = docker.types.IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
        self.client.networks.create(
            network.name(self.env),
            driver="bridge",
            ipam=docker.types.IPAMConfig(pool_configs=[pool]),
            labels={LABEL: self.env.name},
        )

    def _ensure(self, host: Host, image_name: str, public: str) -> None:
        if host.name not in self.names():
            self._create(host, image_name)
        container = self._unpaused(host.name)
        if container.status != "running":
            container.put_archive(f"/home/{local.USER}", keys.authorized(public))
            container.start()
        elif not self._plugged(container):
            self._set_cable(host.name, "up")

    def _create(self, host: Host, image_name: str) -> None:
        endpoint = self.client.api.create_endpoint_config(ipv4_address=host.address)
        wire = network.name(self.env)
        settings = self.client.api.create_host_config(
            network_mode=wire,
            cap_add=list(CAPABILITIES),
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            tmpfs={"/run": "mode=755", "/run/lock": ""},
            mounts=[docker.types.Mount("/var/lib/docker", None)],  # overlay2 cannot lie on the host's own overlay
            restart_policy={"Name": "no"},
        ) | {"CgroupnsMode": "private"}
        self.client.api.create_container(
            image_name,
            name=host.name,
            hostname=host.name,
            stop_signal="SIGRTMIN+3",
            environment={"NAMESERVERS": " ".join(network.nameservers())},
            labels={LABEL: self.env.name},
            host_config=settings,
            networking_config=self.client.api.create_networking_config({wire: endpoint}),
        )

    def _wait_ssh(self, host: Host, bound_s: float) -> None:
        container = self.container(host.name)
        wait(f"{host.name}: host key", lambda: self._record_key(container, host), bound_s=bound_s)
        wait(f"{host.name}: boot, seen over SSH", lambda: _booted(host), bound_s=bound_s)

    def _record_key(self, container: Any, host: Host) -> bool:
        status, output = container.exec_run(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"])
        if status == 0:
            keys.remember_host(self.env.name, host.name, host.address, output.decode())
        return bool(status == 0)

    def _plugged(self, container: Any) -> bool:
        return bool(container.exec_run(["cat", "/sys/class/net/eth0/carrier"])[1].strip() == b"1")

    def _set_cable(self, name: str, state: str) -> None:
        """Set the outer end of the host's cable, from a short-lived container in the machine's own network."""
        status, output = self.container(name).exec_run(["cat", "/sys/class/net/eth0/iflink"])
        if status:
            raise HostError(f"{name}: it has no network card to unplug - is it running? {output.decode().strip()}")
        script = (
            f"ip -o link | sed -n 's/^{int(output)}: \\([^@:]*\\).*/\\1/p' | xargs -I CARD ip link set CARD {state}"
        )
        self.client.containers.run(
            image.ensure(self.client), ["sh", "-ec", script], network_mode="host", cap_add=["NET_ADMIN"], remove=True
        )


def refuse_foreign(env: Environment) -> None:
    """Refuse an environment with hosts that were not made here.

    Raises:
        HostError: naming them.
    """
    if foreign := [host.name for host in env.hosts if host.ssh.key != str(local.key(env.name))]:
        raise HostError(
            f"{env.name}: {', '.join(foreign)} are not local hosts - "
            f"for hosts of your own use: pyinfra inventory/{env.name}.py deploy/cluster.py"
        )


def _booted(host: Host) -> bool:
    state = ssh.run(host, "systemctl is-system-running --wait || true", root=False, bound_s=SSH_BOUND_S)
    return state.strip() in {"running", "degraded"}


def _remove(container: Any) -> None:
    try:
        container.remove(v=True, force=True)
    except docker.errors.NotFound:
        return


def _as_host(container: Any, env: Environment) -> Host:
    settings = container.attrs["NetworkSettings"]["Networks"][network.name(env)]["IPAMConfig"]
    example = env.hosts[0]
    return Host(name=str(container.name), address=settings["IPv4Address"], roles=frozenset(), ssh=example.ssh)


def main(arguments: list[str]) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m vagrant.hosts", description=__doc__)
    all_hosts = {"up": Fleet.ensure, "down": Fleet.destroy, "list": Fleet.states}
    acts = (Fleet.kill, Fleet.start, Fleet.restart, Fleet.pause, Fleet.unpause)
    one_host = {act.__name__: act for act in (*acts, Fleet.partition, Fleet.heal, Fleet.empty, Fleet.remove)}
    parser.add_argument("act", choices=[*all_hosts, "add", *one_host])
    parser.add_argument("env", help="dev, test, or the path of an inventory of local hosts")
    parser.add_argument("name", nargs="?", help="the host, for what is done to one")
    given = parser.parse_args(arguments)
    fleet = Fleet(environments.load(given.env))
    if given.act in all_hosts:
        all_hosts[given.act](fleet)
    elif given.act == "add" and given.name in {host.name for host in fleet.env.hosts}:
        fleet.add(fleet.env.host(given.name))
    elif given.act in one_host and given.name:
        one_host[given.act](fleet, given.name)
    else:
        parser.error(f"{given.act}: name one of {', '.join(host.name for host in fleet.env.hosts)}")
    for name, state in fleet.states().items():
        sys.stdout.write(f"{name} {state}\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (SocleError, docker.errors.DockerException) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code if isinstance(error, SocleError) else 1)
