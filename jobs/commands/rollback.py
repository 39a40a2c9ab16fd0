"""rollback: an earlier good version again, with the counts that run now."""

import argparse

from configs.errors import PromotionError
from jobs import files
from jobs.commands import follow, options, release
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad import spec, versions
from jobs.rollout.plan import Plan, rolling

HELP = "release an earlier good version again, with the counts that run now"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)
    parser.add_argument(
        "--to", type=int, metavar="VERSION", help="Nomad's version; the newest good one before by default"
    )
    parser.add_argument("--with-rollout", action="store_true", help="judge it step by step, as a new version is")


def run(given: argparse.Namespace) -> Exit:
    """Release it."""
    return run_on(Site.named(given.env), given)


def run_on(site: Site, given: argparse.Namespace) -> Exit:
    """Release it to one environment."""
    job_id = files.identify(given.job, site.env)
    if state := site.journal(job_id).read():
        raise PromotionError([f"{job_id}: a rollout is open ({state.phase}) - take it back with abort"])
    job = chosen(site, job_id, given.to)
    plan = _plan(given.job, site, job) if given.with_rollout else rolling()
    order = release.Order(job=job, plan=plan, who=f"{options.who()}, a rollback")
    return follow.released(site, order, as_json=given.json)


def chosen(site: Site, job_id: str, to: int | None) -> spec.Job:
    """The job of an earlier version, with the counts that run.

    Raises:
        PromotionError: when there is no such version, or it was not good.
    """
    earlier = versions.earlier(versions.of(site.nomad, job_id), to)
    return versions.kept(earlier.job, site.nomad.job(job_id))


def _plan(name: str, site: Site, job: spec.Job) -> Plan:
    return release.plan_of(files.load(name), site, job)
