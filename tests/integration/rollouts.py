"""What tests of rollouts share: a Consul with access control that can be restarted, its clients, and states."""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import consul
import requests

from configs import consul as documents
from inventory import https
from jobs.rollout.plan import CHECKS, Plan, Step
from jobs.rollout.state import State
from tests.integration import servers

PLAN = Plan(strategy="canary", steps=(Step(weight=10, hold=timedelta(seconds=30)),), checks=CHECKS)


@dataclass(kw_only=True)
class Consul:
    """A Consul server whose data outlive its process."""

    binary: Path
    folder: Path
    ports: tuple[int, int, int]
    management: str = field(default_factory=lambda: str(uuid4()), repr=False)
    peers: tuple[str, ...] = ()
    running: ExitStack = field(default_factory=ExitStack)
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        """Its API's address."""
        return f"http://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self.launch()
        servers.until("Consul serves", self.serves)

    def launch(self) -> None:
        """Start its process."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "consul.json").write_text(json.dumps(self._config()))
        command: list[str | Path] = [self.binary, "agent", "-config-file=consul.json"]
        self.process = self.running.enter_context(servers.running(command, self.folder)).process

    def stop(self) -> None:
        """End its process."""
        self.running.close()

    @property
    def leads(self) -> bool:
        """Whether the others follow it."""
        return bool(self._get("agent/self").json()["Stats"]["consul"]["leader"] == "true")

    def serves(self) -> bool:
        """Whether it answers by a leader's word."""
        return self._get("operator/raft/configuration").ok and self._get("kv/any").status_code == HTTPStatus.NOT_FOUND

    def token(self, rules: Mapping[str, Any]) -> str:
        """A token with these rules alone."""
        name = f"policy-{uuid4()}"
        self._put("acl/policy", {"Name": name, "Rules": json.dumps(rules)})
        return str(self._put("acl/token", {"Policies": [{"Name": name}]})["SecretID"])

    def _config(self) -> dict[str, Any]:
        http, server, serf = self.ports
        off = dict.fromkeys(("dns", "grpc", "grpc_tls", "serf_wan"), -1)
        return {
            "server": True,
            "bootstrap_expect": len(self.peers) or 1,
            "retry_join": list(self.peers),
            "retry_interval": "1s",
            "node_name": f"server-{http}",
            "bind_addr": "127.0.0.1",
            "data_dir": str(self.folder / "data"),
            "ports": {"http": http, "server": server, "serf_lan": serf, **off},
            "performance": {"raft_multiplier": 1},
            "acl": {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"initial_management": self.management, "agent": self.management},
            },
            "log_level": "WARN",
        }

    def _get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}/v1/{path}", headers={"X-Consul-Token": self.management}, timeout=5)

    def _put(self, path: str, body: Any) -> Any:
        answer = requests.put(
            f"{self.url}/v1/{path}", json=body, headers={"X-Consul-Token": self.management}, timeout=5
        )
        answer.raise_for_status()
        return answer.json()


@contextmanager
def started(binary: Path, folder: Path) -> Iterator[Consul]:
    """A Consul while it is used."""
    http, server, serf = servers.free_ports(3)
    found = Consul(binary=binary, folder=folder, ports=(http, server, serf))
    with found.running:
        found.start()
        yield found
    found.stop()


@contextmanager
def three(binary: Path, folder: Path) -> Iterator[tuple[Consul, ...]]:
    """A cluster of three while it is used."""
    numbers = servers.free_ports(9)
    peers = tuple(f"127.0.0.1:{port}" for port in numbers[:3])
    management = str(uuid4())
    found = tuple(
        Consul(
            binary=binary, folder=folder / f"server-{n}", peers=peers, management=management,
            ports=(numbers[3 + n], numbers[6 + n], numbers[n]),
        )
        for n in range(3)
    )  # fmt: skip
    with ExitStack() as running:
        for each in found:
            running.enter_context(each.running)
            each.launch()
        for each in found:
            servers.until("Consul serves", each.serves, within_s=60)
        yield found


@contextmanager
def deaf(server: Consul, verb: str) -> Iterator[str]:
    """The address of a relay to a Consul that loses the answer of the first transaction with this verb."""
    lost: list[str] = []

    class Relay(BaseHTTPRequestHandler):
        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = requests.request(
                self.command, f"{server.url}{self.path}", data=body, timeout=5,
                headers={"X-Consul-Token": self.headers["X-Consul-Token"]},
            )  # fmt: skip
            if f'"Verb": "{verb}"'.encode() in body and not lost:
                lost.append(self.path)
                self.connection.close()
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self) -> None:
            self.relay()

        def do_PUT(self) -> None:
            self.relay()

        def log_message(self, *_: object) -> None:
            """Nothing: the tests' output is theirs."""

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{relay.server_address[1]}"
    finally:
        relay.shutdown()
        relay.server_close()
    assert lost


def rollout_token(server: Consul) -> str:
    """A token with what running rollouts takes, and no more."""
    return server.token(documents.ROLLOUTS)


def client(url: str, token: str) -> consul.Consul:
    """Consul's API with a token."""
    parts = urlsplit(url)
    found = consul.Consul(host=parts.hostname, port=parts.port, scheme=parts.scheme)
    found.http.session.trust_env = False
    found.token = token
    return found


def failover(cluster: Sequence[Consul], token: str) -> consul.Consul:
    """Consul's API at whichever server answers, with a token."""
    found = consul.Consul(host="consul", port=80, scheme="http")
    found.http.session = https.Failover([partial(str, each.url) for each in cluster], ca_file="")
    found.token = token
    return found


def state(job: str, **more: Any) -> State:
    """A rollout that began."""
    fields = {
        "id": uuid4().hex[:12],
        "plan": PLAN,
        "spec": {"ID": job},
        "who": "ada@desk",
        "started": 1.0,
        "since": 1.0,
    }
    return State(job=job, **{**fields, **more})
