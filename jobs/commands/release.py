"""A job released to an environment: by a rollout, or registered and followed where there is nothing to judge."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from configs import controller
from configs.errors import HeldError, JobError, RolloutError
from jobs.commands.exits import Exit, of
from jobs.commands.options import Site
from jobs.files import JobFile
from jobs.nomad import registration, spec, versions, watch
from jobs.rollout import runner, usual, validation
from jobs.rollout.plan import Plan, rolling
from jobs.rollout.state import Decision, Phase, Result, State
from jobs.rollout.world import scaled

JUDGED = "service"
"""The type of jobs that are rolled out by a plan; the others' updates are Nomad's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be released.

    Attributes:
        job: the job of the environment.
        plan: how it is judged.
        who: who asks for it.
        fingerprint: what the version is in every environment.
        supersede: whether the open rollout of another version is first taken down.
        detach: whether the rollout is left to the controller on the cluster.
    """

    job: spec.Job
    plan: Plan
    who: str
    fingerprint: str = ""
    supersede: bool = False
    detach: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """What came of it; `state` is the rollout's, None when nothing had to be done."""

    job: str
    version: int | None
    changed: bool
    state: State | None = None

    @property
    def exit(self) -> Exit:
        """How the command ends."""
        return of(self.state) if self.state else Exit.DONE


def plan_of(file: JobFile, site: Site, job: spec.Job) -> Plan:
    """The rollout's plan: the job file's own, or the usual one.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    own: Callable[..., Plan] | None = getattr(file, "rollout", None)
    plan = own(site.env) if own else usual.plan(job) if judged(job) else rolling()
    validation.check(plan, job)
    return plan


def judged(job: spec.Job) -> bool:
    """Whether the job's new versions go through a rollout's steps."""
    return job.type in (None, JUDGED)


def as_running(job: spec.Job, site: Site) -> spec.Job:
    """The job with the counts that run, where something else than its file decides on them."""
    return versions.kept(job, site.nomad.find(job.id)) if scaled(job) else job


def release(site: Site, order: Order, report: Callable[[Decision], None]) -> Released:
    """Release a version, or take up the release of it that was left behind.

    Raises:
        HeldError: when another runner is at a rollout of this job.
        RolloutError: when the rollout of another version is open.
        AccessError: when the environment is not reached; an open rollout stays open.
        JobError: when Nomad refuses the job.
    """
    job = order.job
    if order.supersede:
        _supersede(site, order, report)
    if site.journal(job.id).read() is None and not site.nomad.plan(as_running(job, site)).changes:
        return _unchanged(site, order, report)
    if not judged(job):
        return _settled(site, order, report)
    if order.detach:
        return _left(site, order, report)
    state = runner.begin(site.reach, job, order.plan, who=order.who, fingerprint=order.fingerprint, report=report)
    return Released(job=job.id, version=state.version, changed=True, state=state)


def _supersede(site: Site, order: Order, report: Callable[[Decision], None]) -> None:
    """The other version's rollout is aborted: its weight is taken away and verified before anything else is done.

    Raises:
        RolloutError: when the version before it does not become whole.
    """
    journal = site.journal(order.job.id)
    state = journal.read()
    if state is None or state.spec == order.job.to_api():
        return
    journal.ask("abort", f"{order.who}, who supersedes it")
    ended = runner.attend(site.reach, order.job.id, who=order.who, report=report)
    if ended.result is Result.STUCK:
        raise RolloutError(f"{order.job.id}: the rollout before is not taken back: {ended.reason} - see its status")


def _unchanged(site: Site, order: Order, report: Callable[[Decision], None]) -> Released:
    """Nomad has exactly this job; what goes on of it is followed to its end."""
    version = int(site.nomad.job(order.job.id)["Version"])
    if not watch.look(site.nomad, order.job.id, version).done:
        watch.settled(
            site.nomad, order.job.id, version, within=registration.WITHIN, report=lambda text: report(_said(text))
        )
    return Released(job=order.job.id, version=version, changed=False)


def _settled(site: Site, order: Order, report: Callable[[Decision], None]) -> Released:
    """Nomad's own update, kept in the history like a rollout."""
    with site.journal(order.job.id).lease(order.who) as lease:
        state = _fresh(site, order)
        try:
            ran = registration.settle(site.nomad, order.job, lambda text: report(_said(text)))
            state = _ended(replace(state, version=ran.version), Result.DONE, f"version {ran.version} runs whole")
        except JobError as error:
            state = _ended(state, Result.FAILED, str(error))
        lease.finish(state)
    return Released(job=order.job.id, version=state.version, changed=True, state=state)


def _ended(state: State, result: Result, reason: str) -> State:
    now = time.time()
    ended = replace(state, phase=Phase.ENDED, result=result, reason=reason, ended=now)
    return ended.noted(now, reason)


def _left(site: Site, order: Order, report: Callable[[Decision], None]) -> Released:
    """Written into the journal, for the controller on the cluster to find.

    Raises:
        RolloutError: when there is no controller.
        HeldError: when the rollout of another version is open, or somebody runs this one.
    """
    running = site.nomad.find(controller.NAME)
    if running is None or running["Stop"]:
        raise RolloutError(
            f"{order.job.id}: {site.env.name} runs no {controller.NAME} that goes on with it - run it here"
        )
    journal = site.journal(order.job.id)
    with journal.lease(order.who) as lease:
        state = journal.read()
        if state is None:
            runner.at_rest(site.reach, order.job.id, order.plan.start_within, report)
            state = _fresh(site, order)
            lease.write(state)
        elif state.spec != order.job.to_api():
            raise HeldError(
                f"{order.job.id}: the rollout of another version is open ({state.phase}, by {state.who}) - see it with "
                "`status`, end it with `abort`, or run again with --supersede"
            )
    return Released(job=order.job.id, version=state.version, changed=True, state=state)


def _fresh(site: Site, order: Order) -> State:
    return runner.fresh(
        site.reach, order.job, order.plan, who=order.who, fingerprint=order.fingerprint, now=time.time()
    )


def _said(text: str) -> Decision:
    return Decision(at=time.time(), text=text, phase=Phase.FINISHING, weight=0)
