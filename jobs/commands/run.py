"""run: a version released, and followed to its end."""

import argparse

from jobs.commands import follow, options, release
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.promotion import sameness

HELP = "release the job: roll it out, or go on with the rollout that was left behind"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)
    parser.add_argument("--supersede", action="store_true", help="first take down the open rollout of another version")
    parser.add_argument("--detach", action="store_true", help="leave the rollout to the controller on the cluster")


def run(given: argparse.Namespace) -> Exit:
    """Prepare what the job needs, and release it."""
    site = Site.named(given.env)
    file, job = site.job(given.job)
    order = release.Order(
        job=job,
        plan=release.plan_of(file, site, job),
        who=options.who(),
        fingerprint=sameness.known(file, site.env),
        supersede=given.supersede,
        detach=given.detach,
    )
    if prepare := getattr(file, "prepare", None):
        prepare(site.access)
    return follow.released(site, order, as_json=given.json)
