"""ingress: Traefik on every ingress host, its routes rendered from Consul's catalog and weights."""

import json
from datetime import timedelta

from configs import artifacts, ingress, ports
from configs.environment import Environment, Role
from inventory import artifact_cache
from jobs.nomad import mirror, service, spec

_PORTS = {"http": ports.HTTP, "https": ports.HTTPS, "internal": ports.TRAEFIK_METRICS}


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256) -> spec.Job:
    """The job of an environment."""
    return spec.Job(
        id="ingress",
        type="system",
        datacenters=(env.name,),
        region=env.region,
        priority=90,
        constraints=(
            spec.Constraint(attribute=f"${{meta.{Role.INGRESS}}}", value="true"),
            mirror.same_arch(env, Role.INGRESS),
        ),
        task_groups=(_group(env, checksum),),
    )


def _group(env: Environment, checksum: mirror.Checksum) -> spec.TaskGroup:
    return spec.TaskGroup(
        name="ingress",
        update=spec.Update(
            max_parallel=1,
            health_check="checks",
            min_healthy_time=timedelta(seconds=5),
            healthy_deadline=timedelta(minutes=2),
            progress_deadline=timedelta(minutes=5),
        ),
        networks=(
            spec.Network(
                mode="host",
                reserved_ports=tuple(spec.Port(label=label, static=port) for label, port in _PORTS.items()),
            ),
        ),
        services=(_service(),),
        shutdown_delay=timedelta(seconds=2),
        restart=spec.Restart(attempts=10, interval=timedelta(minutes=5), delay=timedelta(seconds=2), mode="delay"),
        tasks=(service.reader(_task(env, checksum)),),
    )


def _service() -> spec.Service:
    return spec.Service(
        name="ingress",
        port="https",
        checks=(
            spec.Check(
                type="http",
                port="http",
                path="/ping",
                interval=timedelta(seconds=2),
                timeout=timedelta(seconds=1),
            ),
        ),
    )


def _task(env: Environment, checksum: mirror.Checksum) -> spec.Task:
    return spec.Task(
        name="traefik",
        driver="exec",
        user="nobody",
        config={
            "command": "local/traefik",
            "args": ["--configFile=${NOMAD_TASK_DIR}/traefik.yml"],
            "cap_add": ["net_bind_service"],
        },
        env={"INGRESS_DOMAIN": env.ingress_domain},
        artifacts=(mirror.fetched(env, artifacts.TRAEFIK, checksum, Role.INGRESS),),
        templates=tuple(_templates(env)),
        resources=spec.Resources(cpu=100, memory_mb=256, secrets_mb=8),
        logs=spec.LogConfig(max_files=3, max_file_size_mb=20),
        kill_signal="SIGTERM",
        kill_timeout=timedelta(seconds=20),
    )


def _templates(env: Environment) -> list[spec.Template]:
    """The certificate's files come before the watched file that names its serial, so that Traefik reads them whole."""
    return [
        spec.Template(destination="local/traefik.yml", data=_document(ingress.static()), change_mode="restart"),
        *(
            service.private(f"secrets/{name}.pem", service.field(ingress.TLS_PATH, name), at_once=True)
            for name in ("cert", "key", "ca")
        ),
        service.private(
            "secrets/traefik/fixed.yml",
            f"# certificate {service.field(ingress.TLS_PATH, 'serial')}\n{_document(ingress.dynamic(env))}",
            at_once=True,
        ),
        service.private("secrets/traefik/routes.yml", ingress.routes(), at_once=True),
    ]


def _document(content: object) -> str:
    """JSON, which is YAML too; Traefik's file provider does not read *.json."""
    return json.dumps(content, indent=2)
