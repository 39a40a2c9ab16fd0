"""Fixtures of the cluster tests: fleets of local hosts, their end, and their journals when a test fails.

A test asks `fleet_of(env)` for the bare hosts of an environment, `bring_up(inventory)` for an environment that is up,
`cluster` for the one that the stories share (tests.cluster.cluster), `converge(inventory)` for a run of pyinfra
(tests.cluster.convergence), `ssh.run(host, script)` for what a host says (vagrant.ssh), and
`wait(what, probe, bound_s=...)` for a condition (vagrant.waiting).

With SOCLE_REUSE=1 the hosts that are there are taken as they are and left behind: for those who write a story.
"""

import os
from collections.abc import Callable, Generator, Iterator

import pytest

from configs.environment import Environment
from inventory import environments
from tests.cluster import journals
from tests.cluster.cluster import Cluster
from vagrant import down
from vagrant.hosts import Fleet
from vagrant.progress import Progress

FleetOf = Callable[[Environment], Fleet]
BringUp = Callable[[str], Cluster]

SHARED = "inventory/test.py"
REUSE = bool(os.environ.get("SOCLE_REUSE"))

SAID = 1500
"""Characters of a failed test's message that are said once more at the end."""

_fleets: dict[str, Fleet] = {}


@pytest.fixture(scope="session")
def fleet_of() -> Iterator[FleetOf]:
    """Makes the bare hosts of an environment once a session; all are removed at its end, with their secrets."""

    def make(env: Environment) -> Fleet:
        if env.name not in _fleets:
            if not REUSE:
                Fleet(env).destroy()
            _fleets[env.name] = Fleet(env)
            _fleets[env.name].ensure()
        return _fleets[env.name]

    yield make
    while _fleets:
        _, fleet = _fleets.popitem()
        if not REUSE:
            down.down(fleet.env, Progress())


@pytest.fixture(scope="session")
def bring_up(fleet_of: FleetOf) -> BringUp:
    """Brings an environment up from bare hosts, or as it is in a session that has it already."""

    def up(inventory: str) -> Cluster:
        env = environments.load(inventory)
        made = Cluster(inventory=inventory, env=env, fleet=fleet_of(env))
        made.run()
        return made

    return up


@pytest.fixture(scope="session")
def cluster(bring_up: BringUp) -> Cluster:
    """The environment `test`, with the sample service on it: one for all stories of the session."""
    shared = bring_up(SHARED)
    shared.jobs("run", "web")
    return shared


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the journals of all hosts into the report of a failed test."""
    report = yield
    if report.failed:
        for name, fleet in _fleets.items():
            report.sections.append((f"journals of {name} after {item.name}", journals.tails(fleet)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once more, after all journals and within a screen, what each failed test insisted on."""
    for report in (*terminalreporter.getreports("error"), *terminalreporter.getreports("failed")):
        crash = getattr(report.longrepr, "reprcrash", None)
        terminalreporter.write_line(f"{report.nodeid}: {crash.message[:SAID] if crash else report.longrepr}")
