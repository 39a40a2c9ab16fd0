"""pyinfra's command line, measured from inside: python -m tests.bench.measured FIGURES ARGUMENTS...

FIGURES is the file to which the figures are written, as JSON, when the run ends. An SSH command is one request on a
channel (RFC 4254, 6.5): `exec`, or `subsystem` for SFTP.
"""

import pyinfra_cli  # isort: skip - it patches the standard library, and must come first

import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import paramiko
from pyinfra_cli.main import main as pyinfra_main

assert pyinfra_cli

_commands: Counter[str] = Counter()


def count_commands() -> None:
    """Count every SSH command from now on, by the address it goes to."""
    for name in ("exec_command", "invoke_subsystem"):
        setattr(paramiko.Channel, name, _counted(getattr(paramiko.Channel, name)))


def _counted(request: Any) -> Any:
    def counted(channel: paramiko.Channel, *args: Any, **kwargs: Any) -> Any:
        _commands[channel.get_transport().getpeername()[0]] += 1
        return request(channel, *args, **kwargs)

    return counted


def figures() -> dict[str, Any]:
    """What this process took so far: seconds of CPU, MiB of memory at its peak, and SSH commands by address."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"user_s": used.ru_utime, "system_s": used.ru_stime, "peak_mib": peak_mib(), "commands": dict(_commands)}


def peak_mib() -> float:
    """The most memory that this process had; getrusage would also count what it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    path, sys.argv[1:] = Path(sys.argv[1]), sys.argv[2:]
    count_commands()
    try:
        pyinfra_main()
    finally:
        path.write_text(json.dumps(figures()))
