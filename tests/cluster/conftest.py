"""Fixtures of the cluster tests: fleets of local hosts, their end, and their journals when a test fails.

A test asks `fleet_of(env)` for the hosts of an environment, `converge(inventory)` for a run of pyinfra
(tests.cluster.convergence), `ssh.run(host, script)` for what a host says (vagrant.ssh), and
`wait(what, probe, bound_s=...)` for a condition (vagrant.waiting).
"""

from collections.abc import Callable, Generator, Iterator

import pytest

from configs.environment import Environment
from tests.cluster import journals
from vagrant import down
from vagrant.hosts import Fleet
from vagrant.progress import Progress

FleetOf = Callable[[Environment], Fleet]

_fleets: dict[str, Fleet] = {}


@pytest.fixture(scope="session")
def fleet_of() -> Iterator[FleetOf]:
    """Makes the hosts of an environment once a session; all are removed at its end, with the environment's secrets."""

    def make(env: Environment) -> Fleet:
        if env.name not in _fleets:
            _fleets[env.name] = Fleet(env)
            _fleets[env.name].ensure()
        return _fleets[env.name]

    yield make
    while _fleets:
        _, fleet = _fleets.popitem()
        down.down(fleet.env, Progress())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the journals of all hosts into the report of a failed test."""
    report = yield
    if report.failed:
        for name, fleet in _fleets.items():
            report.sections.append((f"journals of {name} after {item.name}", journals.tails(fleet)))
    return report
