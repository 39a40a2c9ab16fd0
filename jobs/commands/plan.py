"""plan: what Nomad would do, what we advise, and what the rollout would check."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from configs.errors import ConfigError
from jobs.commands import options, output, release
from jobs.commands.exits import PlanExit
from jobs.commands.options import Site
from jobs.nomad import advice, client, diff, spec
from jobs.rollout import judgement, significance
from jobs.rollout.checks import SuccessRate
from jobs.rollout.plan import Plan

HELP = "print what Nomad and the rollout would do; changes nothing; exits like nomad plan: 0 same, 1 changes, 255 error"


AT_ONCE: Final = 8
"""Plans that Nomad is asked for at the same time: beyond that its servers are busy, and nothing is faster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What would come of a job: Nomad's plan of it, the rollout's, and what we advise."""

    job: spec.Job
    nomad: client.Plan
    rollout: Plan
    advice: tuple[str, ...]

    @property
    def document(self) -> dict[str, object]:
        """For a machine."""
        return {
            **asdict(self.nomad), "job": self.job.id, "changes": self.nomad.changes, "advice": self.advice,
            "rollout": asdict(self.rollout),
        }  # fmt: skip

    def lines(self, *, colour: bool) -> Iterator[str]:
        """For a person."""
        if self.nomad.changes:
            yield from (line.show(colour=colour) for line in diff.lines(self.nomad.diff))
            yield from told(self.rollout)
        else:
            yield f"{self.job.id}: nothing would change"
        yield from (note for note in (*self.nomad.troubles, self.nomad.warnings.strip(), *self.advice) if note)


_TIMES = 5
"""A version this many times as bad as is allowed is what a canary is for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.jobs(parser)
    options.environment(parser)
    options.document(parser)


def run(given: argparse.Namespace) -> PlanExit:
    """Ask Nomad, and print it."""
    return run_on(Site.named(given.env), given)


def run_on(site: Site, given: argparse.Namespace) -> PlanExit:
    """The plan for one environment; the documents of several jobs are in a list."""
    found = planned(site, given.job)
    if given.json:
        output.document(found[0].document if len(found) == 1 else [each.document for each in found])
    else:
        output.text(*(line for each in found for line in each.lines(colour=sys.stdout.isatty())))
    return PlanExit(any(each.nomad.changes for each in found))


def planned(site: Site, names: Sequence[str]) -> list[Planned]:
    """What would come of jobs, in their order.

    Raises:
        ConfigError: with the findings of all of them, before Nomad is asked.
    """
    made: list[tuple[spec.Job, Plan]] = []
    findings: list[str] = []
    for name in names:
        try:
            file, job = site.job(name)
            made.append((job, release.plan_of(file, site, job)))
        except ConfigError as error:
            findings += error.findings
    if findings:
        raise ConfigError(findings)
    nomad = site.nomad  # how it is reached is found out here once, not by each thread

    def asked(job: spec.Job, rollout: Plan) -> Planned:
        plan = nomad.plan(release.as_running(job, site))
        return Planned(job=job, nomad=plan, rollout=rollout, advice=tuple(advice.warnings(job)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: asked(*each), made))


def told(plan: Plan) -> Iterator[str]:
    """A rollout's plan in lines."""
    if plan.strategy == "rolling":
        yield "rollout: rolling, instances one after another, judged by their health"
        return
    shares = ", ".join(f"{step.weight} % for {output.duration(step.hold.total_seconds())}" for step in plan.steps)
    yield f"rollout: {plan.strategy}: {shares}; {minimum(plan)} at least"
    yield f"  checks every {plan.interval.total_seconds():.0f} s: {', '.join(check.name for check in plan.checks)}"
    yield from (f"  {line}" for check in plan.checks if isinstance(check, SuccessRate) for line in _seen(plan, check))


def _seen(plan: Plan, check: SuccessRate) -> Iterator[str]:
    """How much traffic it takes: a step without it ends in no verdict, whatever its time."""
    if check.at_least is None:
        return
    limit = 1 - check.at_least
    alpha = plan.alpha / (2 * (len(plan.checks) + 1) * judgement.looks(plan))
    needed = significance.needed(limit=limit, true=_TIMES * limit, alpha=alpha) if _TIMES * limit < 1 else None
    if needed:
        most = max(needed, check.minimum)
        yield f"{check.name}: {most} requests of the canary show that {_TIMES * limit:.1%} of them fail"


def minimum(plan: Plan) -> timedelta:
    """The time that the steps alone take."""
    return sum((step.hold for step in plan.steps), timedelta(0))
