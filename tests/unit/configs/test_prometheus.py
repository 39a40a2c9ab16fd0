"""What Prometheus is told."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
import yaml

from configs import prometheus
from configs.environment import Environment, Retention, Role
from inventory import environments


@pytest.fixture
def env() -> Environment:
    return environments.load("test")


def jobs(env: Environment) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in prometheus.config(env)["scrape_configs"]}


def hosts(job: dict[str, Any]) -> list[str]:
    return [target["labels"]["host"] for target in job["static_configs"]]


def test_everything_is_scraped_over_tls(env: Environment) -> None:
    for name, job in jobs(env).items():
        assert job["tls_config"]["ca_file"] == "/etc/socle/pki/ca.pem", name
        assert "insecure_skip_verify" not in job["tls_config"], name
        assert job.get("scheme", "https") == "https", name


def test_exporters_and_loki_are_shown_prometheus_own_certificate(env: Environment) -> None:
    for name in ("node", "collector", "loki"):
        assert jobs(env)[name]["tls_config"]["cert_file"] == "/etc/socle/pki/prometheus/cert.pem"


def test_every_host_has_its_exporters_scraped_and_every_role_its_servers(env: Environment) -> None:
    every = [host.name for host in env.hosts]
    found = {name: hosts(job) for name, job in jobs(env).items() if "static_configs" in job}
    assert found["node"] == found["collector"] == found["consul"] == every
    assert found["vault"] == [host.name for host in env.servers]
    assert found["nomad"] == [h.name for h in env.hosts if h.has(Role.SERVER) or h.has(Role.CLIENT)]
    assert found["traefik"] == [host.name for host in env.having(Role.INGRESS)]
    assert found["loki"] == found["prometheus"] == found["alertmanager"] == [env.monitor.name]


def test_the_control_plane_is_found_without_consul(env: Environment) -> None:
    assert [name for name, job in jobs(env).items() if "static_configs" not in job] == ["services"]


def test_services_are_scraped_often_enough_to_judge_a_canary(env: Environment) -> None:
    assert jobs(env)["services"]["scrape_interval"] == jobs(env)["traefik"]["scrape_interval"] == "5s"


def test_no_secret_stands_in_the_configuration(env: Environment) -> None:
    text = prometheus.dump(prometheus.config(env))
    assert "credentials_file: /etc/prometheus/secrets/consul-token" in text
    assert "password_file: /etc/prometheus/secrets/password" in text
    assert "credentials: " not in text
    assert "password: " not in text


def test_files_with_secrets_are_for_prometheus_alone() -> None:
    files = prometheus.secret_files(lambda: "pass", lambda: "hash", lambda: "token")
    assert {(file.user, file.group, file.mode) for file in files} == {("root", "prometheus", "640")}


def test_each_file_is_checked_before_it_takes_the_old_one_s_place(env: Environment) -> None:
    assert all(file.check for file in prometheus.live_files(env))


def test_the_configuration_follows_the_rules_it_names(env: Environment) -> None:
    assert prometheus.live_files(env)[-1].path == prometheus.CONFIG


def test_metrics_are_kept_as_long_and_as_large_as_the_environment_says(env: Environment) -> None:
    kept = dataclasses.replace(env, retention=Retention(metrics=timedelta(days=2), metrics_mib=512))
    options = prometheus.service_files(kept)[0].text()
    assert "--storage.tsdb.retention.time=172800s" in options
    assert "--storage.tsdb.retention.size=512MB" in options


def test_anything_else_of_prometheus_can_be_said(env: Environment) -> None:
    more = dataclasses.replace(env, extra={"prometheus": {"global": {"scrape_interval": "30s"}}})
    document = prometheus.config(more)
    assert document["global"]["scrape_interval"] == "30s"
    assert document["global"]["evaluation_interval"] == "15s"


def test_options_need_no_quotes_of_the_unit_s_environment_file(env: Environment) -> None:
    for file in (prometheus.service_files(env)[0], prometheus.node_exporter_files()[1]):
        value = file.text().removeprefix('ARGS="').removesuffix('"\n')
        assert not set(value) & set("\"'\\"), file.path


def test_shared_parts_are_written_out(env: Environment) -> None:
    text = prometheus.dump(prometheus.config(env))
    assert "&id" not in text
    assert yaml.safe_load(text) == prometheus.config(env)
