"""What can be done with a job: render, plan, run, status, stop."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from configs.environment import Environment
from configs.errors import ConfigError
from inventory.access import Access
from jobs.nomad import spec, watch
from jobs.nomad.client import Client, Plan, Status

FOLDER = Path(__file__).parent

WITHIN = timedelta(minutes=10)
"""How long a run waits for a deployment: Nomad's own deadlines end it earlier."""


class JobFile(Protocol):
    """A job's module; it may also have `prepare(access)`, which makes what the job needs before its first run."""

    def job(self, env: Environment) -> spec.Job:
        """The job of an environment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What a run did."""

    job: str
    version: int
    changed: bool


def load(name: str) -> JobFile:
    """The job file of a name (`web` is jobs/web.py) or of a path.

    Raises:
        ConfigError: when there is no such file, or it has no `job`.
    """
    module = _from_path(Path(name)) if name.endswith(".py") else _from_name(name)
    if not callable(getattr(module, "job", None)):
        raise ConfigError([f"{name}: has no function job(env) - see jobs/web.py"])
    return cast("JobFile", module)


def identify(name: str, env: Environment) -> str:
    """The ID under which Nomad knows a job, given by its name or by its file's path."""
    return load(name).job(env).id if name.endswith(".py") else name.replace("_", "-")


def names() -> list[str]:
    """The jobs that come with Socle, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef job(" in path.read_text())


def plan(file: JobFile, access: Access) -> Plan:
    """What running a job would do."""
    return _client(access).plan(file.job(access.env))


def run(file: JobFile, access: Access, report: Callable[[str], None], within: timedelta = WITHIN) -> Ran:
    """Register a job unless Nomad has it already, and wait until it runs whole.

    A run that was killed after the registration is taken up: the deployment that goes on is followed to its end.
    """
    if prepare := getattr(file, "prepare", None):
        prepare(access)
    return settle(_client(access), file.job(access.env), report, within)


def settle(client: Client, job: spec.Job, report: Callable[[str], None], within: timedelta = WITHIN) -> Ran:
    """Have a job registered as it is given, and whole."""
    planned = client.plan(job)
    if not planned.changes:
        version = int(client.job(job.id)["Version"])
        report(f"{job.id}: unchanged, version {version}")
        if not watch.look(client, job.id, version).done:
            watch.settled(client, job.id, version, within=within, report=report)
        return Ran(job=job.id, version=version, changed=False)
    registered = client.register(job, planned.index)
    report(f"{job.id}: registered version {registered.version}")
    watch.settled(client, job.id, registered.version, within=within, report=report)
    return Ran(job=job.id, version=registered.version, changed=True)


def status(job_id: str, access: Access) -> Status:
    """How a job is."""
    return _client(access).status(job_id)


def stop(job_id: str, access: Access, within: timedelta = WITHIN) -> bool:
    """Stop a job and wait until nothing of it runs; whether there was anything to stop."""
    client = _client(access)
    found = client.find(job_id)
    if found is None or found["Stop"]:
        return False
    client.stop(job_id)
    watch.stopped(client, job_id, within=within)
    return True


def _client(access: Access) -> Client:
    return Client(access.nomad())


def _from_name(name: str) -> ModuleType:
    if name not in names():
        raise ConfigError([f"{name}: there is no job of this name - use {', '.join(names())}, or the path of a file"])
    return importlib.import_module(f"jobs.{name}")


def _from_path(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if found is None or found.loader is None:
        raise ConfigError([f"{path}: there is no such file - give the path of a file like jobs/web.py"])
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
