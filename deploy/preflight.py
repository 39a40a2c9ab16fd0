"""Everything that stands in the way is found before anything is touched, and said at once."""

import hashlib
import threading
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyinfra import logger
from pyinfra.api.deploy import deploy
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.facts import get_fact
from pyinfra.api.host import Host as Reached
from pyinfra.api.operation import operation
from pyinfra.api.state import State
from pyinfra.context import state

from configs import preflight
from configs.environment import Environment, Host
from configs.errors import ArtifactsError, PreflightError, SecretsError
from configs.preflight import Report
from deploy import artifacts
from deploy.facts.preflight import HostReport
from inventory import authority, environments, secrets

AGAIN_S = 5
"""How long a host that pyinfra did not reach is tried once more, for what it says, in seconds."""

_found: dict[State, tuple[str, ...]] = {}
_machines: dict[str, str] = {}
_one_at_a_time = threading.Lock()


@deploy("Preflight")
def run() -> None:
    """Ask every host once, while the run is being prepared; then acquire the artifacts before anything is touched.

    Raises:
        PreflightError: with every finding.
    """
    this = this_run()
    with _one_at_a_time:
        if this not in _found:
            _found[this] = findings(this)
    if _found[this]:
        raise PreflightError(_found[this])
    acquired(name="Acquire the artifacts")


@operation()
def acquired() -> Generator[str, None, None]:
    """Have every artifact on this machine, where -y did not have it acquired already."""
    if state.is_executing:
        artifacts.acquire(environments.current())
    yield from ()


def this_run() -> State:
    """The state of this run; what pyinfra.context offers stands for another one in another greenlet."""
    return state._get_module()  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001


def findings(this: State) -> tuple[str, ...]:
    """What stands in the way: hosts, secrets and, where the run will go on without asking, artifacts.

    A dry run and one that asks first acquire nothing yet: a build takes half an hour.
    """
    env = environments.current()
    members = [member for member in env.hosts if this.is_host_in_limit(this.inventory.get_host(member.name))]
    answers = _asked(this, members)
    reports = {name: answer for name, answer in answers.items() if isinstance(answer, Report)}
    _machines.update({name: report.machine_id for name, report in reports.items()})
    strangers, belongs = _membership(env, reports)
    found = [*_unreached(members, answers, belongs), *preflight.of_machines(env, reports), *strangers]
    if reports and not this.check_for_changes:
        found += _artifacts(env)
    return tuple(found)


def _asked(this: State, members: Sequence[Host]) -> dict[str, Report | str]:
    """Every host's report, or why there is none.

    All at once, and not in pyinfra's own pool, which the hosts that wait for this may fill.
    """
    with ThreadPoolExecutor(len(members)) as pool:
        answers = pool.map(_answer, members, [this.inventory.get_host(member.name) for member in members])
        return {member.name: answer for member, answer in zip(members, answers, strict=True)}


def _answer(member: Host, connection: Reached) -> Report | str:
    if not connection.connected:
        return _why(member, connection)
    report: Report | None = get_fact(
        connection.state, connection, HostReport, kwargs={"_sudo": False}, apply_failed_hosts=False
    )
    return report or "it lets us in, and does not answer as a Debian or Ubuntu host does"


def _why(member: Host, connection: Reached) -> str:
    """Why a host was not reached, found by trying again: pyinfra logs it and keeps it nowhere."""
    if member.ssh.key and not Path(member.ssh.key).expanduser().is_file():
        return f"there is no private key {member.ssh.key}"
    connection.state.config.CONNECT_TIMEOUT = AGAIN_S
    try:
        connection.connect(show_errors=False, raise_exceptions=True)
    except (PyinfraError, OSError) as error:
        return str(error)
    return "it answers the second time only"


def _membership(env: Environment, reports: dict[str, Report]) -> tuple[tuple[str, ...], bool]:
    """Findings about hosts of other clusters, or about the secrets that would tell; and whether any host is ours."""
    try:
        present = authority.find(secrets.open(env))
    except SecretsError as error:
        return (str(error),), False
    ca = hashlib.sha256(present.pem.encode()).hexdigest() if present else None
    ours = any(report.ca_sha256 == ca for report in reports.values() if ca)
    return preflight.of_membership(env, reports, ca), ours


def _unreached(members: Iterable[Host], answers: dict[str, Report | str], exists: bool) -> Generator[str, None, None]:
    """A lost client does not keep an environment from being mended; a new environment wants every host."""
    for member in members:
        why = answers[member.name]
        if isinstance(why, Report):
            continue
        finding = preflight.unreached(member, why)
        if preflight.critical(member) or not exists:
            yield finding
        else:
            logger.warning("%s; going on without it", finding)


def _artifacts(env: Environment) -> tuple[str, ...]:
    try:
        artifacts.acquire(env)
    except ArtifactsError as error:
        return error.findings
    return ()


def machines() -> dict[str, str]:
    """The machine IDs of the hosts that this run asked: a rebuilt host is another one."""
    return dict(_machines)
