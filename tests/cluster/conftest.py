"""Fixtures of the cluster tests: fleets of local hosts, their end, and their journals when a test fails.

A test asks `fleet_of(env)` for the bare hosts of an environment, `cluster` for the one that the stories share
(tests.cluster.cluster), `converge(inventory)` for a run of pyinfra (tests.cluster.convergence), `ssh.run(host, script)`
for what a host says (vagrant.ssh), and `wait(what, probe, bound_s=...)` for a condition (vagrant.waiting).

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

SHARED = "inventory/test.py"
REUSE = bool(os.environ.get("SOCLE_REUSE"))

SAID = 1500
"""Characters of a failed test's message that are said once more at the end."""

_fleets: dict[str, Fleet] = {}


@pytest.fixture(scope="session")
def fleet_of() -> Iterator[FleetOf]:
    """Makes the bare hosts of an environment, once."""

    def make(env: Environment) -> Fleet:
        if env.name not in _fleets:
            if not REUSE:
                Fleet(env).destroy()
            _fleets[env.name] = Fleet(env)
            _fleets[env.name].ensure()
        return _fleets[env.name]

    yield make
    _remove(*_fleets)


@pytest.fixture(scope="module", autouse=True)
def only_the_shared_fleet_stays() -> Iterator[None]:
    """Removes the hosts of a story at its end: they would take the processors of the next one."""
    yield
    _remove(*(name for name in _fleets if name != environments.load(SHARED).name))


@pytest.fixture(scope="session")
def cluster(fleet_of: FleetOf) -> Cluster:
    """The environment `test`, brought up from bare hosts, with the sample service on it: one for all stories."""
    env = environments.load(SHARED)
    shared = Cluster(inventory=SHARED, env=env, fleet=fleet_of(env))
    shared.run()
    shared.jobs("run", "web")
    return shared


def _remove(*names: str) -> None:
    """Remove fleets with their secrets."""
    for fleet in [_fleets.pop(name) for name in names]:
        if not REUSE:
            down.down(fleet.env, Progress())


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
