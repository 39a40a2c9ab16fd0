"""advance: what passed in one environment released to the next."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from configs.errors import ConfigError, PromotionError
from jobs import files
from jobs.commands import follow, options, output, release
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.commands.release import Order, Released
from jobs.promotion import passed, sameness, tags
from jobs.rollout.state import Decision

HELP = "release what passed in one environment to the next, and refuse anything else"

ORDER = ("dev", "test", "prod")
"""The environments that --all goes through when none are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advanced:
    """One step from an environment to the next."""

    source: str
    target: str
    fingerprint: str
    released: Released


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.job(parser)
    parser.add_argument("--from", dest="source", metavar="ENV", help=f"where it passed: {options.ENVIRONMENT}")
    parser.add_argument("--to", dest="target", metavar="ENV", help="where it goes")
    parser.add_argument("--all", nargs="*", metavar="ENV", help=f"through all of these in turn; {' '.join(ORDER)}")
    options.document(parser)


def run(given: argparse.Namespace) -> Exit:
    """Go from environment to environment, as far as it passes."""
    file = files.load(given.job)
    done: list[Advanced] = []
    for source, target in pairwise(Site.named(name) for name in names(given)):
        with output.Progress() as progress:
            progress.say(f"from {source.env.name} to {target.env.name}")
            done.append(carried(file, source, target, progress))
        if not given.json:
            output.text(*follow.released_lines(done[-1].released))
        if done[-1].released.exit is not Exit.DONE:
            break
    if given.json:
        output.document([_document(each) for each in done])
    return done[-1].released.exit


def names(given: argparse.Namespace) -> Sequence[str]:
    """The environments in the order in which the version goes through them.

    Raises:
        ConfigError: when they are not said, or said twice.
    """
    if given.all is not None and not (given.source or given.target):
        chosen: Sequence[str] = given.all or ORDER
        if len(chosen) > 1 and len(set(chosen)) == len(chosen):
            return chosen
    elif given.all is None and given.source and given.target and given.source != given.target:
        return (given.source, given.target)
    raise ConfigError(["advance: say --from ENV --to ENV, or --all with two environments or more, each once"])


def carried(file: files.JobFile, source: Site, target: Site, report: Callable[[Decision], None]) -> Advanced:
    """One step from an environment to the next, and the record of it in both.

    Raises:
        PromotionError: with everything that keeps the version from going on; nothing was changed.
    """
    job = file.job(target.env)
    if found := [*refusals(file, source, target)]:
        raise PromotionError(found)
    fingerprint = sameness.fingerprint(file, target.env)
    who = f"{options.who()}, from {source.env.name}"
    order = Order(job=job, plan=release.plan_of(file, target, job), who=who, fingerprint=fingerprint)
    if prepare := getattr(file, "prepare", None):
        prepare(target.access)
    done = release.release(target, order, report)
    if done.exit is Exit.DONE and done.version is not None:
        _record(source, target, done, fingerprint)
    return Advanced(source=source.env.name, target=target.env.name, fingerprint=fingerprint, released=done)


def refusals(file: files.JobFile, source: Site, target: Site) -> Iterator[str]:
    """Everything that keeps a version from going on; nothing is changed by asking."""
    undeclared = sameness.same_but_for_differences(file, source.env, target.env)
    yield from undeclared
    job = file.job(source.env)
    yield from passed.unpinned(job)
    journal = source.journal(job.id)
    if state := journal.read():
        yield f"{source.env.name}: a rollout of {job.id} is open there ({state.phase}) - wait for its end"
    if not undeclared:
        fingerprint = sameness.fingerprint(file, source.env)
        yield from passed.findings(source.nomad, source.env.name, job, fingerprint, journal.history(_ALL))


def _record(source: Site, target: Site, done: Released, fingerprint: str) -> None:
    present = int(source.nomad.job(done.job)["Version"])
    how = f"{source.env.name} to {target.env.name} by {options.who()}"
    tags.tag(source.nomad, done.job, present, fingerprint, how)
    if done.changed and done.version is not None:
        tags.tag(target.nomad, done.job, done.version, fingerprint, how)


def _document(each: Advanced) -> dict[str, object]:
    where = {"from": each.source, "to": each.target, "fingerprint": each.fingerprint}
    return {**where, **follow.document(each.released)}


_ALL = 50
"""As many rollouts as a journal keeps."""
