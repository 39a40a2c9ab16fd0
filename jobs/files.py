"""Job files: found by name or path, and what one may define."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from configs.environment import Environment
from configs.errors import ConfigError
from jobs.nomad import spec

FOLDER = Path(__file__).parent


class JobFile(Protocol):
    """A job's module.

    It may also have `prepare(access)`, which makes what the job needs before its first run; `rollout(env) -> Plan`, how
    a new version is judged (jobs.rollout.plan); and `DIFFERENCES`, what environments have of their own
    (jobs.differences).
    """

    def job(self, env: Environment) -> spec.Job:
        """The job of an environment."""


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
