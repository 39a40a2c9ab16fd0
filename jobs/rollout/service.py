"""The service of a job whose traffic is shared between the versions."""

from configs import ingress
from jobs.nomad import spec


def behind_ingress(job: spec.Job) -> tuple[str | None, str | None]:
    """The group and the name of the service that the ingress routes to; None and None without one."""
    for group in job.task_groups:
        for service in (*(group.services or ()), *(s for task in group.tasks for s in task.services or ())):
            if ingress.TAG in (service.tags or ()):
                return group.name, service.name
    return None, None
