"""Waiting for a condition, with a bound, saying what is waited for."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pyinfra.context import ctx_state, state
from requests import RequestException

from configs.errors import SocleError

_log = logging.getLogger("pyinfra")

T = TypeVar("T")


class WaitError(SocleError):
    """A condition did not come true in time; the text holds what was seen last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """A group of servers: whether it has a leader, whether it can spare a member, and what is missing."""

    leader: bool
    healthy: bool
    detail: str


def preparing() -> bool:
    """Whether pyinfra only prepares a run, to tell what it would do."""
    within_a_run: bool = ctx_state.isset()  # type: ignore[no-untyped-call]
    return within_a_run and not state.is_executing


def until(
    what: str,
    ready: Callable[[], T],
    *,
    timeout: float = 60,
    interval: float = 0.3,
    errors: tuple[type[Exception], ...] = (),
) -> T:
    """The first true answer of `ready`.

    Args:
        what: the condition, as a sentence.
        ready: asked again until its answer is true; network errors and Socle's own count as "not yet".
        timeout: seconds after which it is given up; while a run is only prepared it is asked once, since nothing
            that was done could still come into force.
        interval: seconds between two questions.
        errors: further exceptions that count as "not yet".

    Raises:
        WaitError: with the last answer or error.
    """
    caught: tuple[type[Exception], ...] = (RequestException, SocleError, *errors)
    start, said, last = time.monotonic(), 5.0, "nothing yet"
    while True:
        try:
            if answer := ready():
                return answer
            last = repr(answer)
        except caught as error:
            last = f"{type(error).__name__}: {error}"
        waited = time.monotonic() - start
        if waited > timeout or preparing():
            raise WaitError(f"{what}: not after {timeout:.0f} s - last seen: {last}")
        if waited > said:
            _log.info("waiting until %s (%.0f s), last seen: %s", what, waited, last)
            said += 5.0
        time.sleep(interval)


def spare(what: str, health: Callable[[], Health], *, timeout: float = 90) -> None:
    """Wait until a group of servers can spare a member; without a leader there is nothing to protect.

    Raises:
        WaitError: when it has a leader but does not become whole in time: taking a server away would end it.
    """

    def ready() -> bool:
        now = health()
        if now.leader and not now.healthy:
            raise WaitError(now.detail)
        return True

    until(f"{what} can spare a server", ready, timeout=timeout)
