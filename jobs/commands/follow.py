"""A rollout followed on the screen until it ends or is held, and how it is left."""

from collections.abc import Iterator

from jobs.commands import options, output, release
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.commands.release import Order, Released
from jobs.rollout import runner
from jobs.rollout.state import Phase, State


def released(site: Site, order: Order, *, as_json: bool) -> Exit:
    """Release a version and show what comes of it."""
    with output.Progress() as progress:
        done = release.release(site, order, progress)
    if as_json:
        output.document(document(done))
    else:
        output.text(*released_lines(done))
    return done.exit


def attended(site: Site, job_id: str, *, as_json: bool) -> State:
    """Go on with the open rollout, or follow whoever does."""
    with output.Progress() as progress:
        state = runner.attend(site.reach, job_id, who=options.who(), report=progress)
    if as_json:
        output.document(output.state(state))
    else:
        output.text(*told(state))
    return state


def document(done: Released) -> dict[str, object]:
    """What a release did, for a machine."""
    state = output.state(done.state) if done.state else None
    return {"job": done.job, "version": done.version, "changed": done.changed, "rollout": state}


def told(state: State) -> Iterator[str]:
    """How a rollout is left."""
    version = "" if state.version is None else f", version {state.version}"
    if state.phase is Phase.ENDED:
        yield f"{state.job}{version}: {state.result}: {state.reason}"
    elif state.phase is Phase.HELD:
        yield f"{state.job}{version}: held at {state.weight} %: {state.reason}"
        yield "  it waits for a person: resume (measure again), promote, or abort"
    else:
        yield f"{state.job}{version}: {state.phase}: left to the controller - follow it with resume"


def released_lines(done: Released) -> Iterator[str]:
    """What a release did, for a person."""
    if done.state:
        yield from told(done.state)
    else:
        yield f"{done.job}: unchanged, version {done.version}"
