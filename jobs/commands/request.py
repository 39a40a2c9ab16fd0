"""promote, pause, resume, abort: what a person asks of the open rollout."""

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final, Literal

from configs.errors import RolloutError
from jobs import files
from jobs.commands import exits, follow, options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.rollout.journal import Journal
from jobs.rollout.state import Result, State

Action = Literal["promote", "pause", "resume", "abort"]

HELP: Final[dict[Action, str]] = {
    "promote": "let the canary take the place of the rest now, whatever the checks say",
    "pause": "stay at the present step; checks go on, and still revert",
    "resume": "go on with a paused or held rollout, or with one whose runner is gone",
    "abort": "take the canary's traffic away, then the canary",
}

TAKEN_WITHIN = timedelta(seconds=20)
"""How long a living runner may take to take a request: it looks twice a second, and may wait for a server."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What they take."""
    options.usual(parser)


def command(action: Action) -> Callable[[argparse.Namespace], Exit]:
    """The command of an action."""
    return partial(_run, action)


def _run(action: Action, given: argparse.Namespace) -> Exit:
    return run_on(Site.named(given.env), action, given)


def run_on(site: Site, action: Action, given: argparse.Namespace) -> Exit:
    """Ask, see that it is taken, and follow the rollout; a pause alone needs no follower."""
    job_id = files.identify(given.job, site.env)
    journal = site.journal(job_id)
    index = journal.ask(action, options.who())
    if action == "pause" and journal.holder():
        state = _taken(journal, index, job_id)
        output.document(output.state(state)) if given.json else output.text(f"{job_id}: paused at {state.weight} %")
        return Exit.DONE
    return _exit(action, follow.attended(site, job_id, as_json=given.json))


def _exit(action: Action, state: State) -> Exit:
    """A rollout that was taken back is what an abort is for."""
    if action == "abort" and state.result in (Result.REVERTED, Result.FAILED):
        return Exit.DONE
    return exits.of(state)


def _taken(journal: Journal, index: int, job_id: str) -> State:
    """The rollout once its runner took the request.

    Raises:
        RolloutError: when the rollout ended before, or nobody took it.
    """
    end = time.monotonic() + TAKEN_WITHIN.total_seconds()
    while (state := journal.read()) and time.monotonic() < end:
        if state.request >= index:
            return state
        time.sleep(_POLL_S)
    why = "nobody took it" if state else "it ended before"
    raise RolloutError(f"{job_id}: the rollout is not paused: {why} - see it with status")


_POLL_S: Final = 0.3
