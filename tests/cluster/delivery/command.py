"""The command line of jobs as a process: to be waited for, or killed."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from configs.errors import HostError
from tests.cluster.convergence import ROOT

BOUND_S = 240.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """How a command ended.

    Attributes:
        exit: its exit code.
        document: the JSON that it printed; empty when it printed none.
        log: what it told a person.
        began: epoch seconds.
        ended: epoch seconds.
    """

    exit: int
    document: dict[str, Any]
    log: str
    began: float
    ended: float

    @property
    def rollout(self) -> dict[str, Any]:
        """The rollout as it was left."""
        found: dict[str, Any] = self.document.get("rollout", self.document) or {}
        return found

    @property
    def reason(self) -> str:
        """Why it was left so."""
        return str(self.rollout.get("reason", ""))

    def at(self, text: str, phase: str = "") -> float:
        """When a decision was made that has this in its text, in any phase or in one, epoch seconds; the first of them.

        Raises:
            AssertionError: when there was none.
        """
        found = [
            float(each["at"])
            for each in self.rollout["decisions"]
            if text in each["text"] and phase in ("", each["phase"])
        ]
        assert found, f"no decision has {text!r}:\n{self.log}"
        return found[0]

    def steps(self) -> Iterator[tuple[int, float, float]]:
        """Of each step the weight, when it was in force everywhere, and when the next thing was decided."""
        decisions = self.rollout["decisions"]
        for number, each in enumerate(decisions):
            if "in force at every ingress after" in each["text"] and each["phase"] == "analysing":
                later = (d["at"] for d in decisions[number + 1 :] if _over(d, each))
                yield each["weight"], each["at"], next(later, self.ended)

    def __str__(self) -> str:
        return f"exit code {self.exit}\n{self.log}"


def _over(decision: dict[str, Any], step: dict[str, Any]) -> bool:
    return bool(decision["phase"] != step["phase"] or decision["weight"] != step["weight"])


class Command:
    """`python -m jobs ARGUMENTS --env INVENTORY --json`, running; `program` may be another that takes the same.

    Attributes:
        pid: of the process.
    """

    def __init__(self, inventory: str, *arguments: str, program: tuple[str, ...] = ("jobs",)) -> None:
        self._log: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when the command has ended
        self._text = " ".join(arguments)
        self._began = time.time()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *program, *arguments, "--env", inventory, "--json"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        """What it told a person so far."""
        self._log.seek(0)
        return self._log.read()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it with -9, as a machine that dies does, unless it is known to have ended."""
        if self._log.closed:
            return
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def done(self, bound_s: float = BOUND_S) -> Done:
        """Wait for its end.

        Raises:
            HostError: when it takes longer; it is killed.
        """
        try:
            output, _ = self._process.communicate(timeout=bound_s)
        except subprocess.TimeoutExpired as error:
            log = self.log
            self.kill()
            raise HostError(f"{self._text}: still running after {bound_s:.0f} s:\n{log}") from error
        log = self.log
        self._log.close()
        document = json.loads(output) if output.startswith("{") else {}
        return Done(
            exit=self._process.returncode, document=document, log=log + ("" if document else output),
            began=self._began, ended=time.time(),
        )  # fmt: skip


def run(inventory: str, *arguments: str, bound_s: float = BOUND_S) -> Done:
    """Run it to its end, whatever that is."""
    return Command(inventory, *arguments).done(bound_s)
