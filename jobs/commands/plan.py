"""plan: what Nomad would do, what we advise, and what the rollout would check."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from jobs.commands import options, output, release
from jobs.commands.exits import PlanExit
from jobs.commands.options import Site
from jobs.nomad import advice, diff
from jobs.rollout.plan import Plan

HELP = "print what Nomad and the rollout would do; changes nothing; exits like nomad plan: 0 same, 1 changes, 255 error"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)


def run(given: argparse.Namespace) -> PlanExit:
    """Ask Nomad, and print it."""
    return run_on(Site.named(given.env), given)


def run_on(site: Site, given: argparse.Namespace) -> PlanExit:
    """The plan for one environment."""
    file, job = site.job(given.job)
    plan = release.plan_of(file, site, job)
    planned = site.nomad.plan(release.as_running(job, site))
    advised = advice.warnings(job)
    if given.json:
        shown = {**asdict(planned), "changes": planned.changes, "advice": advised, "rollout": asdict(plan)}
        output.document(shown)
        return PlanExit(planned.changes)
    if planned.changes:
        colour = sys.stdout.isatty()
        output.text(*(line.show(colour=colour) for line in diff.lines(planned.diff)))
        output.text(*told(plan))
    else:
        output.text(f"{job.id}: nothing would change")
    output.text(*(note for note in (*planned.troubles, planned.warnings.strip(), *advised) if note))
    return PlanExit(planned.changes)


def told(plan: Plan) -> Iterator[str]:
    """A rollout's plan in lines."""
    if plan.strategy == "rolling":
        yield "rollout: rolling, instances one after another, judged by their health"
        return
    shares = ", ".join(f"{step.weight} % for {output.duration(step.hold.total_seconds())}" for step in plan.steps)
    yield f"rollout: {plan.strategy}: {shares}; {minimum(plan)} at least"
    yield f"  checks every {plan.interval.total_seconds():.0f} s: {', '.join(check.name for check in plan.checks)}"


def minimum(plan: Plan) -> timedelta:
    """The time that the steps alone take."""
    return sum((step.hold for step in plan.steps), timedelta(0))
