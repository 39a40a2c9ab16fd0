"""status: the job as Nomad has it, and the rollout that is open."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict

from jobs import files
from jobs.commands import options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad.client import Status
from jobs.rollout.state import Decision, Phase, State

HELP = "print allocations, the open rollout, its runner and measurements, and why something does not run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)


def run(given: argparse.Namespace) -> Exit:
    """Ask Nomad and the journal, and print it."""
    site = Site.named(given.env)
    job_id = files.identify(given.job, site.env)
    found, journal = site.nomad.status(job_id), site.journal(job_id)
    state, holder = journal.read(), journal.holder()
    if given.json:
        open_rollout = output.state(state) if state else None
        output.document({**asdict(found), "whole": found.whole, "rollout": open_rollout, "holder": str(holder or "")})
    else:
        output.text(*_job(found), *(_rollout(state, str(holder or ""), time.time()) if state else ()))
    if state and state.phase is Phase.HELD:
        return Exit.HELD
    return Exit.DONE if found.whole else Exit.FAILED


def _job(found: Status) -> Iterator[str]:
    yield f"{found.id}: {found.status}, version {found.version}, {'' if found.whole else 'not '}whole"
    yield from (f"  group {name}: {output.counts(counts)}" for name, counts in found.groups.items())
    yield from (f"  {line}" for line in (found.deployment, *found.troubles) if line)


def _rollout(state: State, holder: str, now: float) -> Iterator[str]:
    """A rollout that is open: where it is, for how long, what was measured last, and who is at it."""
    version = "" if state.version is None else f" of version {state.version}"
    yield f"rollout {state.id}{version}: {state.phase}, begun {output.moment(state.started)} by {state.who}"
    steps = f"step {state.step + 1} of {len(state.plan.steps)}, " if state.plan.steps else ""
    yield f"  {steps}{state.weight} % wanted, for {output.duration(now - (state.step_began or state.since))}"
    if state.paused:
        yield "  paused: it goes on with resume"
    if state.reason and state.phase in _BY_REASON:
        yield f"  {state.reason}"
    yield from (f"  {line}" for line in measurements(state))
    yield f"  run by {holder}" if holder else "  nobody runs it: take it up with resume"


_BY_REASON = (Phase.HELD, Phase.WITHDRAWING, Phase.REVERTING)
"""Phases that a reason has led to; in the others it is that of an earlier one."""


def measurements(state: State) -> Iterator[str]:
    """The last that is known of each check."""
    last: dict[str, Decision] = {each.check: each for each in state.decisions if each.check}
    for name, tally in state.tallies.items():
        yield f"{last[name].text if name in last else f'{name}: {tally.verdict}'} ({tally.row} in a row)"
