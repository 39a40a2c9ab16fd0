"""The Collector on every host, and on clients the links by which it finds the tasks' output."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import certificates, collector, ports
from configs.environment import Role
from deploy.operations import nomad_acl, service
from inventory import environments, secrets

_ANSWERS = f"curl -sf http://127.0.0.1:{ports.COLLECTOR_INTERNAL}/metrics"


@deploy("Logs")
def run() -> None:
    """Links before the Collector, so that a first line has its labels."""
    env = environments.current()
    me = env.host(host.name)
    if me.has(Role.CLIENT):
        service.running(
            name="Link the log files of tasks",
            unit=collector.LINKS_UNIT,
            files=collector.links_files(lambda: secrets.open(env).get(nomad_acl.token_secret("logs"))),
        )
    certificate = certificates.files("collector")
    service.running(
        name="Run the Collector",
        unit="collector",
        files=collector.files(env, me),
        reload_files=certificate,
        healthy=_ANSWERS,
    )
    service.running(
        name="Serve the Collector's metrics",
        unit=collector.PROXY_UNIT,
        files=collector.proxy_files(),
        reload_files=certificate,
    )
