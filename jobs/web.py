"""web, the sample service: instances behind the ingress, with a setting from Consul and a secret from Vault.

jobs/web_docker.py composes the same for the docker driver.
"""

import secrets
from datetime import timedelta
from typing import Any

from configs import artifacts, ingress
from configs.environment import Environment
from inventory import artifact_cache, vault_kv
from inventory.access import Access
from jobs.differences import Differs, by_environment
from jobs.nomad import mirror, spec

NAME = "web"
PORT = 8080

DIFFERENCES = by_environment(Differs(count=2), prod=Differs(count=3))

_TAGS = (ingress.TAG, "metrics")


def setting(name: str) -> str:
    """The key of an instance's greeting in Consul."""
    return f"config/{name}/greeting"


def secret(name: str) -> str:
    """The path of an instance's secret in Vault."""
    return f"default/{name}/app"


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256, name: str = NAME) -> spec.Job:
    """The job of an environment, under its own name or another."""
    network = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http", to=PORT),))
    task = spec.Task(
        name="web",
        driver="exec",
        config={"command": "local/web"},
        artifacts=(mirror.fetched(env, artifacts.WEB, checksum),),
        **common(name),
    )
    return whole(env, name, network, (task,))


def prepare(access: Access) -> None:
    """Have the job's secret in Vault and its setting in Consul; what is there already stays as it is."""
    seed(access, NAME)


def seed(access: Access, name: str) -> None:
    """Have the secret and the setting of a job of this name."""
    if vault_kv.read(access, secret(name)) is None:
        vault_kv.write(access, secret(name), {"key": secrets.token_urlsafe(32)})
    kv = access.consul().kv
    if kv.get(setting(name))[1] is None:
        kv.put(setting(name), f"Hello from {access.env.name}", cas=0)


def whole(env: Environment, name: str, network: spec.Network, tasks: tuple[spec.Task, ...]) -> spec.Job:
    """The job around its tasks: where it runs, how it is updated, how it is found."""
    made = spec.Job(
        id=name,
        type="service",
        datacenters=(env.name,),
        region=env.region,
        constraints=(mirror.same_arch(env),),
        spreads=(spec.Spread(attribute="${node.unique.id}", weight=100),),
        task_groups=(_group(name, network, tasks),),
    )
    return DIFFERENCES.applied(env.name, made)


def _group(name: str, network: spec.Network, tasks: tuple[spec.Task, ...]) -> spec.TaskGroup:
    return spec.TaskGroup(
        name=name,
        update=spec.Update(
            max_parallel=1,
            canary=1,
            health_check="checks",
            min_healthy_time=timedelta(seconds=5),
            # A canary that crashes is placed again and again until this ends it, and the old version is restored.
            healthy_deadline=timedelta(seconds=60),
            progress_deadline=timedelta(seconds=90),
            auto_revert=True,
            auto_promote=False,
        ),
        networks=(network,),
        services=(_service(name),),
        # The instance leaves the catalog, then Traefik's routes, and only then is told to end.
        shutdown_delay=timedelta(seconds=3),
        restart=spec.Restart(
            attempts=3, interval=timedelta(minutes=2), delay=timedelta(seconds=2), mode="fail", render_templates=False
        ),
        reschedule=spec.Reschedule(
            delay=timedelta(seconds=5), delay_function="exponential", max_delay=timedelta(minutes=1), unlimited=True
        ),
        migrate=spec.Migrate(max_parallel=1, health_check="checks", min_healthy_time=timedelta(seconds=5)),
        ephemeral_disk=spec.EphemeralDisk(size_mb=110),
        tasks=tasks,
    )


def _service(name: str) -> spec.Service:
    return spec.Service(
        name=name,
        port="http",
        tags=(*_TAGS, ingress.STABLE_TAG),
        canary_tags=(*_TAGS, ingress.CANARY_TAG),
        meta={"metrics_path": "/metrics"},
        canary_meta={"metrics_path": "/metrics"},
        checks=(
            spec.Check(
                type="http",
                path="/health",
                interval=timedelta(seconds=2),
                timeout=timedelta(seconds=1),
                # A process that hangs is started again; one that starts slowly is not.
                check_restart=spec.CheckRestart(limit=5, grace=timedelta(seconds=15)),
            ),
        ),
    )


def common(name: str) -> dict[str, Any]:
    """What the service's task is told whatever its driver."""
    greeting = f'keyOrDefault "{setting(name)}" "Hello"'
    return {
        "env": {"NODE_NAME": "${node.unique.name}", "GOMEMLIMIT": "48MiB"},
        "templates": (
            _input("local/settings.json", f'{{"greeting": {{{{ {greeting} | toJSON }}}}}}'),
            _input(
                "secrets/web.json",
                f'{{{{ with secret "secret/data/{secret(name)}" }}}}{{{{ .Data.data | toJSON }}}}{{{{ end }}}}',
            ),
        ),
        "vault": spec.Vault(),
        "consul": spec.Consul(),
        "identities": (spec.Identity(name="consul_default", aud=("consul.io",), ttl=timedelta(hours=1)),),
        "resources": spec.Resources(cpu=50, memory_mb=64),
        "logs": spec.LogConfig(max_files=3, max_file_size_mb=10),
        "kill_signal": "SIGTERM",
        "kill_timeout": timedelta(seconds=15),
    }


def _input(destination: str, data: str) -> spec.Template:
    """A file that the program reads at its start, and again on SIGHUP."""
    return spec.Template(
        destination=destination,
        data=data,
        change_mode="signal",
        change_signal="SIGHUP",
        wait=spec.Wait(min=timedelta(0), max=timedelta(seconds=1)),
    )
