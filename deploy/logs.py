"""The Collector on every host, and on clients the copies of the tasks' output that it reads."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import artifacts, certificates, collector, ports
from configs.environment import Environment, Role
from deploy.operations import nomad_acl, service
from deploy.operations.service import Service
from inventory import environments, secrets

_ANSWERS = f"curl -sf http://127.0.0.1:{ports.COLLECTOR_INTERNAL}/metrics"


@deploy("Logs")
def run() -> None:
    """The Collector, and on clients what gives it the tasks' output."""
    env = environments.current()
    me = env.host(host.name)
    certificate = certificates.files("collector")
    service.all_running(
        name="Run the Collector",
        services=[
            *([_task_logs(env)] if me.has(Role.CLIENT) else []),
            Service(
                unit="collector",
                files=collector.files(env, me),
                program=artifacts.COLLECTOR,
                reload_files=certificate,
                healthy=_ANSWERS,
            ),
            Service(unit=collector.PROXY_UNIT, files=collector.proxy_files(), reload_files=certificate),
        ],
    )


def _task_logs(env: Environment) -> Service:
    """What copies the tasks' output under their labels."""
    files = collector.task_logs_files(lambda: secrets.open(env).get(nomad_acl.token_secret("logs")))
    return Service(unit=collector.TASK_LOGS_UNIT, files=files)
