"""Prometheus and Alertmanager on the monitor host, node-exporter on every host."""

import bcrypt
from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import alertmanager, certificates, consul, ports, prometheus
from configs.environment import Environment, Role
from configs.files import File
from deploy.operations import service
from deploy.operations.service import Service
from inventory import environments, generate, secrets

PASSWORD = "prometheus/password"  # noqa: S105 - where it is kept, not what it is
PASSWORD_HASH = "prometheus/password-hash"  # noqa: S105 - the same


@deploy("Prometheus")
def run() -> None:
    """Exporters, then the servers that ask them."""
    env = environments.current()
    service.all_running(
        name="Run the exporters",
        services=[
            Service(unit="prometheus-node-exporter", files=prometheus.node_exporter_files()),
            Service(
                unit=prometheus.CERTIFICATE_EXPIRY,
                files=prometheus.certificate_expiry_files(),
                healthy=f"test -s {prometheus.CERTIFICATE_METRICS}",
            ),
        ],
    )
    if env.host(host.name).has(Role.MONITOR):
        service.all_running(
            name="Run Prometheus", services=[_alertmanager(env), _service_targets(env), _prometheus(env)]
        )


def _alertmanager(env: Environment) -> Service:
    return Service(
        unit=alertmanager.UNIT,
        files=alertmanager.service_files(env, lambda: _password_hash(env)),
        live=alertmanager.live_files(env),
        healthy=_answers(ports.ALERTMANAGER),
    )


def _service_targets(env: Environment) -> Service:
    """What lists Consul's services for Prometheus."""
    return Service(
        unit=prometheus.SERVICE_TARGETS,
        files=[*_secret_files(env), *prometheus.service_targets_files()],
        healthy=f"test -s {prometheus.TARGETS}",
    )


def _prometheus(env: Environment) -> Service:
    return Service(
        unit="prometheus",
        files=prometheus.service_files(env),
        live=prometheus.live_files(env),
        healthy=_answers(ports.PROMETHEUS),
    )


def _secret_files(env: Environment) -> tuple[File, ...]:
    return prometheus.secret_files(
        password=lambda: _password(env),
        password_hash=lambda: _password_hash(env),
        consul_token=lambda: secrets.open(env).get(consul.PROMETHEUS_TOKEN.secret),
    )


def _password(env: Environment) -> str:
    return secrets.open(env).ensure(PASSWORD, generate.token)


def _password_hash(env: Environment) -> str:
    """Kept, because a new hash of the same password is another text each time."""
    password = _password(env)
    return secrets.open(env).ensure(
        PASSWORD_HASH, lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=10)).decode()
    )


def _answers(port: int) -> str:
    """Any answer at all: without the password, which has no place in an argument list, it is a refusal."""
    return f"curl -s --cacert {certificates.CA_FILE} https://127.0.0.1:{port}/-/ready"
