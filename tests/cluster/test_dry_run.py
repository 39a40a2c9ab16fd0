"""A dry run tells the truth and changes nothing: on a bare host, and on an environment that is up."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from configs.environment import Environment
from deploy import health
from inventory import environments, operators
from tests.cluster import convergence, snapshot
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import FleetOf
from tests.cluster.convergence import Convergence
from vagrant.waiting import wait

BARE = "tests/cluster/bare/inventory.py"
DRY = ("--dry", "deploy/cluster.py")
WELL_S = 120.0
PHASES = {
    "Base",
    "PKI",
    "Artifacts",
    "Consul",
    "Vault",
    "Nomad servers",
    "Workload identity",
    "Nomad clients",
    "Loki",
    "Prometheus",
    "Logs",
    "Ingress",
    "Controller",
    "Verify",
}


@pytest.fixture
def bare(fleet_of: FleetOf) -> Environment:
    env = environments.load(BARE)
    fleet_of(env)
    return env


def secrets_files(env: Environment) -> list[str]:
    return [path.name for path in operators.folder().glob(f"{env.name}.*")]


def unchanged(look: Callable[[], object], run: Callable[[], Convergence]) -> Convergence:
    before = look()
    done = run()
    assert look() == before
    return done


def test_on_a_bare_host_it_lists_every_phase_and_changes_nothing(bare: Environment) -> None:
    (host,) = bare.hosts
    done = unchanged(lambda: snapshot.of_host(host, data=True), lambda: convergence.run(BARE, *DRY))
    assert done.status == 0, done.log
    assert {name.split(" | ")[0] for name in done.plan} == PHASES
    assert done.report["results"] is None
    assert secrets_files(bare) == []


def test_a_person_gets_the_plan_as_a_table(bare: Environment) -> None:
    command = [sys.executable, "-m", "pyinfra", "--dry", BARE, "deploy/cluster.py"]
    done = subprocess.run(command, cwd=convergence.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Vault | Have Vault initialised once" in done.stderr
    assert secrets_files(bare) == []


def test_on_an_environment_that_is_up_it_plans_nothing_and_changes_nothing(cluster: Cluster) -> None:
    def look() -> object:
        return [snapshot.of_apis(cluster.access), *(snapshot.of_host(host, data=False) for host in cluster.env.hosts)]

    well(cluster)
    done = unchanged(look, lambda: convergence.run(cluster.inventory, *DRY))
    assert done.status == 0, done.log
    assert done.plan == {}


def test_it_plans_what_the_run_then_does(cluster: Cluster) -> None:
    host = cluster.env.servers[0]
    well(cluster)
    cluster.ssh(host, "rm /etc/logrotate.d/vault /etc/sysctl.d/90-socle.conf")
    planned = convergence.run(cluster.inventory, *DRY).plan
    assert planned == cluster.run().changes
    assert {name.split(" | ")[0] for name in planned} == {"Vault", "Base"}


def well(cluster: Cluster) -> None:
    """Wait until every check is well: one that is not at this very moment would be planned to be waited for."""
    wait("every check is well", lambda: all(check.ok for check in health.checks(cluster.env)), bound_s=WELL_S)
