"""Runs of pyinfra, each with its figures: time by step, CPU, memory, SSH commands."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import HostError

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
_STEP = re.compile(r"--> (?:Starting operation: )?(.*)")
_PHASE = "phase: "


@dataclass(frozen=True, slots=True)
class Step:
    """A line of pyinfra's that begins something, and when, in seconds since the run began."""

    name: str
    began_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run that succeeded.

    Attributes:
        seconds: from the start of the process to its end.
        steps: what it did, in order.
        figures: what the process measured of itself (tests.bench.measured).
        log: what it told a person, each line with the second in which it came.
        changed: the operations that changed something, each with its hosts.
    """

    seconds: float
    steps: tuple[Step, ...]
    figures: dict[str, Any]
    log: str
    changed: dict[str, list[str]]

    @property
    def changes(self) -> int:
        """How many operations changed something, counted over all hosts."""
        return sum(len(hosts) for hosts in self.changed.values())

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU that the operator's process took."""
        return float(self.figures["user_s"] + self.figures["system_s"])

    @property
    def took(self) -> dict[str, float]:
        """Seconds of each step, by its name."""
        ends = [*(step.began_s for step in self.steps[1:]), self.seconds]
        took: Counter[str] = Counter()
        for step, end in zip(self.steps, ends, strict=True):
            took[step.name] += end - step.began_s  # type: ignore[assignment]
        return dict(took)

    @property
    def phases(self) -> dict[str, float]:
        """Seconds of each phase; what comes before the first is Python's start, the connections and preflight."""
        marks = [Step("preflight", 0.0), *(step for step in self.steps if step.name.startswith(_PHASE))]
        ends = [*(mark.began_s for mark in marks[1:]), self.seconds]
        return {m.name.removeprefix(_PHASE): end - m.began_s for m, end in zip(marks, ends, strict=True)}


def run(inventory: Path, deploy: str, *arguments: str) -> Run:
    """Run `pyinfra -y --json INVENTORY DEPLOY`.

    Raises:
        HostError: when it fails, with its log.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept, report = Path(folder) / "figures", Path(folder) / "report"
        began = time.monotonic()
        with report.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.measured", str(kept), "-y", "--json", str(inventory), deploy,
                 *arguments],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        with process:
            lines = list(_timed(process, began))
            status = process.wait()
        seconds = time.monotonic() - began
        document = _document(report.read_text())
        if status or (document and document["totals"]["error"]):
            raise HostError(f"pyinfra {inventory} {deploy}: exit code {status}\n" + "".join(line for line, _ in lines))
        return Run(
            seconds=seconds,
            steps=tuple(_steps(lines)),
            figures=json.loads(kept.read_text()),
            log="".join(f"{at:7.2f} {line}" for line, at in lines),
            changed={each["name"]: each["success"] for each in document.get("operations", ()) if each["success"]},
        )


def _timed(process: subprocess.Popen[str], began: float) -> Iterator[tuple[str, float]]:
    assert process.stderr
    for line in process.stderr:
        yield line, time.monotonic() - began


def _steps(lines: list[tuple[str, float]]) -> Iterator[Step]:
    for line, at in lines:
        if found := _STEP.match(line):
            yield Step(found[1].strip(), at)


def _document(text: str) -> dict[str, Any]:
    begin = text.find("{")
    results: dict[str, Any] = (json.loads(text[begin:])["results"] or {}) if begin >= 0 else {}
    return results
