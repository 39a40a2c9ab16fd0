"""status: the job as Nomad has it, and the rollout that is open."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from jobs import files
from jobs.commands import options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad.client import Status
from jobs.rollout.hold import Holder
from jobs.rollout.seen import Half, Traffic
from jobs.rollout.state import Decision, Phase, State
from jobs.rollout.traffic import Ingress

HELP = "print allocations, the open rollout, its runner and measurements, and why something does not run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)


def run(given: argparse.Namespace) -> Exit:
    """Ask Nomad, the journal and the ingresses, and print it."""
    site = Site.named(given.env)
    return run_on(site, files.identify(given.job, site.env), as_json=given.json)


def run_on(site: Site, job_id: str, *, as_json: bool) -> Exit:
    """How a job is in one environment."""
    found = look(site, job_id)
    if as_json:
        output.document(found.document)
    else:
        output.text(*_job(found.job), *_rollout(found, time.time()))
    if found.rollout and found.rollout.phase is Phase.HELD:
        return Exit.HELD
    return Exit.DONE if found.job.whole else Exit.FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A job, its open rollout if it has one, who runs that, and how the ingresses split its traffic."""

    job: Status
    rollout: State | None = None
    holder: Holder | None = None
    traffic: Traffic | None = None

    @property
    def document(self) -> dict[str, object]:
        """For a machine."""
        return {
            **asdict(self.job), "whole": self.job.whole, "holder": str(self.holder or ""), "traffic": self.traffic,
            "rollout": output.state(self.rollout) if self.rollout else None,
        }  # fmt: skip


def look(site: Site, job_id: str) -> Found:
    """Ask for all of it.

    Raises:
        JobError: when Nomad has no job of this name.
    """
    journal = site.journal(job_id)
    if (rollout := journal.read()) is None:
        return Found(job=site.nomad.status(job_id))
    reach, service = site.reach, rollout.service
    traffic = Ingress(reach.consul, reach.ingresses, reach.session).look(service) if service else None
    return Found(job=_status(site, rollout), rollout=rollout, holder=journal.holder(), traffic=traffic)


def _status(site: Site, rollout: State) -> Status:
    """Nomad may not have the job yet."""
    if site.nomad.find(rollout.job) is None:
        return Status(id=rollout.job, status="not registered yet", version=0, deployment=None, groups={})
    return site.nomad.status(rollout.job)


def _job(found: Status) -> Iterator[str]:
    yield f"{found.id}: {found.status}, version {found.version}, {'' if found.whole else 'not '}whole"
    yield from (f"  group {name}: {output.counts(counts)}" for name, counts in found.groups.items())
    yield from (f"  {line}" for line in (found.deployment, *found.troubles) if line)


def _rollout(found: Found, now: float) -> Iterator[str]:
    """A rollout that is open: where it is, for how long, what was measured last, and who is at it."""
    if (state := found.rollout) is None:
        return
    version = "" if state.version is None else f" of version {state.version}"
    yield f"rollout {state.id}{version}: {state.phase}, begun {output.moment(state.started)} by {state.who}"
    steps = f"step {state.step + 1} of {len(state.plan.steps)}, " if state.plan.steps else ""
    yield f"  {steps}{state.weight} % wanted, for {output.duration(now - (state.step_began or state.since))}"
    if found.traffic:
        yield f"  in force: {', '.join(f'{name} {_half(half)}' for name, half in found.traffic.ingresses.items())}"
    if state.paused:
        yield "  paused: it goes on with resume"
    if state.reason and state.phase in _BY_REASON:
        yield f"  {state.reason}"
    yield from (f"  {line}" for line in measurements(state))
    yield f"  run by {found.holder}" if found.holder else "  nobody runs it: take it up with resume"


def _half(half: Half | None) -> str:
    return f"{half.weight} %" if half else "does not answer"


_BY_REASON = (Phase.HELD, Phase.WITHDRAWING, Phase.REVERTING)
"""Phases that a reason has led to; in the others it is that of an earlier one."""


def measurements(state: State) -> Iterator[str]:
    """The last that is known of each check."""
    last: dict[str, Decision] = {each.check: each for each in state.decisions if each.check}
    for name, tally in state.tallies.items():
        yield f"{last[name].text if name in last else f'{name}: {tally.verdict}'} ({tally.row} in a row)"
