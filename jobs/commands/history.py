"""history: the rollouts of a job, and the versions that Nomad has."""

import argparse
from collections.abc import Iterator
from dataclasses import fields

from jobs import files
from jobs.commands import options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad import versions
from jobs.nomad.versions import Version
from jobs.rollout.state import Decision, State

HELP = "print the rollouts of a job, how each ended and why, and Nomad's versions"

LIMIT = 20
"""Rollouts that are shown when nothing is asked."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="every decision, with its numbers and its query")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"how many rollouts, the newest first; {LIMIT}")


def run(given: argparse.Namespace) -> Exit:
    """Ask the journal and Nomad, and print it."""
    site = Site.named(given.env)
    job_id = files.identify(given.job, site.env)
    journal = site.journal(job_id)
    present = journal.read()
    found = (*([present] if present else []), *journal.history(given.limit))
    known = versions.of(site.nomad, job_id) if site.nomad.find(job_id) else ()
    if given.json:
        output.document({"rollouts": [output.state(each) for each in found], "versions": [*map(_version, known)]})
    else:
        output.text(*(line for each in found for line in rollout(each, verbose=given.verbose)))
        output.text(*map(_line, known))
    return Exit.DONE


def rollout(state: State, *, verbose: bool) -> Iterator[str]:
    """One rollout: when, who, what came of it, and why."""
    version = "no version" if state.version is None else f"version {state.version}"
    how = state.result if state.ended and state.result else state.phase
    took = f" after {output.duration(state.ended - state.started)}" if state.ended else ""
    yield f"{output.moment(state.started)}  {version}  {how}{took}  {state.plan.strategy}, by {state.who}"
    if state.reason:
        yield f"    {state.reason}"
    if verbose:
        yield from (f"    {line}" for each in state.decisions for line in _decision(each))


def _decision(each: Decision) -> Iterator[str]:
    yield output.line(each)
    if each.numbers:
        yield f"    {', '.join(f'{name} {value:g}' for name, value in each.numbers.items())}"
    if each.query:
        yield f"    {each.query}"


def _line(version: Version) -> str:
    tag = f"  {version.tag}: {version.note}" if version.tag else ""
    return f"version {version.number}  {output.moment(version.submitted)}  {'good' if version.stable else '-'}{tag}"


def _version(version: Version) -> dict[str, object]:
    return {f.name: getattr(version, f.name) for f in fields(version) if f.name != "job"}
