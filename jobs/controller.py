"""controller: takes open rollouts to their end when nobody else does; one instance is active, another stands by.

It is our own code, run by the Python of its client. What it may and where its secrets are: configs/controller.py.
"""

import json
from datetime import timedelta

from configs import artifacts, controller, programs
from configs.environment import Arch, Environment
from configs.errors import JobError
from inventory import artifact_cache
from jobs.nomad import mirror, service, spec

_INSTANCES = 2
_LOADERS = {
    Arch.AMD64: "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    Arch.ARM64: "/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
}
"""Programs ask for the loader under /lib, which the task's root does not have: it is called by its own path."""


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256) -> spec.Job:
    """The job of an environment.

    Raises:
        JobError: when its clients have no Python that runs it.
    """
    if env.client_python is None:
        raise JobError(f"{env.name}: client_python is None, so there is no controller - rollouts run where they began")
    system, version = programs.SYSTEMS[env.client_python]
    return spec.Job(
        id=controller.NAME,
        type="service",
        datacenters=(env.name,),
        region=env.region,
        priority=80,
        constraints=(
            mirror.same_arch(env),
            spec.Constraint(attribute="${attr.os.name}", value=system),
            spec.Constraint(attribute="${attr.os.version}", operator="regexp", value=f"^{version}(\\.|$)"),
            spec.Constraint(operator="distinct_hosts", value="true"),
        ),
        task_groups=(_group(env, checksum),),
    )


def instances(env: Environment) -> int:
    """How many there are: the active one, and one that stands by where there is another client."""
    return min(_INSTANCES, len(env.clients))


def _group(env: Environment, checksum: mirror.Checksum) -> spec.TaskGroup:
    return spec.TaskGroup(
        name=controller.NAME,
        count=instances(env),
        update=spec.Update(
            max_parallel=1,
            health_check="checks",
            min_healthy_time=timedelta(seconds=3),
            healthy_deadline=timedelta(minutes=2),
            progress_deadline=timedelta(minutes=5),
            auto_revert=True,
        ),
        networks=(spec.Network(mode="host", dynamic_ports=(spec.Port(label="http"),)),),
        volumes={"usr": spec.VolumeRequest(name="usr", type="host", source=controller.USR, read_only=True)},
        services=(_service(),),
        restart=spec.Restart(attempts=10, interval=timedelta(minutes=5), delay=timedelta(seconds=2), mode="delay"),
        reschedule=spec.Reschedule(
            delay=timedelta(seconds=5), delay_function="exponential", max_delay=timedelta(minutes=1), unlimited=True
        ),
        ephemeral_disk=spec.EphemeralDisk(size_mb=300),
        tasks=(service.reader(_task(env, checksum)),),
    )


def _service() -> spec.Service:
    return spec.Service(
        name=controller.NAME,
        port="http",
        tags=("metrics",),
        meta={"metrics_path": "/metrics"},
        checks=(
            spec.Check(
                type="http",
                path="/health",
                interval=timedelta(seconds=2),
                timeout=timedelta(seconds=1),
                check_restart=spec.CheckRestart(limit=10, grace=timedelta(seconds=60)),
            ),
        ),
    )


def _task(env: Environment, checksum: mirror.Checksum) -> spec.Task:
    program = ("/usr/bin/python3", "-m", "jobs.rollout.controller", "${NOMAD_SECRETS_DIR}")
    return spec.Task(
        name=controller.NAME,
        driver="exec",
        user="nobody",
        config={"command": _LOADERS[env.clients[0].arch], "args": list(program)},
        env={
            "PYTHONPATH": "${NOMAD_TASK_DIR}:${NOMAD_TASK_DIR}/libraries",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NODE_NAME": "${node.unique.name}",
        },
        artifacts=tuple(
            mirror.fetched(env, artifact, checksum, folder=folder)
            for artifact, folder in zip(artifacts.python(env), ("local/", "local/libraries/"), strict=True)
        ),
        volume_mounts=(spec.VolumeMount(volume="usr", destination="/usr", read_only=True),),
        templates=tuple(_templates(env)),
        resources=spec.Resources(cpu=100, memory_mb=256, secrets_mb=8),
        logs=spec.LogConfig(max_files=3, max_file_size_mb=20),
        kill_signal="SIGTERM",
        kill_timeout=timedelta(seconds=30),
    )


def _templates(env: Environment) -> list[spec.Template]:
    """A renewed certificate is read with the next connection, a token with the next call, a password at the start."""
    return [
        service.private("secrets/reach.json", json.dumps(controller.reach(env), indent=2), change_mode="restart"),
        *(
            service.private(f"secrets/{name}.pem", service.field(controller.TLS_PATH, name))
            for name in ("cert", "key", "ca")
        ),
        service.private("secrets/nomad-token", service.field(controller.TOKENS_PATH, "nomad")),
        service.private("secrets/password", service.field(controller.TOKENS_PATH, "prometheus"), change_mode="restart"),
    ]
