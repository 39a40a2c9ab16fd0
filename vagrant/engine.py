"""The Docker engine of this machine: found, or started."""

import fcntl
import os
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import docker
import docker.errors

from configs.errors import HostError
from inventory import local
from vagrant.waiting import wait

START_BOUND_S = 60.0
SOCKET = "/var/run/docker.sock"
LOG = local.CACHE / "dockerd.log"
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 4096
"""Every systemd takes about ten; the kernel counts those of all containers together, and grants 128."""


def ensure() -> docker.DockerClient:
    """A client of the running engine, which is started if need be; the machine is made fit for several hosts.

    Raises:
        HostError: when there is no engine, when it may not be used, or when it does not start.
    """
    client = docker.DockerClient(version="auto", timeout=120) if _answers() else _started()
    _raise_inotify()
    return client


def as_root(*command: str) -> list[str]:
    """A command as root: as it is for root, through sudo for others."""
    return [*command] if os.geteuid() == 0 else ["sudo", *command]


def _answers() -> bool:
    if not _listens():
        return False
    try:
        with closing(docker.DockerClient(version="auto", timeout=10)) as client:
            return bool(client.ping())
    except docker.errors.DockerException:
        return False


def _listens() -> bool:
    """Asked without docker's SDK, which leaves a socket open for each connection that is refused."""
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.connect(SOCKET)
        except PermissionError as error:
            raise HostError(
                "Docker's socket: permission denied - run as root, or join the group: "
                "sudo usermod -aG docker $USER, then log in again"
            ) from error
        except OSError:
            return False
    return True


def _started() -> docker.DockerClient:
    if not shutil.which("dockerd", path="/usr/sbin:/usr/bin:/usr/local/bin:/sbin"):
        raise HostError("dockerd: there is no Docker engine on this machine - run bin/up, or apt-get install docker.io")
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes must not start two engines
        if not _answers():
            _start()
            wait(f"Docker's engine (log: {LOG})", _answers, bound_s=START_BOUND_S)
    return docker.DockerClient(version="auto", timeout=120)


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        subprocess.run(as_root("systemctl", "start", "docker"), check=True, stdin=subprocess.DEVNULL)
        return
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    with LOG.open("a") as log:
        command = as_root("setsid", "--fork", "dockerd")
        subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _raise_inotify() -> None:
    if INOTIFY.is_file() and int(INOTIFY.read_text()) < INOTIFY_WANTED:
        subprocess.run(
            as_root("tee", str(INOTIFY)), input=f"{INOTIFY_WANTED}\n", text=True, check=True, stdout=subprocess.DEVNULL
        )
