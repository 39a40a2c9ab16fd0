"""What tests of rollouts share: a Consul with access control that can be restarted, its clients, and states."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import consul
import requests

from configs import consul as documents
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
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Its API's address."""
        return f"http://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start it, and wait until it leads."""
        (self.folder / "consul.json").write_text(json.dumps(self._config()))
        self.running.enter_context(
            servers.running(
                [self.binary, "agent", "-config-file=consul.json"],
                self.folder,
                healthy=lambda: self._get("operator/raft/configuration").ok and self._get("kv/any").status_code == 404,
            )
        )

    def stop(self) -> None:
        """End its process."""
        self.running.close()

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
            "bootstrap_expect": 1,
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
