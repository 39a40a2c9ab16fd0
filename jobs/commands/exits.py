"""What a command ends with: the same for all of them, but for `plan`."""

from enum import IntEnum

from jobs.rollout.state import Phase, Result, State


class Exit(IntEnum):
    """Exit codes; those of errors are their own `exit_code`."""

    DONE = 0
    FAILED = 1
    """It failed; a version that was rolled out was taken back."""
    USAGE = 2
    """No such job, environment or option; a job or plan that cannot be."""
    HELD = 3
    """It waits for a person: the rollout is held, or could not be taken back."""
    BUSY = 4
    """Another rollout, another runner or somebody else's registration has the job."""
    UNREACHED = 5
    """The environment is not reached, or does not let us."""
    REFUSED = 6
    """It may not be done, and nothing was changed."""
    INTERRUPTED = 130
    """By Ctrl-C; an open rollout stays where it is."""


class PlanExit(IntEnum):
    """Exit codes of `plan`, as of `nomad plan`."""

    SAME = 0
    CHANGES = 1
    UNTOLD = 255


_RESULTS = {
    Result.DONE: Exit.DONE,
    Result.REVERTED: Exit.FAILED,
    Result.FAILED: Exit.FAILED,
    Result.REFUSED: Exit.REFUSED,
    Result.SUPERSEDED: Exit.BUSY,
    Result.STUCK: Exit.HELD,
}


def of(state: State) -> Exit:
    """How a command ends whose rollout is left like this."""
    if state.result is not None and state.phase is Phase.ENDED:
        return _RESULTS[state.result]
    return Exit.HELD if state.phase is Phase.HELD else Exit.DONE
