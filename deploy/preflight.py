"""Everything that stands in the way is found before anything is touched, and said at once."""

import hashlib
import logging
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.deploy import deploy
from pyinfra.api.operation import operation
from pyinfra.context import host, state
from requests import RequestException

from configs import artifacts, preflight
from configs.environment import Environment
from configs.errors import SocleError
from configs.preflight import Report
from deploy import artifact_sources, guard
from deploy.facts.preflight import HostReport
from deploy.operations.barrier import barrier
from inventory import authority, environments, secrets
from inventory.access import Access

_log = logging.getLogger("pyinfra")

_reports: dict[str, Report | None] = {}


@deploy("Preflight")
def run() -> None:
    """Every host is asked; then one host's operation says all that was found and ends the run."""
    env = environments.current()
    asked(name="Ask every host what it is")
    barrier(name="Every host was asked")
    sound(name="Refuse what cannot work", env=env)


@operation()
def asked() -> Generator[str, None, None]:
    """Remember what the host says of itself; nothing is changed."""
    _reports[host.name] = host.get_fact(HostReport)
    yield from ()


@operation()
def sound(env: Environment) -> Generator[StringCommand, None, None]:
    """End the run, before anything is touched, with every finding of every host."""
    if state.is_executing and host.name == min(active.name for active in state.active_hosts):
        for finding in findings(env, _reports):
            guard.refuse(finding)
    yield from ()


def findings(env: Environment, reports: dict[str, Report | None]) -> tuple[str, ...]:
    """What stands in the way: hosts, secrets, artifacts."""
    answered = {name: report for name, report in reports.items() if report}
    found = [*_unreached(env, answered)]
    ca = None
    try:
        present = authority.find(secrets.open(env))
        ca = hashlib.sha256(present.pem.encode()).hexdigest() if present else None
    except SocleError as error:
        found.append(str(error))
    found.extend(preflight.findings(env, answered, ca))
    try:
        artifact_sources.Acquisition(env.artifacts, _log.info).all(artifacts.mirrored(env))
    except SocleError as error:
        found.append(str(error))
    return tuple(found)


def _unreached(env: Environment, answered: dict[str, Report]) -> Generator[str, None, None]:
    """A lost client does not keep a running environment from being mended; a new environment wants every host."""
    missing = [member for member in env.hosts if member.name not in answered]
    running = bool(missing) and _runs(env)
    for member in missing:
        if preflight.critical(member) or not running:
            yield (
                f"{member.name}: it cannot be reached, refuses the key, or sudo wants a password there - try "
                f"ssh {member.ssh.user or '<user>'}@{member.ssh.hostname or member.address} sudo -n true"
            )


def _runs(env: Environment) -> bool:
    try:
        return bool(Access.for_environment(env).consul(token="").status.leader())
    except (SocleError, RequestException):
        return False


def machines() -> dict[str, str]:
    """The machine IDs of the hosts that this run asked: a rebuilt host is another one."""
    return {name: report.machine_id for name, report in _reports.items() if report}
