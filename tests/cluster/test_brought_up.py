"""Brought up by one command; a second run, and each phase by itself, changes nothing."""

import pytest

from tests.cluster import snapshot
from tests.cluster.cluster import Cluster

PHASES = (
    "deploy.preflight.run",
    "deploy.base.run",
    "deploy.pki.run",
    "deploy.artifacts.run",
    "deploy.consul.run",
    "deploy.vault.run",
    "deploy.nomad.servers",
    "deploy.identity.run",
    "deploy.nomad.clients",
    "deploy.loki.run",
    "deploy.prometheus.run",
    "deploy.logs.run",
    "deploy.ingress.run",
    "deploy.controller.run",
)


def test_the_environment_is_healthy_and_no_unit_has_failed(cluster: Cluster) -> None:
    assert "checks are well" in cluster.python("deploy.status", cluster.inventory)
    for host in cluster.env.hosts:
        assert cluster.ssh(host, "systemctl --failed --no-legend --plain") == ""


def test_a_second_run_reports_no_change_and_makes_none(cluster: Cluster) -> None:
    def look() -> list[object]:
        return [snapshot.of_apis(cluster.access), *(snapshot.of_host(host, data=False) for host in cluster.env.hosts)]

    before = look()
    done = cluster.run()
    assert (done.changes, done.errors) == ({}, {})
    assert look() == before


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_runs_by_itself_and_has_nothing_to_do(cluster: Cluster, phase: str) -> None:
    assert cluster.run(phase).changes == {}
