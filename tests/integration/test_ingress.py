"""The ingress job's routes and Traefik, rendered by a real Nomad from a real Consul.

The job is the one of jobs/ingress.py, but for the driver, the ports and where the certificate comes from.
"""

import dataclasses
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nomad as nomad_api
import pytest
import requests
import urllib3

from configs import certificates, ingress, ports
from configs.environment import Environment
from inventory import authority, environments
from jobs import ingress as ingress_job
from jobs.nomad import registration, spec
from jobs.nomad.client import Client
from tests.integration import servers
from tests.integration.conftest import Binary
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


@pytest.fixture(scope="module")
def traefik(binary: Binary, consul: Server, nomad: Server, tmp_path_factory: pytest.TempPathFactory) -> Ingress:
    env = environments.load("test")
    issuer = _issuer()
    folder = tmp_path_factory.mktemp("pki")
    _certificate(folder, issuer, certificates.operator(env))
    wanted = ports.HTTP, ports.HTTPS, ports.TRAEFIK_METRICS
    chosen = dict(zip(wanted, servers.free_ports(3), strict=True))
    job = _loopback(ingress_job.job(env, lambda *_: "0" * 64), binary("traefik"), chosen, _secret(env, issuer))
    registration.settle(
        Client(nomad_api.Nomad(address=nomad.url)), job, report=lambda _: None, within=timedelta(seconds=60)
    )
    return Ingress(
        env=env, consul=consul, ports=chosen, ca=folder / "ca.pem", client=(f"{folder}/cert.pem", f"{folder}/key.pem")
    )


@pytest.fixture
def web(traefik: Ingress) -> Iterator[Backends]:
    backends = Backends(traefik.consul, "web")
    yield backends
    backends.close()
    requests.delete(f"{traefik.consul.url}/v1/kv/{ingress.weights_key('web')}", timeout=5)
    servers.until("the route is gone", lambda: traefik.ask("web").status == 404)


def _answers(traefik: Ingress, service: str, count: int) -> dict[str, int]:
    name = f"{service}.{traefik.env.ingress_domain}"
    told: dict[str, int] = {}
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", traefik.ports[ports.HTTPS], ca_certs=str(traefik.ca), server_hostname=name, assert_hostname=name
    ) as pool:
        for _ in range(count):
            answer = pool.request("GET", "/", headers={"Host": name}, retries=False, timeout=10)
            key = answer.data.decode() if answer.status == 200 else str(answer.status)
            told[key] = told.get(key, 0) + 1
    return told


def test_traffic_is_split_exactly_by_the_weights_in_consul(traefik: Ingress, web: Backends) -> None:
    for name, half in (("stable-1", "live"), ("stable-2", "live"), ("canary-1", "canary")):
        web.add(name, half)
    traefik.weigh("web", ingress.weights(90, 10))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 90, "canary": 10})
    assert _answers(traefik, "web", 200) == {"stable-1": 90, "stable-2": 90, "canary-1": 20}


def test_without_weights_a_canary_gets_no_traffic(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    servers.until("both halves are there", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})
    assert _answers(traefik, "web", 50) == {"stable-1": 50}


def test_a_canary_that_goes_gives_all_back_to_the_stable_half_whatever_the_weights(
    traefik: Ingress, web: Backends
) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(0, 100))
    servers.until("the canary has all", lambda: traefik.weights("web") == {"stable": 0, "canary": 100})
    web.remove("canary-1")
    servers.until("stable stands alone", lambda: traefik.weights("web") == {"stable": 100})
    assert _answers(traefik, "web", 20) == {"stable-1": 20}


def test_a_canary_alone_serves_whatever_the_weights(traefik: Ingress, web: Backends) -> None:
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(100, 0))
    servers.until("the canary serves", lambda: traefik.ask("web").status == 200)
    assert _answers(traefik, "web", 20) == {"canary-1": 20}


@pytest.mark.parametrize("text", ["nonsense", '{"stable": 10}', '{"stable": 1e9, "canary": -1}', "{}", ""])
def test_weights_that_are_no_weights_count_as_none(traefik: Ingress, web: Backends, text: str) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(50, 50))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 50, "canary": 50})
    traefik.weigh("web", text)
    servers.until("the defaults are in force", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})


def test_two_weights_of_zero_do_not_stop_the_service(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(0, 0))
    servers.until("stable has all", lambda: traefik.weights("web") == {"stable": 1, "canary": 0})
    assert _answers(traefik, "web", 10) == {"stable-1": 10}


def test_an_instance_that_fails_its_check_gets_nothing(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("stable-2", "live", passing=False)
    servers.until("it serves", lambda: traefik.ask("web").status == 200)
    assert _answers(traefik, "web", 20) == {"stable-1": 20}


def test_a_service_without_a_passing_instance_is_unavailable_not_unknown(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live", passing=False)
    servers.until("it is unavailable", lambda: traefik.ask("web").status == 503)


def test_a_lost_instance_costs_no_request_while_another_of_its_half_lives(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("stable-2", "live")
    servers.until("both serve", lambda: len(_answers(traefik, "web", 4)) == 2)
    web.kill("stable-1")
    assert _answers(traefik, "web", 50) == {"stable-2": 50}


def test_a_service_named_like_a_half_is_left_out_and_harms_no_other(traefik: Ingress, web: Backends) -> None:
    clashing = Backends(traefik.consul, "web-stable")
    clashing.add("clash", "live")
    web.add("stable-1", "live")
    servers.until("the service serves", lambda: traefik.ask("web").status == 200)
    assert traefik.ask("web-stable").status == 404
    clashing.close()


def test_a_host_that_nobody_serves_is_not_found(traefik: Ingress) -> None:
    assert traefik.ask("nobody").status == 404


def test_plain_http_is_sent_to_https(traefik: Ingress) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{traefik.ports[ports.HTTP]}/path",
        headers={"Host": f"web.{traefik.env.ingress_domain}"},
        allow_redirects=False,
        timeout=5,
    )
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"].startswith(f"https://web.{traefik.env.ingress_domain}")


def test_answers_carry_the_security_headers(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    servers.until("it serves", lambda: traefik.ask("web").status == 200)
    headers = traefik.ask("web").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_of_each_half_are_told_to_holders_of_a_certificate(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(50, 50))
    servers.until("both serve", lambda: len(_answers(traefik, "web", 4)) == 2)
    text = traefik.internal("/metrics").data.decode()
    for half in ("stable", "canary"):
        assert re.search(rf'traefik_service_requests_total{{code="200".*service="web-{half}@file"}}', text)
        assert re.search(rf'_request_duration_seconds_bucket{{.*service="web-{half}@file",le="0.0025"}}', text)


@pytest.mark.parametrize("path", ["/metrics", "/api/rawdata"])
def test_without_a_certificate_the_internal_port_tells_nothing(traefik: Ingress, path: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        traefik.internal(path, certified=False)


@pytest.mark.parametrize("path", ["/metrics", "/api/rawdata"])
def test_a_connection_opened_for_another_name_does_not_reach_the_internal_routes(traefik: Ingress, path: str) -> None:
    assert traefik.internal(path, sni="localhost", certified=False).status in (404, 421)


def test_the_public_ports_tell_neither_metrics_nor_api(traefik: Ingress) -> None:
    name = ingress.NAME
    for path in ("/metrics", "/api/rawdata"):
        assert traefik.ask("web", path).status == 404
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", traefik.ports[ports.HTTPS], ca_certs=str(traefik.ca), server_hostname="localhost",
            assert_hostname="localhost",
        ) as pool:  # fmt: skip
            assert pool.request("GET", path, headers={"Host": name}, retries=False).status in (404, 421)


def test_a_weight_is_in_force_within_seconds(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    servers.until("both halves are there", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})
    begun = time.monotonic()
    traefik.weigh("web", ingress.weights(75, 25))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 75, "canary": 25})
    assert time.monotonic() - begun < 2.5


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
        config={"command": str(binary), "args": (task.config)["args"]},
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
