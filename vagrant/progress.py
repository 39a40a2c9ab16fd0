"""Progress lines: what is being done, for how long, and how long it took."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

REPEAT_S = 15.0
"""How often a step that goes on says that it does."""


class Progress:
    """Prints `[ 12.3 s] text` lines; the seconds count from when it was made."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", file=self._out, flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step, repeat that it goes on, and say how long it took."""
        self.say(text)
        began, done = time.monotonic(), threading.Event()

        def repeat() -> None:
            while not done.wait(REPEAT_S):
                self.say(f"{text}: {time.monotonic() - began:.0f} s so far")

        threading.Thread(target=repeat, daemon=True).start()
        try:
            yield
        finally:
            done.set()
        self.say(f"{text}: done in {time.monotonic() - began:.1f} s")
