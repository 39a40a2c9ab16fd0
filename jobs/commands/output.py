"""What a command shows: results on standard output, progress on standard error."""

import json
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self, TextIO

import pydantic_core

from jobs.rollout.state import Decision, State
from jobs.rollout.verdicts import Verdict

_ERASE = "\r\033[K"


class Progress:
    """The decisions of a rollout as they are made: a line each; on a terminal passes share one that changes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._passing = False
        self._told: dict[str | None, str] = {}

    def __call__(self, decision: Decision) -> None:
        """Show one, unless the same was said of its check last."""
        if decision.check and self._told.get(decision.check) == decision.text:
            return
        self._told[decision.check] = decision.text
        passing = self._live and decision.verdict is Verdict.PASS
        text = line(decision)
        self._write(text[: shutil.get_terminal_size().columns - 1] if passing else text, passing=passing)

    def say(self, text: str) -> None:
        """Show a line of another kind."""
        self._write(text, passing=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The changing line is left as it is."""
        if self._passing:
            self._stream.write("\n")
            self._passing = False

    def _write(self, text: str, *, passing: bool) -> None:
        start = _ERASE if self._passing else ""
        self._stream.write(f"{start}{text}{'' if passing else chr(10)}")
        self._stream.flush()
        self._passing = passing


def line(decision: Decision) -> str:
    """A decision as one line: when, the canary's share, and what."""
    return f"{time.strftime('%H:%M:%S', time.localtime(decision.at))} {decision.weight:3} % {decision.text}"


def state(found: State, *, decisions: bool = True) -> dict[str, Any]:
    """A rollout as a document, without the job's own."""
    left_out = {"spec"} if decisions else {"spec", "decisions"}
    return {name: value for name, value in json.loads(found.to_json()).items() if name not in left_out}


def document(content: Any) -> None:
    """Print a document as JSON."""
    plain = pydantic_core.to_jsonable_python(content, timedelta_mode="float")
    json.dump(plain, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


def text(*lines: str) -> None:
    """Print lines."""
    sys.stdout.writelines(f"{each}\n" for each in lines)


def moment(epoch: float) -> str:
    """A time as people of all places read it."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(epoch))


def duration(seconds: float) -> str:
    """A duration in words such as 1:02:03."""
    return str(timedelta(seconds=round(seconds)))


def counts(found: Mapping[str, int]) -> str:
    """Allocations by state."""
    return ", ".join(f"{count} {of.lower()}" for of, count in found.items() if count) or "nothing runs"
