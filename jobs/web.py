"""web, the sample service: instances behind the ingress, with a setting from Consul and a secret from Vault.

jobs/web_docker.py composes the same for the docker driver.
"""

import dataclasses
import secrets
from datetime import timedelta

from configs import artifacts
from configs.environment import Environment
from inventory import artifact_cache, vault_kv
from inventory.access import Access
from jobs.differences import Differs, by_environment
from jobs.nomad import drivers, mirror, service, spec
from jobs.rollout.checks import Latency, LogLines, Restarts, SuccessRate
from jobs.rollout.plan import Plan, Step, rolling

NAME = "web"
PORT = 8080

DIFFERENCES = by_environment(Differs(count=2), prod=Differs(count=3))

CANARY = Plan(
    strategy="canary",
    steps=(
        Step(weight=10, hold=timedelta(minutes=1)),
        Step(weight=30, hold=timedelta(minutes=1)),
        Step(weight=50, hold=timedelta(minutes=2)),
    ),
    checks=(SuccessRate(), Latency(), Restarts(), LogLines(matching='"level":"ERROR"')),
)
ROLLOUTS = {"dev": rolling()}
"""By environment, where it is not by canary: on a laptop there is no traffic to judge by."""


def setting(name: str) -> str:
    """The key of an instance's greeting in Consul."""
    return f"config/{name}/greeting"


def secret(name: str) -> str:
    """The path of an instance's secret in Vault."""
    return f"default/{name}/app"


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256, name: str = NAME) -> spec.Job:
    """The job of an environment, under its own name or another."""
    network = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http", to=PORT),))
    fetched = (mirror.fetched(env, artifacts.WEB, checksum),)
    run = dataclasses.replace(task(name, "exec", drivers.Exec(command="local/web")), artifacts=fetched)
    return whole(env, name, network, (run,))


def rollout(env: Environment) -> Plan:
    """How a new version is judged in an environment."""
    return ROLLOUTS.get(env.name, CANARY)


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
        task_groups=(service.service(name, network=network, tasks=tasks, disk_mb=110),),
    )
    return DIFFERENCES.applied(env.name, made)


def task(name: str, driver: str, config: drivers.Config) -> spec.Task:
    """The service's task, whatever its driver."""
    greeting = f'keyOrDefault "{setting(name)}" "Hello"'
    key = f'{{{{ with secret "secret/data/{secret(name)}" }}}}{{{{ .Data.data | toJSON }}}}{{{{ end }}}}'
    return service.reader(
        spec.Task(
            name="web",
            driver=driver,
            config=config,
            env={"NODE_NAME": "${node.unique.name}", "GOMEMLIMIT": "48MiB"},
            templates=(
                service.watched(
                    "local/settings.json", f'{{"greeting": {{{{ {greeting} | toJSON }}}}}}', signal="SIGHUP"
                ),
                service.watched("secrets/web.json", key, signal="SIGHUP"),
            ),
            resources=spec.Resources(cpu=50, memory_mb=64),
            kill_signal="SIGTERM",
            kill_timeout=timedelta(seconds=15),
        )
    )
