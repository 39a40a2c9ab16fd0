"""The ingress job's Traefik on a real Nomad that follows a real Consul, and instances behind it.

The job is the one of jobs/ingress.py, but for the driver, the ports and where the certificate comes from.
"""

import dataclasses
import json
import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nomad as nomad_api
import requests
import urllib3

from configs import certificates, ingress, ports
from configs.environment import Environment
from inventory import authority
from jobs import ingress as ingress_job
from jobs.nomad import registration, spec
from jobs.nomad.client import Client
from tests.integration import servers
from tests.integration.servers import Server


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """Traefik as it runs: its ports, the CA, an operator's certificate, and the Consul it follows."""

    env: Environment
    consul: Server
    ports: dict[int, int]
    ca: Path
    client: tuple[str, str]

    def ask(self, service: str, path: str = "/") -> urllib3.BaseHTTPResponse:
        """A request through HTTPS to <service>.<domain>."""
        name = f"{service}.{self.env.ingress_domain}"
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.ports[ports.HTTPS], ca_certs=str(self.ca), server_hostname=name, assert_hostname=name
        ) as pool:
            return pool.request("GET", path, headers={"Host": name}, retries=False, timeout=10)

    def internal(self, path: str, sni: str | None = ingress.NAME, *, certified: bool = True) -> Any:
        """A request to the port of metrics and API."""
        cert, key = self.client if certified else (None, None)
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.ports[ports.TRAEFIK_METRICS], ca_certs=str(self.ca), cert_file=cert, key_file=key,
            server_hostname=sni, assert_hostname=sni,
        ) as pool:  # fmt: skip
            return pool.request("GET", path, retries=False, timeout=10)

    def weights(self, service: str) -> dict[str, int]:
        """The weights in force, as Traefik itself tells."""
        answer = self.internal(f"/api/http/services/{service}@file")
        if answer.status != 200:
            return {}
        halves = answer.json().get("weighted", {}).get("services", ())
        return {half["name"].removeprefix(f"{service}-"): half["weight"] for half in halves}

    def weigh(self, service: str, text: str) -> None:
        """Write a service's weights."""
        requests.put(f"{self.consul.url}/v1/kv/{ingress.weights_key(service)}", data=text, timeout=5).raise_for_status()


class Backends:
    """HTTP servers that answer with their own name, registered in Consul."""

    def __init__(self, consul: Server, service: str) -> None:
        self.consul = consul
        self.service = service
        self.running: dict[str, ThreadingHTTPServer] = {}

    def add(self, name: str, half: str, *, passing: bool = True) -> None:
        """Start an instance in a half, registered as passing or critical."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_: object) -> None:
                """Nothing: the tests' output is theirs."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.running[name] = server
        self._put(
            "service/register",
            {
                "ID": name,
                "Name": self.service,
                "Address": "127.0.0.1",
                "Port": server.server_address[1],
                "Tags": [ingress.TAG, half],
                "Check": {"TTL": "1h", "Status": "passing" if passing else "critical"},
            },
        )

    def kill(self, name: str) -> None:
        """The process is lost; the catalog does not know yet."""
        self.running[name].shutdown()
        self.running[name].server_close()

    def remove(self, name: str) -> None:
        """Take an instance out of the catalog, and end it."""
        self._put(f"service/deregister/{name}", None)
        self.kill(name)
        del self.running[name]

    def close(self) -> None:
        """Take all instances out of the catalog, and end them."""
        for name in tuple(self.running):
            self.remove(name)

    def _put(self, path: str, body: Any) -> None:
        requests.put(f"{self.consul.url}/v1/agent/{path}", json=body, timeout=5).raise_for_status()


def start(env: Environment, binary: Path, consul: Server, nomad: Server, folder: Path) -> Ingress:
    """The ingress job on a Nomad, with certificates of its own in a folder."""
    issuer = _issuer()
    _certificate(folder, issuer, certificates.operator(env))
    wanted = ports.HTTP, ports.HTTPS, ports.TRAEFIK_METRICS
    chosen = dict(zip(wanted, servers.free_ports(3), strict=True))
    job = _loopback(ingress_job.job(env, lambda *_: "0" * 64), binary, chosen, _secret(env, issuer))
    registration.settle(
        Client(nomad_api.Nomad(address=nomad.url)), job, report=lambda _: None, within=timedelta(seconds=60)
    )
    started = Ingress(
        env=env, consul=consul, ports=chosen, ca=folder / "ca.pem", client=(f"{folder}/cert.pem", f"{folder}/key.pem")
    )
    servers.until("its API answers", lambda: started.internal("/api/http/services").status == 200)
    return started


def _issuer() -> authority.Authority:
    key = authority.new_key()
    return authority.load(key, authority.root(key, "test"))


def _certificate(folder: Path, issuer: authority.Authority, leaf: certificates.Leaf) -> None:
    issued = issuer.issue(leaf)
    (folder / "ca.pem").write_text(issuer.pem)
    (folder / "cert.pem").write_text(issued.cert)
    (folder / "key.pem").write_text(issued.key)


def _secret(env: Environment, issuer: authority.Authority) -> dict[str, str]:
    issued = issuer.issue(ingress.leaf(env))
    return {"cert": issued.cert, "key": issued.key, "ca": issuer.pem, "serial": "1"}


def _loopback(job: spec.Job, binary: Path, chosen: dict[int, int], secret: dict[str, str]) -> spec.Job:
    [group] = job.task_groups
    [task] = group.tasks
    network = spec.Network(
        mode="host",
        reserved_ports=tuple(
            dataclasses.replace(port, static=chosen[port.static or 0])
            for each in group.networks or ()
            for port in each.reserved_ports or ()
        ),
    )
    loopback = dataclasses.replace(
        task,
        driver="raw_exec",
        user=None,
        config={"command": str(binary), "args": (task.config or {})["args"]},
        artifacts=None,
        vault=None,
        consul=None,
        identities=None,
        resources=spec.Resources(cpu=100, memory_mb=256),
        templates=tuple(_without_vault(template, chosen, secret) for template in task.templates or ()),
    )
    return dataclasses.replace(
        job,
        task_groups=(dataclasses.replace(group, networks=(network,), tasks=(loopback,), shutdown_delay=None),),
    )


def _without_vault(template: spec.Template, chosen: dict[int, int], secret: dict[str, str]) -> spec.Template:
    data = re.sub(
        r"\{\{ with secret \S+ }}\{\{ \.Data\.data\.(\w+) }}\{\{ end }}", lambda m: secret[m[1]], template.data or ""
    )
    for port, instead in chosen.items():
        data = data.replace(json.dumps(f":{port}"), json.dumps(f"127.0.0.1:{instead}"))
    return dataclasses.replace(template, data=data, uid=None, gid=None)
