"""`python -m jobs ARGUMENTS` on a machine whose power is cut: python -m tests.cluster.delivery.cut PLACE ARGUMENTS...

PLACE is `before:write:promoting`, `after:act:Weigh`, ...: the instant before or after the runner writes that phase to
the journal, or does that to the real systems, for the first time. There the process kills itself with -9. When it
has the lease, and when it dies, it says so on its standard error: `drives TIME`, `dies TIME`, epoch seconds.
"""

import os
import signal
import sys
import time
from types import CodeType, FrameType
from typing import Any, Final

from jobs import __main__ as commands
from jobs.rollout.lease import Lease
from jobs.rollout.runner import _Runner
from jobs.rollout.world import World

_EVENTS: Final = {"before": "call", "after": "return"}
_CODES: Final[dict[str, CodeType]] = {
    "write": Lease.write.__code__,
    "finish": Lease.finish.__code__,
    "act": World.act.__code__,
}


def main(place: str, arguments: list[str]) -> int:
    """The command's exit code, when it gets that far."""
    when, what, which = place.split(":")

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is _Runner.drive.__code__:
            _say("drives")
        if event == _EVENTS[when] and frame.f_code is _CODES[what] and which == _which(frame):
            _say("dies")
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    return commands.main(arguments)


def _which(frame: FrameType) -> str:
    """The phase that is written, or the kind of the action."""
    if "action" in frame.f_locals:
        return type(frame.f_locals["action"]).__name__
    return str(frame.f_locals["state"].phase)


def _say(what: str) -> None:
    sys.stderr.write(f"{what} {time.time():.3f}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
