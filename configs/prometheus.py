"""Prometheus and the exporters: what is scraped, who may ask, and under which sandbox they run."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from configs import certificates, ingress, ports, units
from configs.environment import Environment, Host, Role
from configs.files import File
from configs.merge import merge

CONFIG: Final = "/etc/prometheus/prometheus.yml"
WEB_CONFIG: Final = "/etc/prometheus/web.yml"
RULES: Final = "/etc/prometheus/rules"
PASSWORD: Final = "/etc/prometheus/secrets/password"  # noqa: S105 - where it is, not what it is
CONSUL_TOKEN: Final = "/etc/prometheus/secrets/consul-token"  # noqa: S105 - the same
TEXTFILES: Final = "/var/lib/prometheus/node-exporter"
NODE_WEB_CONFIG: Final = "/etc/prometheus/node-exporter-web.yml"
USER: Final = "operator"
CERTIFICATE_METRICS: Final = f"{TEXTFILES}/socle_certs.prom"
CERTIFICATE_EXPIRY: Final = "socle-certificate-expiry"
SERVICE_TARGETS: Final = "socle-service-targets"
TARGETS: Final = "/var/lib/prometheus/targets/services.json"

SANDBOX: Final[Mapping[str, units.Value]] = {
    **units.HARDENED,
    "LimitCORE": 0,
    "Restart": "always",
    "RestartSec": 2,
}
"""What the distribution's own units lack of ours."""

_RULE_FILES: Final = Path(__file__).parent / "rules"
_AGENTS: Final = Path(__file__).parent / "agents"
_WATCHED_UNITS: Final = "consul|vault|nomad|docker|nginx|loki|collector|prometheus.*|socle-.*"
_SERVICES_INTERVAL: Final = "5s"
_CLIENT: Final = {
    "ca_file": certificates.CA_FILE,
    "cert_file": certificates.cert("prometheus"),
    "key_file": certificates.key("prometheus"),
}
_TLS: Final = {"ca_file": certificates.CA_FILE}
_BASIC: Final = {"username": USER, "password_file": PASSWORD}
_BEARER: Final = {"type": "Bearer", "credentials_file": CONSUL_TOKEN}


def config(env: Environment) -> dict[str, Any]:
    """Prometheus' configuration.

    The control plane is listed by address, so that monitoring survives the loss of Consul; services are those of
    Consul's catalog. Debian builds Prometheus without Consul discovery, so the list comes through a file.
    """
    document = {
        "global": {
            "scrape_interval": "15s",
            "scrape_timeout": "10s",
            "evaluation_interval": "15s",
            "external_labels": {"env": env.name},
        },
        "rule_files": [f"{RULES}/*.yml"],
        "alerting": {"alertmanagers": [_alertmanager(env)]},
        "scrape_configs": [*_control_plane(env), *_observers(env), _services()],
    }
    return merge(document, env.extra.get("prometheus", {}))


def _alertmanager(env: Environment) -> dict[str, Any]:
    return {
        "scheme": "https",
        "tls_config": _TLS,
        "basic_auth": _BASIC,
        "static_configs": [{"targets": [f"{env.monitor.address}:{ports.ALERTMANAGER}"]}],
    }


def _control_plane(env: Environment) -> list[dict[str, Any]]:
    agents = [h for h in env.hosts if h.has(Role.SERVER) or h.has(Role.CLIENT)]
    prometheus_format = {"format": ["prometheus"]}
    return [
        _job("consul", env.hosts, ports.CONSUL_HTTPS)
        | {"metrics_path": "/v1/agent/metrics", "params": prometheus_format, "authorization": _BEARER},
        _nomad(agents) | {"metrics_path": "/v1/metrics", "params": prometheus_format},
        _job("vault", env.servers, ports.VAULT_METRICS)
        | {"metrics_path": "/v1/sys/metrics", "params": prometheus_format},
    ]


def _observers(env: Environment) -> list[dict[str, Any]]:
    monitor = [env.monitor]
    authenticated = {"tls_config": _CLIENT}
    return [
        _job("traefik", env.having(Role.INGRESS), ports.TRAEFIK_METRICS)
        | {"scrape_interval": _SERVICES_INTERVAL, "scrape_timeout": "4s"}
        # Traefik chooses by the name asked for (SNI) whether a client certificate is required.
        | {"tls_config": {**_CLIENT, "server_name": ingress.NAME}},
        _job("node", env.hosts, ports.NODE_EXPORTER) | authenticated,
        _job("collector", env.hosts, ports.COLLECTOR_METRICS)
        | {"metrics_path": "/proxy", "params": {"module": ["collector"]}}
        | authenticated,
        _job("loki", monitor, ports.LOKI) | authenticated,
        _job("prometheus", monitor, ports.PROMETHEUS) | {"basic_auth": _BASIC},
        _job("alertmanager", monitor, ports.ALERTMANAGER) | {"basic_auth": _BASIC},
    ]


def _nomad(hosts: Iterable[Host]) -> dict[str, Any]:
    """Clients carry a label: the alert about lost ones counts those that the inventory has."""
    job = _job("nomad", hosts, ports.NOMAD_HTTP)
    for host, target in zip(hosts, job["static_configs"], strict=True):
        if host.has(Role.CLIENT):
            target["labels"]["client"] = "true"
    return job


def _job(name: str, hosts: Iterable[Host], port: int) -> dict[str, Any]:
    targets = [{"targets": [f"{host.address}:{port}"], "labels": {"host": host.name}} for host in hosts]
    return {"job_name": name, "scheme": "https", "tls_config": _TLS, "static_configs": targets}


def _services() -> dict[str, Any]:
    """Every service with the tag `metrics`, with the labels that `agents/service_targets.py` gives it."""
    return {
        "job_name": "services",
        "scrape_interval": _SERVICES_INTERVAL,
        "scrape_timeout": "4s",
        "tls_config": _TLS,
        "file_sd_configs": [{"files": [TARGETS]}],
    }


def web_config(service: str, password_hash: str) -> dict[str, Any]:
    """The access rules of Prometheus or Alertmanager: TLS, and the operator's password (its bcrypt hash)."""
    return {
        "tls_server_config": {
            "cert_file": certificates.cert(service),
            "key_file": certificates.key(service),
            "min_version": "TLS12",
        },
        "basic_auth_users": {USER: password_hash},
    }


def rules() -> dict[str, str]:
    """The rule files by name."""
    return {path.name: path.read_text() for path in sorted(_RULE_FILES.glob("*.yml"))}


def live_files(env: Environment) -> tuple[File, ...]:
    """What Prometheus reads again without a restart; each is checked before it takes the old one's place."""
    check_rules, check_config = 'promtool check rules "$1"', 'promtool check config "$1"'
    return (
        *(File(path=f"{RULES}/{name}", content=text, check=check_rules) for name, text in rules().items()),
        File(path=CONFIG, content=dump(config(env)), mode="640", group="prometheus", check=check_config),
    )


Text = Callable[[], str]


def secret_files(password: Text, password_hash: Text, consul_token: Text) -> tuple[File, ...]:
    """What Prometheus authenticates others with, and itself to others; it reads all of them anew at each use."""
    return (
        secret_file(PASSWORD, password),
        secret_file(CONSUL_TOKEN, consul_token),
        web_config_file("prometheus", WEB_CONFIG, password_hash),
    )


def web_config_file(service: str, path: str, password_hash: Text) -> File:
    """The access rules of Prometheus or Alertmanager as a file."""
    return secret_file(path, lambda: dump(web_config(service, password_hash())), check='promtool check web-config "$1"')


def secret_file(path: str, content: Text, check: str | None = None) -> File:
    """A file that Prometheus' user may read, and nobody else."""
    return File(path=path, content=content, mode="640", group="prometheus", check=check)


def service_files(env: Environment) -> tuple[File, ...]:
    """Prometheus' options and sandbox."""
    arguments = [
        f"--config.file={CONFIG}",
        f"--web.config.file={WEB_CONFIG}",
        f"--web.listen-address=0.0.0.0:{ports.PROMETHEUS}",
        f"--web.external-url=https://{env.monitor.address}:{ports.PROMETHEUS}/",
        f"--storage.tsdb.retention.time={int(env.retention.metrics.total_seconds())}s",
        f"--storage.tsdb.retention.size={env.retention.metrics_mib}MB",
        # An alert that is sent before Alertmanager is found is dropped, as the first ones are after each start.
        "--rules.alert.resend-delay=15s",
    ]
    return debian_service("prometheus", arguments, {"ReadWritePaths": "/var/lib/prometheus"})


@functools.cache
def node_exporter_files() -> tuple[File, ...]:
    """node-exporter: TLS and a client certificate; it must see the host's file systems and processes as they are."""
    web = {
        "tls_server_config": {
            "cert_file": certificates.cert("node-exporter"),
            "key_file": certificates.key("node-exporter"),
            "client_ca_file": certificates.CA_FILE,
            "client_auth_type": "RequireAndVerifyClientCert",
            "min_version": "TLS12",
        }
    }
    arguments = [
        f"--web.config.file={NODE_WEB_CONFIG}",
        f"--web.listen-address=0.0.0.0:{ports.NODE_EXPORTER}",
        f"--collector.textfile.directory={TEXTFILES}",
        "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|var/lib/docker/.+|var/lib/nomad/alloc/.+)($|/)",
        "--collector.netdev.device-exclude=^(veth.*|docker.*|nomad.*)$",
        "--collector.systemd",
        "--collector.systemd.enable-restarts-metrics",
        f"--collector.systemd.unit-include=^({_WATCHED_UNITS})[.]service$",
    ]
    # adjtimex(2) is asked how far the clock is off; it changes nothing without CAP_SYS_TIME.
    sandbox: dict[str, units.Value] = {
        "ProtectHome": "read-only",
        "ProtectProc": "default",
        "ProtectClock": False,
        "SystemCallFilter": ["@system-service", "~@privileged @resources", "adjtimex clock_adjtime"],
    }
    return (
        File(path=NODE_WEB_CONFIG, content=dump(web)),
        *debian_service("prometheus-node-exporter", arguments, sandbox),
    )


def debian_service(unit: str, arguments: Iterable[str], service: Mapping[str, units.Value]) -> tuple[File, ...]:
    """A unit of the distribution with our arguments, none of which may need quotes, and our sandbox."""
    return (
        File(path=f"/etc/default/{unit}", content=f'ARGS="{" ".join(arguments)}"\n'),
        File(
            path=f"/etc/systemd/system/{unit}.service.d/50-socle.conf",
            content=units.render({"Unit": {"StartLimitIntervalSec": 0}, "Service": {**SANDBOX, **service}}),
        ),
    )


@functools.cache
def certificate_expiry_files() -> tuple[File, ...]:
    """A service that writes when each certificate of the host expires, for node-exporter to serve.

    Vault exports no such metric, and a service's own metric is of what it has loaded; this is what lies on disk.
    """
    agent = agent_file("certificate_expiry.sh")
    unit = units.unit(
        description="Socle: tells when the host's certificates expire",
        exec_start=f"/bin/sh {agent.path} {certificates.FOLDER} {CERTIFICATE_METRICS}",
        user="prometheus",
        service={"StateDirectory": "prometheus/node-exporter", "UMask": "0022", "PrivateNetwork": True},
    )
    return (
        agent,
        File(path=f"/etc/systemd/system/{CERTIFICATE_EXPIRY}.service", content=unit),
    )


def service_targets_files() -> tuple[File, ...]:
    """A service that lists for Prometheus what Consul's catalog says."""
    agent = agent_file("service_targets.py")
    arguments = (
        f"--consul https://127.0.0.1:{ports.CONSUL_HTTPS} --ca {certificates.CA_FILE} "
        f"--token-file {CONSUL_TOKEN} --file {TARGETS}"
    )
    unit = units.unit(
        description="Socle: lists Consul's services for Prometheus",
        exec_start=f"/usr/bin/python3 -I {agent.path} {arguments}",
        user="prometheus",
        service={"StateDirectory": "prometheus/targets", "UMask": "0022", "Restart": "always"},
    )
    return (agent, File(path=f"/etc/systemd/system/{SERVICE_TARGETS}.service", content=unit))


@functools.cache
def agent_file(name: str) -> File:
    """One of our own small programs as a file on a host."""
    return File(path=f"/opt/socle/observe/{name}", content=(_AGENTS / name).read_text(), mode="755")


def dump(document: Mapping[str, Any]) -> str:
    """A document as YAML, in the order it was written."""
    return yaml.safe_dump(_plain(document), sort_keys=False, width=120)


def _plain(value: Any) -> Any:
    """Without shared references, which YAML would write as anchors."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
