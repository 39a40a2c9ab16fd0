"""From an inventory file to its environment, and to the groups pyinfra wants."""

import runpy
import traceback
from pathlib import Path
from typing import Any

from configs.environment import Environment, Host, Role
from configs.errors import ConfigError, SocleError
from inventory import ssh_config

FOLDER = Path(__file__).parent

Groups = dict[str, list[tuple[str, dict[str, Any]]]]

_defined: list[Environment] = []


def define(environment: Environment) -> Groups:
    """Make an environment the current one of this process, and return its pyinfra groups, one a role.

    An inventory file ends with `globals().update(define(Environment(...)))`.
    """
    _defined.append(environment)
    config = ssh_config.file(environment)
    return {role.value: [(h.name, data(h, config)) for h in environment.having(role)] for role in Role}


def current() -> Environment:
    """The environment of the inventory that this process loaded last.

    Raises:
        ConfigError: when no inventory was loaded.
    """
    if not _defined:
        raise ConfigError(["no environment is loaded - run pyinfra with an inventory such as inventory/test.py"])
    return _defined[-1]


def load(name: str) -> Environment:
    """The environment of `inventory/<name>.py`, or of an inventory file given by its path.

    Raises:
        ConfigError: when there is no such file, it fails or defines none, or the environment is not valid.
    """
    path = Path(name) if name.endswith(".py") else FOLDER / f"{name}.py"
    if not path.is_file():
        raise ConfigError([f"{name}: there is no inventory {path} - use dev, test, prod or the path of one"])
    before = len(_defined)
    try:
        runpy.run_path(str(path))
    except SocleError:
        raise
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise ConfigError([f"{place}: {type(error).__name__}: {error} - correct it; see inventory/prod.py"]) from error
    if len(_defined) == before:
        raise ConfigError([f"{path}: it defines no environment - end it as inventory/prod.py ends"])
    return current()


def data(host: Host, config: Path | None = None) -> dict[str, Any]:
    """A host's pyinfra data: plain values only. `config` is the ssh_config to read in place of ~/.ssh/config."""
    ssh = host.ssh
    given = {
        "ssh_hostname": ssh.hostname or host.address,
        "ssh_port": ssh.port,
        "ssh_user": ssh.user,
        # Without its file pyinfra would end the run with a traceback; so it fails to log in, and preflight says why.
        "ssh_key": ssh.key if ssh.key and Path(ssh.key).expanduser().is_file() else None,
        "ssh_known_hosts_file": ssh.known_hosts,
        "ssh_config_file": str(config) if config else None,
    }
    if ssh.known_hosts:
        given["ssh_strict_host_key_checking"] = "yes"
    return {key: value for key, value in given.items() if value is not None}
