"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

from configs.errors import HostError

T = TypeVar("T")

PAUSE_S = 0.2


def wait(what: str, probe: Callable[[], T | None], *, bound_s: float, pause_s: float = PAUSE_S) -> T:
    """The first truthy answer of `probe`, asked again and again; an exception counts as an answer of "not yet".

    Args:
        what: what is waited for, as the error says it.
        probe: asks the real system.
        bound_s: seconds after which it is given up.
        pause_s: seconds between two questions.

    Raises:
        HostError: when the bound is over, with the last answer.
    """
    end, last = time.monotonic() + bound_s, "nothing asked"
    while time.monotonic() < end:
        try:
            if answer := probe():
                return answer
            last = repr(answer)
        except Exception as error:  # noqa: BLE001 - whatever a system that is not up yet answers
            last = f"{type(error).__name__}: {error}"
        time.sleep(pause_s)
    raise HostError(f"{what}: not within {bound_s:.0f} s - last answer: {last}")
