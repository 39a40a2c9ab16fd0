"""Checks are measured with a real Prometheus and a real Loki, well and unwell."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import prometheus_client
import pytest
import requests

from configs import certificates, ingress, loki, prometheus
from configs.environment import Environment
from jobs.rollout.checks import Check, Expression, Latency, LogLines, SuccessRate
from jobs.rollout.metrics import Metrics, Subject
from jobs.rollout.verdicts import Measurement, Verdict
from tests.integration import servers
from tests.integration.conftest import Binary
from tests.integration.servers import Server

CANARY, STABLE = "web-canary@file", "web-stable@file"
ALLOCATION = {"ID": "0a1b2c3d-0000-4000-8000-000000000001"}


class Ingress:
    """What Traefik exports, at a port of its own: the very names and labels, counted by a test."""

    def __init__(self, port: int) -> None:
        self.target = f"127.0.0.1:{port}"
        self.registry = prometheus_client.CollectorRegistry()
        labels = ("service", "code")
        self.requests = prometheus_client.Counter("traefik_service_requests", "-", labels, registry=self.registry)
        self.durations = prometheus_client.Histogram(
            "traefik_service_request_duration_seconds", "-", labels, buckets=ingress.BUCKETS, registry=self.registry
        )
        self.number = prometheus_client.Gauge("number", "-", ("which",), registry=self.registry)
        self.server, self.thread = prometheus_client.start_http_server(port, "127.0.0.1", self.registry)

    def served(self, half: str, count: int, *, code: str = "200", seconds: float = 0.02) -> None:
        """Requests that a half answered."""
        self.requests.labels(half, code).inc(count)
        for _ in range(count):
            self.durations.labels(half, code).observe(seconds)

    def forget(self, half: str) -> None:
        """As Traefik does when a half leaves its routes."""
        for code in ("200", "500"):
            self.requests.remove(half, code)
            self.durations.remove(half, code)

    def stop(self) -> None:
        """It is gone, and its counters with it."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@dataclasses.dataclass
class World:
    """Prometheus, two ingresses that it scrapes, and what measures."""

    prometheus: Server
    ingresses: tuple[Ingress, Ingress]
    loki: str = "http://127.0.0.1:9"
    session: requests.Session = dataclasses.field(default_factory=requests.Session)

    @property
    def metrics(self) -> Metrics:
        """What measures with it."""
        self.session.trust_env = False
        return Metrics((self.prometheus.url, self.session), (self.loki, self.session))

    def scraped(self) -> float:
        """Wait until every ingress was scraped from now on; the time then."""
        since = time.time()

        def done() -> bool:
            answer = self.prometheus.get('/api/v1/query?query=timestamp(up{job="traefik"})')
            stamps = [float(each["value"][1]) for each in answer["data"]["result"]]
            return len(stamps) == len(self.ingresses) and min(stamps) > since

        servers.until("both ingresses are scraped", done)
        return time.time()

    def last_scrape(self, of: Ingress) -> float:
        """When an ingress was found the last time."""
        query = f'max_over_time((timestamp(up{{instance="{of.target}"}}) * up)[30s:100ms])'
        result = self.prometheus.get(f"/api/v1/query?query={quote(query)}")["data"]["result"]
        return float(result[0]["value"][1])

    def measure(self, check: Check, began: float, **more: Any) -> Measurement:
        """One check of a step that began then."""
        return self.metrics.measure(check, subject(began, **more))


def subject(began: float, **more: Any) -> Subject:
    given: dict[str, Any] = {
        "job": "web", "service": "web", "canaries": (ALLOCATION,), "stables": (), "began": began, "now": time.time(),
        "weight": 10, "alpha": 1e-4,
    }  # fmt: skip
    return Subject(**{**given, **more})


@pytest.fixture(scope="module")
def world(tool: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    folder = tmp_path_factory.mktemp("prometheus")
    port, *exported = servers.free_ports(3)
    first, second = (Ingress(each) for each in exported)
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [
            {"job_name": "traefik", "static_configs": [{"targets": [first.target, second.target]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [
        tool("prometheus"), "--config.file=prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with servers.running(
        command, folder, addresses={"http": url}, healthy=lambda: requests.get(f"{url}/-/ready", timeout=2).ok
    ) as server:
        yield World(server, (first, second))
    first.stop()
    second.stop()


@pytest.fixture
def began(world: World) -> float:
    """When a step began: both ingresses were scraped before, and nothing of a canary is left."""
    for each in world.ingresses:
        each.forget(CANARY)
        each.forget(STABLE)
    return world.scraped()


def test_every_request_since_the_step_began_is_counted_once_at_all_ingresses(world: World, began: float) -> None:
    one, two = world.ingresses
    one.served(CANARY, 60)
    one.served(CANARY, 1, code="500")
    two.served(CANARY, 39)
    two.served(STABLE, 900)
    world.scraped()
    measured = world.measure(SuccessRate(), began)
    assert measured.verdict is Verdict.PASS, measured.reason
    assert [measured.numbers[name] for name in ("requests", "failed", "stable_requests")] == [100, 1, 900]


def test_a_bad_canary_fails_and_the_reason_has_its_numbers(world: World, began: float) -> None:
    one, two = world.ingresses
    one.served(CANARY, 95)
    two.served(CANARY, 6, code="500")
    one.served(STABLE, 900)
    world.scraped()
    measured = world.measure(SuccessRate(), began)
    assert measured.verdict is Verdict.FAIL
    assert measured.reason.startswith("6 of 101 requests failed (5.94%)")
    assert "traefik_service_requests_total" in measured.query


def test_what_an_earlier_canary_served_is_not_this_one_s(world: World, began: float) -> None:
    one, _ = world.ingresses
    one.served(CANARY, 5000, code="500")
    world.scraped()
    one.forget(CANARY)
    step = world.scraped()
    one.served(CANARY, 70)
    one.served(STABLE, 600)
    world.scraped()
    measured = world.measure(SuccessRate(), step)
    assert (measured.verdict, measured.numbers["requests"]) == (Verdict.PASS, 70), f"since {began}: {measured.reason}"


def test_what_failed_while_the_canary_was_being_lost_is_not_counted_when_it_is_back(world: World, began: float) -> None:
    one, _ = world.ingresses
    one.served(CANARY, 60, code="500")
    step = time.time()
    assert step > began
    world.scraped()
    one.served(CANARY, 70)
    one.served(STABLE, 600)
    world.scraped()
    assert world.measure(SuccessRate(), step).verdict is Verdict.FAIL
    measured = world.measure(SuccessRate(), step, again=True)
    assert (measured.verdict, measured.numbers["requests"]) == (Verdict.PASS, 70), measured.reason


def test_a_canary_slow_by_two_fails(world: World, began: float) -> None:
    one, two = world.ingresses
    for each in (one, two):
        each.served(STABLE, 450, seconds=0.022)
        each.served(CANARY, 55, seconds=0.044)
    world.scraped()
    measured = world.measure(Latency(), began)
    assert measured.verdict is Verdict.FAIL, measured.reason
    assert measured.numbers["times"] == pytest.approx(2.0)


def test_no_traffic_is_no_data(world: World, began: float) -> None:
    assert world.measure(SuccessRate(), began).verdict is Verdict.NO_DATA
    assert world.measure(Latency(), began).verdict is Verdict.NO_DATA
    assert world.metrics.share(subject(began)).verdict is Verdict.NO_DATA


def test_the_share_leaves_out_what_was_served_before_its_weight_was_in_force(world: World, began: float) -> None:
    one, two = world.ingresses
    one.served(STABLE, 5000)
    step = time.time()
    assert step > began
    world.scraped()
    one.served(STABLE, 450)
    two.served(STABLE, 450)
    one.served(CANARY, 98)
    world.scraped()
    measured = world.metrics.share(subject(step))
    assert measured.verdict is Verdict.PASS, measured.reason
    assert (measured.numbers["canary"], measured.numbers["stable"]) == (98, 900)


def test_an_ingress_that_is_down_is_named_and_the_others_are_judged(world: World, began: float) -> None:
    one, two = world.ingresses
    one.served(CANARY, 60)
    one.served(STABLE, 540)
    world.scraped()
    two.stop()
    gone = time.time()
    try:
        servers.until("the other one is scraped", lambda: world.last_scrape(one) > gone + 2)
        measured = world.measure(SuccessRate(), began, now=gone + 17)
    finally:
        world.ingresses = (one, Ingress(int(two.target.split(":")[1])))
    assert (measured.verdict, measured.numbers["requests"]) == (Verdict.PASS, 60)
    assert f"(without {two.target}: not scraped)" in measured.reason


def test_old_counts_pass_nothing_when_no_ingress_is_scraped_any_more(world: World, began: float) -> None:
    world.ingresses[0].served(CANARY, 60)
    world.ingresses[0].served(STABLE, 540)
    world.scraped()
    assert world.measure(SuccessRate(), began, now=time.time() + 60).verdict is Verdict.ERROR


def test_the_requests_of_a_job_without_a_service_are_an_error(world: World, began: float) -> None:
    measured = world.measure(SuccessRate(), began, service=None)
    assert (measured.verdict, measured.reason) == (
        Verdict.ERROR, "web has no service behind the ingress, so its requests are not known"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "verdict", "part"),
    [
        ('number{which="half"}', Verdict.PASS, "0.5, to be at most 0.7"),
        ('scalar(number{which="half"})', Verdict.PASS, "0.5"),
        ('number{which="half"} * 2', Verdict.FAIL, "1, to be at most 0.7"),
        ("number{which='none'}", Verdict.NO_DATA, "empty"),
        ("number", Verdict.ERROR, "6 series"),
        ('number{which="nan"}', Verdict.ERROR, "NaN, which is no finite number"),
        ('number{which="inf"}', Verdict.ERROR, "+Inf, which is no finite number"),
        ('0 / number{which="zero"}', Verdict.ERROR, "NaN"),
        ('"text"', Verdict.ERROR, "a string, and one number is needed"),
        ('number{which="half"}[5m]', Verdict.ERROR, "a matrix"),
        ("number{", Verdict.ERROR, "400"),
        ("number * on(job) number", Verdict.ERROR, "422"),
        ('number{which="half"} $nothing', Verdict.ERROR, "nothing"),
    ],
)
def test_an_expression_is_exactly_one_finite_number(world: World, query: str, verdict: Verdict, part: str) -> None:
    values = {"half": 0.5, "zero": 0, "nan": float("nan"), "inf": float("inf")}
    one, two = world.ingresses
    for name, value in values.items():
        one.number.labels(name).set(value)
    for name in ("other", "another"):
        two.number.labels(name).set(1)
    now = world.scraped()
    measured = world.measure(Expression(name="x", query=query, at_most=0.7), now - 10)
    assert (measured.verdict, part in measured.reason) == (verdict, True), measured.reason


def test_the_names_in_an_expression_are_replaced(world: World, began: float) -> None:
    world.ingresses[0].served(CANARY, 7)
    now = world.scraped()
    query = 'last_over_time(traefik_service_requests_total{service="$service-canary@file", job!="$job"}[$window])'
    measured = world.measure(Expression(name="x", query=query, at_least=7), began, now=now)
    assert (measured.verdict, measured.numbers) == (Verdict.PASS, {"value": 7})


CHECKS = (SuccessRate(), Latency(), Expression(name="x", query="vector(1)", at_most=1))


def test_a_prometheus_that_does_not_answer_is_an_error_and_waited_for_once(world: World, began: float) -> None:
    metrics, asked = world.metrics, subject(began)
    with servers.frozen(world.prometheus.process):
        start = time.monotonic()
        measured = [*(metrics.measure(check, asked) for check in CHECKS), metrics.share(asked)]
        took = time.monotonic() - start
    found = {(each.verdict, each.reason) for each in measured}
    assert found == {(Verdict.ERROR, "Prometheus did not answer within 3 s")}
    assert took < 5
    assert metrics.share(subject(began)).verdict is Verdict.NO_DATA


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.kind)
@pytest.mark.parametrize(
    ("path", "part"), [("refused", "is not reached"), ("/nothing", "answered 404"), ("exporter", "not of a query API")]
)
def test_what_is_no_prometheus_is_an_error(world: World, began: float, check: Check, path: str, part: str) -> None:
    urls = {
        "refused": f"http://127.0.0.1:{servers.free_ports(1)[0]}",
        "/nothing": f"{world.prometheus.url}/nothing",
        "exporter": f"http://{world.ingresses[0].target}",
    }
    metrics = Metrics((urls[path], world.session), (urls[path], world.session))
    for measured in (metrics.measure(check, subject(began)), metrics.share(subject(began))):
        assert (measured.verdict, part in measured.reason) == (Verdict.ERROR, True), measured.reason


@pytest.fixture(scope="module")
def logs(
    tmp_path_factory: pytest.TempPathFactory, loopback: Environment, pki: Path, binary: Binary
) -> Iterator[tuple[Server, requests.Session]]:
    """Loki with a host's own configuration, and a session that it lets in."""
    folder = tmp_path_factory.mktemp("loki")
    port, grpc = servers.free_ports(2)
    extra = {"loki": {"server": {"http_listen_port": port, "grpc_listen_port": grpc}}}
    text = prometheus.dump(loki.config(dataclasses.replace(loopback, extra=extra)))
    text = text.replace(certificates.FOLDER, str(pki)).replace(loki.DATA, str(folder / "data"))
    (folder / "loki.yml").write_text(text)
    session = requests.Session()
    session.trust_env = False
    session.verify = str(pki / "ca.pem")
    session.cert = (str(pki / "loki" / "cert.pem"), str(pki / "loki" / "key.pem"))
    url = f"https://127.0.0.1:{port}"
    ready: Callable[[], object] = lambda: session.get(f"{url}/ready", timeout=2).ok  # noqa: E731
    with servers.running(
        [binary("loki"), "-config.file=loki.yml"], folder, addresses={"http": url}, healthy=ready, within_s=60
    ) as server:
        yield server, session


def log(logs: tuple[Server, requests.Session], allocation: str, *lines: str) -> None:
    server, session = logs
    now = time.time_ns()
    stream = {
        "stream": {"job": "web", "alloc_id": allocation},
        "values": [[str(now - 1_000_000 * number), line] for number, line in enumerate(lines)],
    }
    answer = session.post(f"{server.url}/loki/api/v1/push", json={"streams": [stream]}, timeout=5)
    answer.raise_for_status()


def logged(
    logs: tuple[Server, requests.Session], allocation: str, check: LogLines, began: float | None = None
) -> Measurement:
    server, session = logs
    metrics = Metrics((server.url, session), (server.url, session))
    canary = {"ID": allocation, "CreateTime": (time.time_ns() - 60 * 10**9)}
    return metrics.measure(check, subject(began or time.time() - 30, canaries=(canary,)))


def test_matching_lines_of_the_canary_are_counted(logs: tuple[Server, requests.Session]) -> None:
    log(logs, "c-1", "all well", 'ERROR: no "such" thing', "an error")
    log(logs, "s-1", *["error"] * 9)
    servers.until("it is found", lambda: logged(logs, "c-1", LogLines()).verdict is Verdict.FAIL)
    assert logged(logs, "c-1", LogLines()).numbers == {"lines": 2}
    assert logged(logs, "c-1", LogLines(matching='no "such"')).numbers == {"lines": 1}
    assert logged(logs, "c-1", LogLines(matching='|= "well"', at_most=1)).verdict is Verdict.PASS


def test_a_canary_whose_lines_arrive_and_do_not_match_passes(logs: tuple[Server, requests.Session]) -> None:
    log(logs, "c-2", "all well")
    servers.until("it is found", lambda: logged(logs, "c-2", LogLines()).verdict is Verdict.PASS)
    assert logged(logs, "c-2", LogLines()).numbers == {"lines": 0, "all_lines": 1}


def test_a_canary_without_any_line_is_no_data(logs: tuple[Server, requests.Session]) -> None:
    assert logged(logs, "c-3", LogLines()).verdict is Verdict.NO_DATA


def test_lines_from_before_the_step_are_not_the_step_s(logs: tuple[Server, requests.Session]) -> None:
    log(logs, "c-4", "error at the start")
    servers.until("it is found", lambda: logged(logs, "c-4", LogLines()).verdict is Verdict.FAIL)
    later = time.time()
    servers.until("a second passes", lambda: time.time() > later + 1.1)
    assert logged(logs, "c-4", LogLines(), began=time.time() - 0.5).verdict is Verdict.PASS


@pytest.mark.parametrize("matching", ["a(b", "| nonsense |"])
def test_an_expression_that_loki_refuses_is_an_error_with_loki_s_words(
    logs: tuple[Server, requests.Session], matching: str
) -> None:
    measured = logged(logs, "c-1", LogLines(matching=matching))
    assert (measured.verdict, "Loki answered 400: " in measured.reason) == (Verdict.ERROR, True), measured.reason


def test_a_loki_that_does_not_answer_is_an_error(logs: tuple[Server, requests.Session]) -> None:
    server, _ = logs
    with servers.frozen(server.process):
        measured = logged(logs, "c-1", LogLines())
    assert (measured.verdict, measured.reason) == (Verdict.ERROR, "Loki did not answer within 3 s")
