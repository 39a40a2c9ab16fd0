"""Runs of pyinfra as a person types them, and what they report."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from configs.errors import HostError

ROOT = Path(__file__).parents[2]
BOUND_S = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Convergence:
    """What one run did.

    Attributes:
        status: the exit code.
        report: the JSON of `--json`; empty when the run was aborted, which prints none.
        log: what it told a person.
    """

    status: int
    report: dict[str, Any]
    log: str

    @property
    def changes(self) -> dict[str, list[str]]:
        """The operations that changed something, each with its hosts."""
        return self._hosts_of("success")

    @property
    def errors(self) -> dict[str, list[str]]:
        """The operations that failed, each with its hosts."""
        return self._hosts_of("error")

    @property
    def plan(self) -> dict[str, list[str]]:
        """The operations that a dry run would do, each with its hosts."""
        operations = self.report.get("plan", [])
        return {one["name"]: one["hosts_with_change"] for one in operations if one["hosts_with_change"]}

    @property
    def changes_by_host(self) -> Counter[str]:
        """How many operations changed something, by host."""
        return Counter(host for hosts in self.changes.values() for host in hosts)

    def _hosts_of(self, outcome: str) -> dict[str, list[str]]:
        operations = (self.report.get("results") or {}).get("operations", [])
        return {operation["name"]: operation[outcome] for operation in operations if operation[outcome]}


def start(
    inventory: str, *arguments: str, environment: dict[str, str] | None = None, log: IO[str] | None = None
) -> subprocess.Popen[str]:
    """Start `pyinfra INVENTORY ARGUMENTS` (deploy/cluster.py where none are given).

    Its JSON goes to its stdout, what it tells a person to `log`, or to its stderr.
    """
    flags = ["--json"] if "--dry" in arguments else ["-y", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "pyinfra", *flags, inventory, *(arguments or ("deploy/cluster.py",))],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log or subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )


def run(
    inventory: str, *arguments: str, bound_s: float = BOUND_S, environment: dict[str, str] | None = None
) -> Convergence:
    """Run pyinfra to its end, whatever that is.

    Args:
        inventory: the path of an inventory file.
        arguments: a deploy file or function and pyinfra's flags; deploy/cluster.py where none are given.
        bound_s: seconds it may take.
        environment: variables to set on top of ours.

    Raises:
        HostError: when it takes longer; it is ended.
    """
    with start(inventory, *arguments, environment=environment) as process:
        try:
            output, log = process.communicate(timeout=bound_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            _, log = process.communicate()
            raise HostError(f"pyinfra {inventory}: still running after {bound_s:.0f} s; its log:\n{log}") from error
    return Convergence(status=process.returncode, report=_parsed(output), log=log)


def converge(
    inventory: str, *arguments: str, bound_s: float = BOUND_S, environment: dict[str, str] | None = None
) -> Convergence:
    """Run pyinfra, and insist that it succeeds.

    Raises:
        HostError: when it does not, with its log.
    """
    done = run(inventory, *arguments, bound_s=bound_s, environment=environment)
    if done.status or done.errors:
        raise HostError(f"pyinfra {inventory}: exit code {done.status}, errors {done.errors}; its log:\n{done.log}")
    return done


def _parsed(output: str) -> dict[str, Any]:
    begin = output.find("{")
    report: dict[str, Any] = json.loads(output[begin:]) if begin >= 0 else {}
    return report
