"""The pieces of a job that are the same for every service, each composed of `spec` alone.

`service(...)` is the whole group of a service: found in the catalog, routed by the ingress, checked, scraped, its logs
bounded, a new version canaried and reverted when it fails. What a service wants otherwise it says afterwards, with
`dataclasses.replace`.
"""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

from configs import ingress
from jobs.nomad import spec

METRICS_TAG: Final = "metrics"
"""Prometheus asks every service with this tag, at the path in its meta `metrics_path`."""

LOGS: Final = spec.LogConfig(max_files=3, max_file_size_mb=10)
"""What is kept on the node of a task that says nothing else; Loki has the rest."""

CONSUL_TOKEN: Final = spec.Identity(name="consul_default", aud=("consul.io",), ttl=timedelta(hours=1))
"""The identity for which Consul gives a task's templates a token."""

NOBODY: Final = 65534
"""The user and group `nobody` of Debian."""

_HEALTHY_FOR: Final = timedelta(seconds=5)
_RESTART: Final = spec.Restart(
    attempts=3, interval=timedelta(minutes=2), delay=timedelta(seconds=2), mode="fail", render_templates=False
)
_RESCHEDULE: Final = spec.Reschedule(
    delay=timedelta(seconds=5), delay_function="exponential", max_delay=timedelta(minutes=1), unlimited=True
)

_AT_ONCE: Final = spec.Wait(min=timedelta(0), max=timedelta(seconds=1))
"""Nomad's own default waits 5 s before it renders anything."""


def service(
    name: str,
    *,
    network: spec.Network,
    tasks: Sequence[spec.Task],
    port: str = "http",
    routed: bool = True,
    health: str = "/health",
    metrics: str | None = "/metrics",
    canary: int = 1,
    healthy_within: timedelta = timedelta(minutes=1),
    disk_mb: int | None = None,
) -> spec.TaskGroup:
    """The group of a service.

    Args:
        name: the service's, and the group's.
        network: the group's network, with the service's port among its ports.
        tasks: the group's tasks; those that say nothing of their logs keep LOGS.
        port: the label of the service's port.
        routed: whether the ingress sends traffic to it.
        health: the path that answers 200 when an instance is well.
        metrics: the path where Prometheus asks; None when there is none.
        canary: how many instances of a new version are tried beside the old ones.
        healthy_within: how long a new instance may take until it is well.
        disk_mb: the group's disk, in MiB; logs are part of it.
    """
    return spec.TaskGroup(
        name=name,
        update=_update(canary, healthy_within),
        networks=(network,),
        services=(entry(name, port=port, routed=routed, health=health, metrics=metrics),),
        # The instance leaves the catalog, then Traefik's routes, and only then is told to end.
        shutdown_delay=timedelta(seconds=3),
        restart=_RESTART,
        reschedule=_RESCHEDULE,
        migrate=spec.Migrate(max_parallel=1, health_check="checks", min_healthy_time=_HEALTHY_FOR),
        ephemeral_disk=None if disk_mb is None else spec.EphemeralDisk(size_mb=disk_mb),
        tasks=tuple(dataclasses.replace(task, logs=task.logs or LOGS) for task in tasks),
    )


def entry(
    name: str, *, port: str = "http", routed: bool = True, health: str = "/health", metrics: str | None = "/metrics"
) -> spec.Service:
    """A service's entry in the catalog: its tags in both halves of a rollout, its check, where its metrics are."""
    tags = [tag for tag, has in ((ingress.TAG, routed), (METRICS_TAG, metrics)) if has]
    meta = {"metrics_path": metrics} if metrics else None
    return spec.Service(
        name=name,
        port=port,
        tags=(*tags, ingress.STABLE_TAG),
        canary_tags=(*tags, ingress.CANARY_TAG),
        meta=meta,
        canary_meta=meta,
        checks=(
            spec.Check(
                type="http",
                path=health,
                interval=timedelta(seconds=2),
                timeout=timedelta(seconds=1),
                # A process that hangs is started again; one that starts slowly is not.
                check_restart=spec.CheckRestart(limit=5, grace=timedelta(seconds=15)),
            ),
        ),
    )


def reader(task: spec.Task) -> spec.Task:
    """The task, its templates allowed to read Consul and Vault."""
    return dataclasses.replace(
        task, vault=spec.Vault(), consul=spec.Consul(), identities=(*(task.identities or ()), CONSUL_TOKEN)
    )


def watched(destination: str, data: str, signal: str) -> spec.Template:
    """A file that the program reads at its start, and again on a signal."""
    return spec.Template(destination=destination, data=data, change_mode="signal", change_signal=signal, wait=_AT_ONCE)


def private(
    destination: str, data: str, *, change_mode: Literal["noop", "restart"] = "noop", at_once: bool = False
) -> spec.Template:
    """A file that the task's user alone may read: nobody, whom our own tasks run as.

    Args:
        destination: where the task finds it.
        data: the template.
        change_mode: what a new content does; the program reads it by itself unless it is restarted.
        at_once: whether it is rendered within a second, not after Nomad's own five.
    """
    return spec.Template(
        destination=destination,
        data=data,
        change_mode=change_mode,
        perms="0400",
        uid=NOBODY,
        gid=NOBODY,
        wait=_AT_ONCE if at_once else None,
    )


def field(path: str, name: str) -> str:
    """The template of a field of a secret in Vault's KV."""
    return f'{{{{ with secret "secret/data/{path}" }}}}{{{{ .Data.data.{name} }}}}{{{{ end }}}}'


def _update(canary: int, healthy_within: timedelta) -> spec.Update:
    return spec.Update(
        max_parallel=1,
        canary=canary,
        health_check="checks",
        min_healthy_time=_HEALTHY_FOR,
        # A canary that crashes is placed again and again until this ends it, and the old version is restored.
        healthy_deadline=healthy_within,
        progress_deadline=healthy_within * 1.5,
        auto_revert=True,
        auto_promote=False,
    )
