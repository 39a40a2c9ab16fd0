"""Loki on the monitor host."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import artifacts, certificates, loki, ports
from configs.environment import Role
from deploy.operations import service
from inventory import environments

_READY = (
    f"curl -sf --cacert {certificates.CA_FILE} --cert {certificates.cert('loki')} --key {certificates.key('loki')} "
    f"https://127.0.0.1:{ports.LOKI}/ready"
)


@deploy("Loki")
def run() -> None:
    """Loki, ready to take lines."""
    env = environments.current()
    if env.host(host.name).has(Role.MONITOR):
        service.running(
            name="Run Loki",
            unit="loki",
            files=loki.files(env),
            program=artifacts.LOKI,
            reload_files=certificates.files("loki"),
            healthy=_READY,
        )
