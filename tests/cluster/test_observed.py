"""What watches an environment: everything is scraped, every line arrives, a fault is told of within a minute."""

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from configs import certificates, loki, ports, prometheus
from tests.cluster import convergence
from tests.cluster.cluster import Cluster
from vagrant.waiting import wait

REFUSED = "tests/cluster/refused/inventory.py"
WATCHERS = ("loki", "collector", "prometheus", "prometheus-alertmanager")


def targets(cluster: Cluster) -> list[dict[str, Any]]:
    answer = cluster.access.session("prometheus").get(f"{cluster.access.url('prometheus')}/api/v1/targets")
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["activeTargets"]
    return found


def firing(cluster: Cluster) -> set[str]:
    """The alerts that reached Alertmanager."""
    answer = cluster.access.session("alertmanager").get(f"{cluster.access.url('alertmanager')}/api/v2/alerts")
    answer.raise_for_status()
    return {alert["labels"]["alertname"] for alert in answer.json()}


def streams(cluster: Cluster, selector: str) -> list[dict[str, Any]]:
    answer = cluster.access.session("loki").get(
        f"{cluster.access.url('loki')}/loki/api/v1/query_range", params={"query": selector, "limit": "100"}
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def index_labels(stream: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in stream["stream"].items() if key in loki.LABELS}


def test_everything_is_scraped(cluster: Cluster) -> None:
    wanted = {(j["job_name"], t["labels"]["host"]) for j in _static(cluster) for t in j["static_configs"]}

    def scraped() -> bool:
        found = targets(cluster)
        assert {t["health"] for t in found} == {"up"}, [t["lastError"] for t in found if t["health"] != "up"]
        return wanted <= {(t["labels"]["job"], t["labels"]["host"]) for t in found}

    assert wait("all targets are up", scraped, bound_s=60)


def _static(cluster: Cluster) -> list[dict[str, Any]]:
    return [job for job in prometheus.config(cluster.env)["scrape_configs"] if "static_configs" in job]


def test_a_service_that_asks_for_it_is_scraped_with_the_labels_a_rollout_selects_by(cluster: Cluster) -> None:
    found = wait(
        "web is scraped", lambda: [t for t in targets(cluster) if t["labels"].get("service") == "web"], bound_s=30
    )
    clients = {host.name for host in cluster.env.clients}
    for target in found:
        assert target["labels"]["half"] == "stable"
        assert target["labels"]["host"] in clients
        assert len(target["labels"]["alloc"]) == 36


def test_a_line_of_every_host_s_journal_arrives_with_its_labels(cluster: Cluster) -> None:
    words = f"observed at {time.time_ns()}"
    for host in cluster.env.hosts:
        cluster.ssh(host, f"systemd-run --quiet --wait --unit=observed echo {words}")
    for host in cluster.env.hosts:
        selector = f'{{host="{host.name}", unit="observed.service"}} |= "{words}"'
        (stream, *_) = wait(f"{host.name}'s line", partial(streams, cluster, selector), bound_s=30)
        assert index_labels(stream) == {"env": cluster.env.name, "host": host.name, "unit": "observed.service"}


def test_a_task_s_lines_arrive_with_its_labels(cluster: Cluster) -> None:
    (stream, *_) = wait("lines of web", lambda: streams(cluster, '{job="web"}'), bound_s=30)
    labels = index_labels(stream)
    assert set(labels) == {"env", "host", *loki.TASK_LABELS}
    assert (labels["namespace"], labels["job"], labels["env"]) == ("default", "web", cluster.env.name)


def test_a_document_that_its_program_refuses_is_not_put_in_place_and_the_server_runs_on(cluster: Cluster) -> None:
    def starts(host: str) -> str:
        return cluster.ssh(host, f"systemctl show -p MainPID,ActiveState {' '.join(WATCHERS)}")

    monitor = cluster.env.monitor.name
    before = starts(monitor)
    for phase in ("loki", "prometheus", "logs"):
        done = convergence.run(
            REFUSED, "--limit", monitor, f"deploy.{phase}.run", environment={"INVENTORY": cluster.inventory}
        )
        assert "no_such_setting" in done.log
        assert done.status != 0
    assert starts(monitor) == before
    cluster.run("deploy.loki.run")


def test_a_renewed_certificate_is_in_use_after_the_same_run(cluster: Cluster) -> None:
    monitor = cluster.env.monitor
    cluster.ssh(monitor, f"rm {certificates.cert('loki')} {certificates.cert('collector')}")
    cluster.run()
    for service, port in (("loki", ports.LOKI), ("collector", ports.COLLECTOR_METRICS)):
        on_disk = cluster.ssh(monitor, f"openssl x509 -noout -serial -in {certificates.cert(service)}")
        served = f"openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -serial"
        assert wait(f"{service} serves", partial(cluster.ssh, monitor, served), bound_s=30) == on_disk


@pytest.fixture
def sealed(cluster: Cluster) -> Iterator[str]:
    """A server whose Vault was started anew, and so is sealed; the next run unseals it."""
    host = cluster.env.servers[-1].name
    cluster.ssh(host, "systemctl restart vault")
    yield host
    cluster.run()


def test_a_sealed_vault_is_told_of_within_a_minute(cluster: Cluster, sealed: str) -> None:
    began = time.monotonic()
    wait(f"the alert of {sealed}", lambda: "VaultSealed" in firing(cluster), bound_s=75)
    assert time.monotonic() - began < 60


def test_the_watchdog_always_fires(cluster: Cluster) -> None:
    assert wait("the watchdog", lambda: "Watchdog" in firing(cluster), bound_s=60)


def test_the_list_of_services_holds_what_consul_knows(cluster: Cluster) -> None:
    def listed() -> set[str]:
        entries = json.loads(cluster.ssh(cluster.env.monitor, f"cat {prometheus.TARGETS}"))
        return {entry["labels"]["service"] for entry in entries}

    def known() -> set[str]:
        _, services = cluster.access.consul().catalog.services()
        return {name for name, tags in services.items() if "metrics" in tags}

    wait("the list is Consul's", lambda: listed() == known(), bound_s=30)
    assert {"web", "controller"} <= listed()
