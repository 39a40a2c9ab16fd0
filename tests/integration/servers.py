"""Real servers on loopback, each at ports of its own, in a folder of its own, with a clean environment."""

import json
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import requests

from vagrant.waiting import wait

T = TypeVar("T")

_CANDIDATES = iter(random.SystemRandom().sample(range(10_000, 20_000), 10_000))
"""Below those of Nomad's tasks, from 20,000, and of the kernel's for whoever connects, from 32,768."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment, and that no connection of the next is given; none twice."""
    return list(islice((port for port in _CANDIDATES if _is_free(port)), count))


def _is_free(port: int) -> bool:
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        try:
            stream.bind(("127.0.0.1", port))
            datagrams.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(what: str, ready: Callable[[], T], within_s: float = 30) -> T:
    """The first true answer of `ready`; errors and failed assertions count as not yet."""
    return wait(what, ready, bound_s=within_s, pause_s=0.05)


@dataclass(kw_only=True)
class Server:
    """A running server: its process, its addresses by name, its folder and log."""

    process: subprocess.Popen[bytes]
    folder: Path
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def url(self) -> str:
        """Its API's address."""
        return self.addresses["http"]

    def get(self, path: str) -> Any:
        """The JSON answer of its API."""
        answer = requests.get(f"{self.url}{path}", timeout=5)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    addresses: Mapping[str, str] | None = None,
    healthy: Callable[[], object] | None = None,
    within_s: float = 30,
) -> Iterator[Server]:
    """A server while it is used; its log is shown when it does not become healthy."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A variable such as AWS_CA_BUNDLE of this machine's ends Nomad's agent.
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **(env or {})},
        )
    server = Server(process=process, folder=folder, addresses=addresses or {})
    try:
        if healthy:
            _await_health(server, healthy, within_s)
        yield server
    finally:
        _end(process)


def _await_health(server: Server, healthy: Callable[[], object], within_s: float) -> None:
    def ready() -> object:
        assert server.process.poll() is None, "it ended"
        return healthy()

    try:
        until("the server is healthy", ready, within_s)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{server.log[-4000:]}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    if process.poll() is None:
        process.kill()
        process.wait(10)


@contextmanager
def frozen(process: subprocess.Popen[Any]) -> Iterator[None]:
    """A process stands still: it takes connections and never answers, for as long as the `with` block lasts."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)  # until its last thread does
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def consul(binary: Path, folder: Path) -> Iterator[Server]:
    """A Consul agent in development mode."""
    http, server, serf = free_ports(3)
    url = f"http://127.0.0.1:{http}"
    ports = [f"-http-port={http}", f"-server-port={server}", f"-serf-lan-port={serf}"]
    off = [f"-{name}-port=-1" for name in ("dns", "grpc", "grpc-tls", "serf-wan")]
    command: list[str | Path] = [binary, "agent", "-dev", "-bind=127.0.0.1", "-log-level=warn", *ports, *off]
    with running(
        command,
        folder,
        addresses={"http": url},
        healthy=lambda: requests.get(f"{url}/v1/status/leader", timeout=2).json(),
    ) as agent:
        yield agent


@contextmanager
def nomad(binary: Path, folder: Path, consul_url: str) -> Iterator[Server]:
    """A Nomad agent, server and client at once, with the driver raw_exec; its tasks end with it."""
    http, rpc, serf = free_ports(3)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nomad.json").write_text(json.dumps(_nomad(folder, consul_url, http=http, rpc=rpc, serf=serf)))
    url = f"http://127.0.0.1:{http}"
    with running(
        [binary, "agent", "-config=nomad.json"],
        folder,
        addresses={"http": url},
        healthy=lambda: _node_ready(url),
        within_s=60,
    ) as agent:
        try:
            yield agent
        finally:
            _stop_all(agent)


def _nomad(folder: Path, consul_url: str, **ports: int) -> dict[str, Any]:
    return {
        "datacenter": "test",
        "data_dir": str(folder / "data"),
        "bind_addr": "127.0.0.1",
        "ports": ports,
        "advertise": dict.fromkeys(ports, "127.0.0.1"),
        "server": {"enabled": True, "bootstrap_expect": 1, "job_gc_threshold": "1h"},
        "client": {
            "enabled": True,
            "servers": [f"127.0.0.1:{ports['rpc']}"],
            "network_interface": "lo",
            "meta": {"ingress": "true"},
            "template": {"wait": {"min": "0s", "max": "5s"}},
        },
        "consul": {"address": consul_url.removeprefix("http://")},
        "plugin": {"raw_exec": {"config": {"enabled": True}}},
        "disable_update_check": True,
        "log_level": "WARN",
    }


def _node_ready(url: str) -> bool:
    nodes = requests.get(f"{url}/v1/nodes", timeout=2).json()
    return any(node["Status"] == "ready" and node["Drivers"]["raw_exec"]["Healthy"] for node in nodes)


def _stop_all(agent: Server) -> None:
    """An agent's end does not end its tasks, nor do tasks that ended take their executors along: all are collected."""
    for job in agent.get("/v1/jobs"):
        requests.delete(f"{agent.url}/v1/job/{job['ID']}?purge=true", timeout=5)
    until(
        "no task runs",
        lambda: not [a for a in agent.get("/v1/allocations") if a["ClientStatus"] in ("pending", "running")],
        within_s=40,
    )
    requests.put(f"{agent.url}/v1/system/gc", timeout=5).raise_for_status()
    folder = agent.folder / "data" / "alloc"
    until("nothing of the tasks is left", lambda: not [each for each in folder.iterdir() if each.is_dir()])
