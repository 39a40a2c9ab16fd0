"""The OpenTelemetry Collector on every host: the journal and the tasks' output, shipped to Loki."""

import functools
from collections.abc import Callable
from typing import Any, Final

from configs import artifacts, certificates, loki, ports, prometheus, units
from configs.agents import task_logs
from configs.environment import Environment, Host, Role
from configs.files import File
from configs.merge import merge

CONFIG: Final = "/etc/collector/collector.yml"
DATA: Final = "/var/lib/collector"
BINARY: Final = artifacts.COLLECTOR.path("otelcol")
TASK_LOGS_UNIT: Final = "socle-task-logs"
TASK_LOGS_TOKEN: Final = "/etc/collector/nomad-token"  # noqa: S105 - where it is, not what it is
PROXY_UNIT: Final = "prometheus-exporter-exporter"
PROXY_CONFIG: Final = "/etc/collector/metrics-proxy.yml"

TASK_LOGS: Final = "/var/lib/task-logs"
"""Where the tasks' output is copied to, for the Collector to read."""

_STORAGE: Final = "file_storage"
_QUEUE_BYTES: Final = 512 * 1024 * 1024
_PRIORITIES: Final = {"fatal": [0, 1, 2], "error": 3, "warn": 4, "info": [5, 6], "debug": 7}
_MESSAGE_FIELDS: Final = ("SYSLOG_IDENTIFIER", "_PID", "_SYSTEMD_INVOCATION_ID", "_BOOT_ID")


def config(env: Environment, host: Host) -> dict[str, Any]:
    """The Collector's configuration on a host."""
    receivers = {"journald": _journal()} | ({"filelog/tasks": _tasks()} if host.has(Role.CLIENT) else {})
    document = {
        "extensions": {_STORAGE: _storage()},
        "receivers": receivers,
        "processors": {
            "resource/host": {
                "attributes": [
                    {"key": "env", "value": env.name, "action": "upsert"},
                    {"key": "host", "value": host.name, "action": "upsert"},
                ]
            },
            "transform/names": {"error_mode": "ignore", "log_statements": [_names()]},
        },
        "exporters": {"otlp_http/loki": _loki(env)},
        "service": {
            "extensions": [_STORAGE],
            "telemetry": _telemetry(),
            "pipelines": {
                "logs": {
                    "receivers": list(receivers),
                    "processors": ["resource/host", "transform/names"],
                    "exporters": ["otlp_http/loki"],
                }
            },
        },
    }
    return merge(document, env.extra.get("collector", {}))


def _storage() -> dict[str, Any]:
    """Offsets and the unsent, so that neither a restart nor Loki's absence loses or repeats a line."""
    directory = f"{DATA}/storage"
    return {
        "directory": directory,
        "create_directory": True,
        "recreate": True,
        "compaction": {"on_start": True, "directory": directory, "cleanup_on_start": True},
    }


def _journal() -> dict[str, Any]:
    """The whole journal. What PID 1 says about a service belongs to that service, as for `journalctl -u`."""
    return {
        "start_at": "beginning",
        "storage": _STORAGE,
        "all": True,
        "convert_message_bytes": True,
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0"},
        "operators": [
            _move(
                "body.UNIT", "resource.unit", 'body._PID == "1" and body.UNIT != nil and body.UNIT endsWith ".service"'
            ),
            _move("body._SYSTEMD_UNIT", "resource.unit", "resource.unit == nil and body._SYSTEMD_UNIT != nil"),
            _copy("body.SYSLOG_IDENTIFIER", "resource.unit", "resource.unit == nil and body.SYSLOG_IDENTIFIER != nil"),
            {
                "type": "severity_parser",
                "parse_from": "body.PRIORITY",
                "mapping": _PRIORITIES,
                "overwrite_text": True,
                "if": "body.PRIORITY != nil",
            },
            *(
                _move(f"body.{field}", f'attributes["{field.strip("_").lower()}"]', f"body.{field} != nil")
                for field in _MESSAGE_FIELDS
            ),
            _move("body.MESSAGE", "body", "body.MESSAGE != nil"),
        ],
    }


def _tasks() -> dict[str, Any]:
    """The tasks' output, from the copies that `agents/task_logs.py` makes; the path is the labels."""
    folders = "/".join(f"(?P<{label}>[^/]+)" for label in loki.TASK_LABELS[:-1])
    return {
        "include": [f"{TASK_LOGS}/*/*/*/*/*/*"],
        "start_at": "beginning",
        "storage": _STORAGE,
        "poll_interval": "500ms",
        "max_log_size": "1MiB",
        "include_file_name": False,
        "include_file_path": True,
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0"},
        "operators": [
            {"type": "filter", "expr": f'body startsWith "{task_logs.MARK}"'},
            {
                "type": "regex_parser",
                "parse_from": 'attributes["log.file.path"]',
                "regex": f"^.*/{folders}/(?P<stream>stdout|stderr)\\.\\d+\\.\\d+$$",
                "parse_to": "resource",
            },
            {"type": "remove", "field": 'attributes["log.file.path"]'},
        ],
    }


def _move(source: str, target: str, condition: str) -> dict[str, Any]:
    return {"type": "move", "from": source, "to": target, "if": condition}


def _copy(source: str, target: str, condition: str) -> dict[str, Any]:
    return {"type": "copy", "from": source, "to": target, "if": condition}


def _names() -> dict[str, Any]:
    """Names as people write them; each login is no stream of its own."""
    task = 'where resource.attributes["job"] != nil'
    decoded = [
        f'replace_all_patterns(resource.attributes, "value", "{code}", "{character}") {task}'
        for code, character in (("%2F", "/"), ("%2E", "."), ("%25", "%"))
    ]
    sessions = [
        f'replace_pattern(resource.attributes["unit"], "^{kind}-.+\\\\.scope$$", "{kind}.scope")'
        for kind in ("session", "run", "docker")
    ]
    return {"context": "resource", "statements": [*decoded, *sessions]}


def _loki(env: Environment) -> dict[str, Any]:
    """Sent until Loki has it; when the queue on disk is full, reading waits, and the files keep the rest."""
    return {
        "endpoint": f"https://{env.monitor.address}:{ports.LOKI}/otlp",
        "tls": {
            "ca_file": certificates.CA_FILE,
            "cert_file": certificates.cert("collector"),
            "key_file": certificates.key("collector"),
            "min_version": "1.2",
            "reload_interval": "10m",
        },
        "timeout": "20s",
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": "1s",
            "max_interval": "10s",
            "max_elapsed_time": "0",
        },
        "sending_queue": {
            "enabled": True,
            "storage": _STORAGE,
            "sizer": "bytes",
            "queue_size": _QUEUE_BYTES,
            "block_on_overflow": True,
            "num_consumers": 2,
            "batch": {"sizer": "items", "min_size": 1000, "max_size": 4000, "flush_timeout": "500ms"},
        },
    }


def _telemetry() -> dict[str, Any]:
    """Its own metrics on loopback, in clear: the Collector serves no TLS there; the proxy unit does."""
    reader = {"prometheus": {"host": "127.0.0.1", "port": ports.COLLECTOR_INTERNAL}}
    return {
        "logs": {"level": "warn"},
        "metrics": {"level": "normal", "readers": [{"pull": {"exporter": reader}}]},
    }


def files(env: Environment, host: Host) -> tuple[File, ...]:
    """The Collector's configuration, which it must accept before it is put in place, and its unit."""
    text = prometheus.dump(config(env, host))
    return (
        File(path=CONFIG, content=text, mode="640", group="collector", check=f'{BINARY} validate --config="$1"'),
        File(path="/etc/systemd/system/collector.service", content=_unit()),
    )


def _unit() -> str:
    settings: dict[str, units.Value] = {
        "SupplementaryGroups": "systemd-journal",
        "ReadWritePaths": DATA,
        "TimeoutStopSec": 30,
        "ExecReload": "/bin/kill -HUP $MAINPID",
    }
    return units.unit(
        description="OpenTelemetry Collector: ships logs to Loki",
        exec_start=f"{BINARY} --config={CONFIG}",
        user="collector",
        service=settings,
    )


def task_logs_files(token: Callable[[], str]) -> tuple[File, ...]:
    """The service that copies the tasks' output to paths that say whose it is, and its Nomad token."""
    agent = prometheus.agent_file("task_logs.py")
    arguments = (
        f"--nomad https://127.0.0.1:{ports.NOMAD_HTTP} --ca {certificates.CA_FILE} --token-file {TASK_LOGS_TOKEN} "
        f"--node-id-file /var/lib/nomad/client/client-id --allocations /var/lib/nomad/alloc --copies {TASK_LOGS}"
    )
    # Nomad's folders are root's alone; it may read them, and write nothing but the copies.
    sandbox: dict[str, units.Value] = {
        "AmbientCapabilities": "CAP_DAC_READ_SEARCH",
        "CapabilityBoundingSet": "CAP_DAC_READ_SEARCH",
        "StateDirectory": "task-logs",
        "StateDirectoryMode": "0750",
        "UMask": "0027",
        "Restart": "always",
    }
    unit = units.unit(
        description="Socle: copies the output of Nomad's tasks for the Collector",
        exec_start=f"/usr/bin/python3 -I {agent.path} {arguments}",
        user="collector",
        service=sandbox,
    )
    return (
        agent,
        File(path=TASK_LOGS_TOKEN, content=token, mode="640", group="collector"),
        File(path=f"/etc/systemd/system/{TASK_LOGS_UNIT}.service", content=unit),
    )


@functools.cache
def proxy_files() -> tuple[File, ...]:
    """The Collector's metrics behind TLS and a client certificate, by the distribution's exporter-exporter.

    It reads its certificate once, as it starts.
    """
    document = {
        "modules": {
            "collector": {"method": "http", "http": {"port": ports.COLLECTOR_INTERNAL, "path": "/metrics"}},
        }
    }
    arguments = [
        f"-config.file={PROXY_CONFIG}",
        "-web.listen-address=",
        f"-web.tls.listen-address=0.0.0.0:{ports.COLLECTOR_METRICS}",
        f"-web.tls.cert={certificates.cert('collector')}",
        f"-web.tls.key={certificates.key('collector')}",
        f"-web.tls.ca={certificates.CA_FILE}",
        "-web.tls.verify",
    ]
    return (
        File(path=PROXY_CONFIG, content=prometheus.dump(document)),
        *prometheus.debian_service(
            PROXY_UNIT, arguments, {"User": "collector", "Group": "collector", **units.RELOAD_BY_RESTART}
        ),
    )
