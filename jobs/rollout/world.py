"""The real systems, as one rollout sees them and acts on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jobs.nomad import spec, versions, watch
from jobs.nomad.client import Document
from jobs.rollout import actions, decide, judgement, seen
from jobs.rollout.actions import Action
from jobs.rollout.lease import Lease
from jobs.rollout.metrics import Metrics, Subject
from jobs.rollout.reach import Reach
from jobs.rollout.seen import Seen
from jobs.rollout.state import Phase, State
from jobs.rollout.traffic import Ingress
from jobs.rollout.verdicts import Measurement

_WHOLE = (Phase.FINISHING, Phase.REVERTING)
"""The phases that wait until the job is whole; Nomad is asked in these alone."""

Allocations = tuple[Document, ...]


class World:
    """Nomad, the ingresses and the metrics, for one rollout.

    Every method raises AccessError when a server it needs is not reached.
    """

    def __init__(self, reach: Reach) -> None:
        self._nomad = reach.nomad
        self._ingress = Ingress(reach.consul, reach.ingresses, reach.session)
        self._metrics = Metrics(reach.prometheus, reach.loki)
        self._registered: int | None = None

    def look(self, state: State, request: seen.Request | None, now: float) -> Seen:
        """What there is now; the checks are measured when they are due."""
        job = self._nomad.find(state.job)
        deployments = self._nomad.deployments(state.job) if job else []
        found = Seen(
            job=self._job(state, job) if job else None,
            deployment=_newest(deployments, state.version),
            latest=_newest(deployments, job["Version"] if job else None),
            traffic=self._traffic(state, deployments),
            request=request,
        )
        if state.phase is Phase.ANALYSING and judgement.measures(state, now):
            return replace(found, measurements=self._measured(state, found, now))
        if decide.explains(state, found, now):
            return replace(found, trouble=self._trouble(state))
        return found

    def act(self, action: Action, state: State, lease: Lease) -> None:
        """Do what is due, unless the lease is lost.

        Raises:
            LostError: when it is.
            JobError: when Nomad refuses.
        """
        if isinstance(action, actions.Weigh):
            lease.put_weights(str(state.service), action.canary)
            return
        lease.confirm()
        match action:
            case actions.Register():
                job = spec.Job.from_api(state.spec)
                made = self._nomad.register(job, state.before.index, preserve_counts=scaled(job))
                self._registered = made.version
            case actions.Promote(deployment):
                self._nomad.promote(deployment)
            case actions.Fail(deployment):
                self._nomad.fail(deployment)
            case actions.Revert(version):
                self._nomad.revert(state.job, version)
            case actions.Scale(group, count):
                self._nomad.scale(state.job, group, count, f"it had {count} before the rollout")

    def _job(self, state: State, job: Document) -> seen.Job:
        return seen.Job(
            version=job["Version"],
            index=job["JobModifyIndex"],
            ours=self._ours(state, job) if state.phase is Phase.REGISTERING else None,
            stopped=job["Stop"],
            whole=state.phase in _WHOLE and watch.look(self._nomad, state.job, job["Version"]).done,
            counts=counts(job),
        )

    def _trouble(self, state: State) -> str:
        """The first of Nomad's reasons, in one line."""
        reasons = watch.reasons(self._nomad, state.job, state.version or 0)
        return " ".join(reasons[0].split()) if reasons else ""

    def _ours(self, state: State, job: Document) -> int | None:
        """The version that the registration made: ours, or that of a runner before us that did not live to say so.

        Ours may be gone already: a version that fails at once is taken back by Nomad within a second.
        """
        if self._registered is not None or job["JobModifyIndex"] == state.before.index:
            return self._registered
        wanted = spec.Job.from_api(state.spec)
        same = not self._nomad.plan(versions.kept(wanted, job) if scaled(wanted) else wanted).changes
        return int(job["Version"]) if same else None

    def _traffic(self, state: State, deployments: list[Document]) -> seen.Traffic | None:
        if state.service is None:
            return None
        mine = next((each for each in deployments if each["JobVersion"] == state.version), None)
        group = mine["TaskGroups"].get(state.group) if mine else None
        return replace(self._ingress.look(state.service), expected=group["DesiredCanaries"] if group else 0)

    def _measured(self, state: State, found: Seen, now: float) -> tuple[Measurement, ...]:
        canaries, stables = _sides(self._nomad.allocations(state.job), state.version)
        wanted = judgement.required(state, found)
        subject = Subject(
            job=state.job,
            service=state.service,
            canaries=canaries,
            stables=stables,
            began=state.step_began or now,
            now=now,
            weight=state.weight,
            alpha=state.plan.alpha / (len(wanted) * judgement.looks(state.plan)),
            again=state.again,
        )
        share = (self._metrics.share(subject),) if judgement.SHARE in wanted else ()
        return (*(self._metrics.measure(check, subject) for check in state.plan.checks), *share)


def counts(job: Document) -> Mapping[str, int]:
    """The instances that a job asks for, by group."""
    return {group["Name"]: group["Count"] for group in job["TaskGroups"]}


def scaled(job: spec.Job) -> bool:
    """Whether something else than the job file decides on counts: a registration must leave those alone."""
    return any(group.scaling is not None for group in job.task_groups)


def _sides(allocations: list[Document], version: int | None) -> tuple[Allocations, Allocations]:
    running = [a for a in allocations if a["DesiredStatus"] == "run"]
    canaries = (a for a in allocations if a["JobVersion"] == version and _canary(a))
    return tuple(canaries), tuple(a for a in running if a["JobVersion"] != version)


def _canary(allocation: Mapping[str, Any]) -> bool:
    return bool((allocation.get("DeploymentStatus") or {}).get("Canary"))


def _newest(deployments: list[Document], version: int | None) -> seen.Deployment | None:
    newest = next((each for each in deployments if each["JobVersion"] == version), None)
    if newest is None:
        return None
    groups = newest["TaskGroups"].values()
    canaried = [group for group in groups if group["DesiredCanaries"]]
    return seen.Deployment(
        id=newest["ID"],
        version=newest["JobVersion"],
        status=newest["Status"],
        text=newest["StatusDescription"],
        wanted=sum(group["DesiredCanaries"] for group in canaried),
        healthy=sum(min(group["HealthyAllocs"], group["DesiredCanaries"]) for group in canaried),
        promoted=bool(canaried) and all(group["Promoted"] for group in canaried),
    )
