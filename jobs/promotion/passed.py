"""What has passed in an environment, and so may go on to the next."""

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.nomad import diff, spec, versions
from jobs.nomad.client import Client
from jobs.rollout.state import Result, State

_DIGEST = "@sha256:"
_LINES = 6


def findings(client: Client, env: str, job: spec.Job, fingerprint: str, rollouts: Sequence[State]) -> Iterator[str]:
    """What keeps a version from going on.

    Args:
        client: Nomad of the environment where it must have passed.
        env: that environment's name.
        job: the job of that environment.
        fingerprint: the version's.
        rollouts: of that job there, the newest first, without the open one.
    """
    running = client.find(job.id)
    if running is None or running["Stop"]:
        yield f"{env}: {job.id} does not run - run it there first"
        return
    planned = client.plan(versions.kept(job, running))
    if planned.changes:
        lines = [line.show(colour=False) for line in diff.lines(planned.diff)]
        yield "\n  ".join(
            [f"{env}: another version of {job.id} runs there - run this one there first", *lines[:_LINES]]
        )
    elif not client.status(job.id).whole:
        yield f"{env}: {job.id} is not whole - see its status there"
    yield from _rollouts(env, job.id, fingerprint, rollouts)


def unpinned(job: spec.Job) -> Iterator[str]:
    """What a job fetches by a name under which another content may be found tomorrow."""
    for group in job.task_groups:
        for task in group.tasks:
            where = f"{job.id}.group[{group.name}].task[{task.name}]"
            yield from _image(where, task.config or {})
            for artifact in task.artifacts or ():
                if not (artifact.options or {}).get("checksum"):
                    yield f"{where}: artifact {artifact.source} has no checksum - give options['checksum']"


def _rollouts(env: str, job_id: str, fingerprint: str, rollouts: Sequence[State]) -> Iterator[str]:
    newest = next((each for each in rollouts if each.fingerprint == fingerprint), None)
    if newest is None:
        yield f"{env}: no rollout of this version ({fingerprint[:12]}) of {job_id} ended there - run it there first"
    elif newest.result is not Result.DONE:
        yield f"{env}: its last rollout there was {newest.result}: {newest.reason}"


def _image(where: str, config: Any) -> Iterator[str]:
    """An image that the task itself loads comes with an artifact, and so with its checksum."""
    image = config.get("image")
    if isinstance(image, str) and _DIGEST not in image and "load" not in config:
        yield f"{where}: the image {image} may be another one tomorrow - name it by its digest, {image}@sha256:..."
