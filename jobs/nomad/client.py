"""Nomad's API as delivery needs it: python-nomad, and what it lacks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import nomad
import requests
from nomad.api import exceptions

from configs.errors import AccessError, JobError
from jobs.nomad import diff, spec, trouble

Document = dict[str, Any]

_REST_WITHIN_S: Final = 20
_POLL_S: Final = 0.1
_OVER: Final = ("successful", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What Nomad would do.

    Attributes:
        index: the job's modify index that the plan was made at; 0 for a job that does not exist.
        diff: Nomad's own diff of the job.
        troubles: groups that could not be placed, and why.
        warnings: Nomad's own.
    """

    index: int
    diff: Mapping[str, Any]
    troubles: tuple[str, ...] = ()
    warnings: str = ""

    @property
    def changes(self) -> bool:
        """Whether the job differs from the one that Nomad has."""
        return diff.changes(self.diff)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """What a registration made: the job's modify index and version, and Nomad's warnings."""

    index: int
    version: int
    warnings: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A job as it is now; `groups` counts its allocations by state."""

    id: str
    status: str
    version: int
    deployment: str | None
    groups: Mapping[str, Mapping[str, int]]
    troubles: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all that should run does."""
        missing = ("Queued", "Starting", "Unknown")
        return self.status == "running" and not any(group.get(key) for group in self.groups.values() for key in missing)


class Client:
    """One environment's Nomad.

    Every call raises AccessError when Nomad is not reached or does not let us, and JobError when it refuses a job.
    """

    def __init__(self, api: nomad.Nomad) -> None:
        self._api = api

    def validate(self, job: spec.Job) -> tuple[str, ...]:
        """What Nomad itself finds wrong with a job."""
        answer = self._call(self._api.validate, "post", "job", json={"Job": job.to_api()})
        return tuple(answer.get("ValidationErrors") or ())

    def parse(self, hcl: str, variables: str = "") -> Document:
        """The job of a job file in HCL, as Nomad parses it; its defaults are not filled in.

        Args:
            hcl: the file's text.
            variables: values of its variables, in HCL too, as a var file has them.
        """
        body = {"JobHCL": hcl, "Variables": variables, "Canonicalize": False}
        parsed: Document = self._call(self._api.jobs, "post", "parse", json=body)
        return parsed

    def plan(self, job: spec.Job) -> Plan:
        """What registering a job would do."""
        answer = self._call(self._api.job, "post", job.id, "plan", json={"Job": job.to_api(), "Diff": True})
        return Plan(
            index=answer["JobModifyIndex"],
            diff=answer["Diff"],
            troubles=tuple(trouble.unplaced(answer.get("FailedTGAllocs") or {})),
            warnings=answer.get("Warnings") or "",
        )

    def register(self, job: spec.Job, index: int, *, preserve_counts: bool = False) -> Registration:
        """Register a job, unless somebody did since it had this modify index.

        Args:
            job: what is registered.
            index: the job's modify index as it was planned at.
            preserve_counts: whether groups that run keep the count that they have now.

        Raises:
            JobError: when somebody did, before us or at the same time, or the job is refused.
        """
        body = {
            "Job": job.to_api(),
            "EnforceIndex": True,
            "JobModifyIndex": index,
            "PreserveCounts": preserve_counts,
        }
        answer = self._call(self._api.jobs, "post", json=body)
        # The present version may be another already: what fails at once is taken back by Nomad, and Nomad 1.11 does not
        # hold EnforceIndex against registrations at the same moment (nomad#27832).
        made = answer["JobModifyIndex"]
        version = next((each["Version"] for each in self.versions(job.id) if each["JobModifyIndex"] == made), None)
        if version is None:
            raise JobError(f"{job.id}: somebody else registered it at the same moment - look at its status, plan again")
        return Registration(index=made, version=version, warnings=answer.get("Warnings") or "")

    def stop(self, job_id: str) -> None:
        """Stop a job; Nomad remembers it until it collects its garbage."""
        self._call(self._api.job, "delete", job_id)

    def purge(self, job_id: str) -> None:
        """Stop a job and have Nomad forget it; nothing is done when it has none of this name.

        Nomad forgets it only once its evaluations are over: a deployment whose job is gone ends every server of Nomad
        1.11.3 that becomes leader, for good (nomad/plan_apply.go:249 reads what the plan of such a job does not have).

        Raises:
            JobError: when the stopped job does not come to rest; it is stopped then, and known.
        """
        found = self.find(job_id)
        if found is None:
            return
        if not found["Stop"]:
            self.stop(job_id)
        self._await_rest(job_id)
        self._call(self._api.job, "delete", job_id, params={"purge": "true"})

    def evaluate(self, job_id: str) -> None:
        """Have the scheduler look at a job anew, failed allocations included."""
        self._call(
            self._api.job, "post", job_id, "evaluate", json={"JobID": job_id, "EvalOptions": {"ForceReschedule": True}}
        )

    def find(self, job_id: str) -> Document | None:
        """The job as Nomad has it; None when it has none of this name."""
        try:
            found: Document = self._call(self._api.job, "get", job_id)
        except _NotFoundError:
            return None
        return found

    def job(self, job_id: str) -> Document:
        """The job as Nomad has it.

        Raises:
            JobError: when it has none of this name.
        """
        if (found := self.find(job_id)) is None:
            raise JobError(f"{job_id}: Nomad has no job of this name - run it first")
        return found

    def status(self, job_id: str) -> Status:
        """How a job is.

        Raises:
            JobError: when there is none of this name.
        """
        job = self.job(job_id)
        deployment = self.deployment(job_id)
        summary: Document = self._call(self._api.job, "get", job_id, "summary")
        return Status(
            id=job_id,
            status="stopped" if job["Stop"] else job["Status"],
            version=job["Version"],
            deployment=f"{deployment['Status']}: {deployment['StatusDescription']}" if deployment else None,
            groups=summary["Summary"],
            troubles=tuple(trouble.of_allocations(trouble.current(self.allocations(job_id)))),
        )

    def allocations(self, job_id: str) -> list[Document]:
        """A job's allocations, those of its earlier versions too."""
        found: list[Document] = self._call(self._api.job, "get", job_id, "allocations")
        return found

    def evaluations(self, job_id: str) -> list[Document]:
        """A job's evaluations, the newest first."""
        found: list[Document] = self._call(self._api.job, "get", job_id, "evaluations")
        return sorted(found, key=lambda evaluation: -evaluation["CreateIndex"])

    def deployments(self, job_id: str) -> list[Document]:
        """A job's deployments, the newest first."""
        found: list[Document] = self._call(self._api.job, "get", job_id, "deployments")
        return sorted(found, key=lambda deployment: -int(deployment["CreateIndex"]))

    def deployment(self, job_id: str, version: int | None = None) -> Document | None:
        """A job's latest deployment, or the latest of one version; None when there is none."""
        return next((each for each in self.deployments(job_id) if version in (None, each["JobVersion"])), None)

    def promote(self, deployment_id: str) -> None:
        """Let a deployment's healthy canaries take the place of the rest."""
        body = {"DeploymentID": deployment_id, "All": True}
        self._call(self._api.deployment, "post", "promote", deployment_id, json=body)

    def fail(self, deployment_id: str) -> None:
        """Give a deployment up; with `auto_revert` Nomad goes back to the latest stable version."""
        self._call(self._api.deployment, "post", "fail", deployment_id)

    def revert(self, job_id: str, version: int) -> None:
        """Register an earlier version anew."""
        self._call(self._api.job, "post", job_id, "revert", json={"JobID": job_id, "JobVersion": version})

    def versions(self, job_id: str) -> list[Document]:
        """The versions of a job that Nomad still has, the newest first: the last six, and those with a tag."""
        found: Document = self._call(self._api.job, "get", job_id, "versions")
        return sorted(found["Versions"], key=lambda version: -int(version["Version"]))

    def tag(self, job_id: str, version: int, name: str, description: str) -> None:
        """Name a version, in the place of the name it has; Nomad keeps it for as long as it is named."""
        body = {"Version": version, "Description": description}
        self._call(self._api.job, "put", job_id, "versions", name, "tag", json=body)

    def untag(self, job_id: str, name: str) -> None:
        """Let a version have no name any more."""
        self._call(self._api.job, "delete", job_id, "versions", name, "tag")

    def scale(self, job_id: str, group: str, count: int, why: str) -> None:
        """Set a group's count; Nomad refuses while a deployment of the job goes on."""
        body = {"Count": count, "Target": {"Group": group}, "Message": why}
        self._call(self._api.job, "post", job_id, "scale", json=body)

    def _await_rest(self, job_id: str) -> None:
        end = time.monotonic() + _REST_WITHIN_S
        while not self._rests(job_id):
            if time.monotonic() > end:
                raise JobError(f"{job_id}: stopped, and still evaluated after {_REST_WITHIN_S} s - purge it later")
            time.sleep(_POLL_S)

    def _rests(self, job_id: str) -> bool:
        """Whether nothing is left that Nomad's scheduler would plan for a stopped job."""
        evaluated = any(each["Status"] in ("pending", "blocked") for each in self.evaluations(job_id))
        deployment = self.deployment(job_id)
        return not evaluated and (deployment is None or deployment["Status"] in _OVER)

    def _call(
        self,
        endpoint: Any,
        method: str,
        *path: str,
        json: Document | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        words = f"{method.upper()} /v1/{'/'.join([endpoint.ENDPOINT, *path])}"
        escaped = [quote(part, safe="") for part in path]
        try:
            return endpoint.request(*escaped, method=method, json=json, params=dict(params or {})).json()
        except exceptions.URLNotFoundNomadException:
            raise _NotFoundError(f"{words}: not found") from None
        except exceptions.URLNotAuthorizedNomadException:
            raise AccessError(f"{words}: Nomad does not let this token do it - use an operator's access") from None
        except exceptions.BaseNomadException as error:
            raise _failure(words, error) from None


class _NotFoundError(JobError):
    pass


def _failure(words: str, error: exceptions.BaseNomadException) -> JobError | AccessError:
    """python-nomad puts either the answer or the network's error into its exception."""
    answer = error.nomad_resp
    if isinstance(answer, requests.Response):
        return JobError(f"{words}: {answer.status_code}: {answer.text.strip()}")
    return AccessError(f"{words}: Nomad is not reached ({type(answer).__name__}) - is a server up, and its port open?")
