"""Loki: one process that keeps the environment's logs on the monitor host."""

from typing import Any, Final

from configs import artifacts, certificates, ports, prometheus, units
from configs.environment import Environment
from configs.files import File
from configs.merge import merge

CONFIG: Final = "/etc/loki/loki.yml"
DATA: Final = "/var/lib/loki"
BINARY: Final = artifacts.LOKI.path("loki")

TASK_LABELS: Final = ("namespace", "job", "group", "task", "alloc_id", "stream")
LABELS: Final = ("env", "host", "unit", *TASK_LABELS)
"""Index labels; every other attribute is kept with its line as structured metadata."""

_SERVER_TLS: Final = {
    "cert_file": certificates.cert("loki"),
    "key_file": certificates.key("loki"),
    "client_auth_type": "RequireAndVerifyClientCert",
    "client_ca_file": certificates.CA_FILE,
}
_CLIENT_TLS: Final = {
    "tls_enabled": True,
    "tls_cert_path": certificates.cert("loki"),
    "tls_key_path": certificates.key("loki"),
    "tls_ca_path": certificates.CA_FILE,
}
_GRPC_CLIENT: Final = {"grpc_client_config": _CLIENT_TLS}


def config(env: Environment) -> dict[str, Any]:
    """Loki's configuration."""
    document = {
        "target": "all",
        "auth_enabled": False,
        "analytics": {"reporting_enabled": False},
        "server": _server(),
        "common": {
            "path_prefix": DATA,
            "instance_addr": "127.0.0.1",
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": f"{DATA}/chunks", "rules_directory": f"{DATA}/rules"}},
        },
        "schema_config": {"configs": [_schema()]},
        **_own_clients(),
        "ingester": {
            "wal": {"dir": f"{DATA}/wal", "flush_on_shutdown": True},
            # The waits are for rings of many: a lone ingester has nobody to wait for.
            "lifecycler": {"min_ready_duration": "0s", "join_after": "0s", "final_sleep": "0s"},
        },
        "compactor": {
            "working_directory": f"{DATA}/compactor",
            "retention_enabled": True,
            "delete_request_store": "filesystem",
            "compaction_interval": "10m",
            "retention_delete_delay": "2h",
        },
        "limits_config": _limits(env),
    }
    return merge(document, env.extra.get("loki", {}))


def _server() -> dict[str, Any]:
    """GRPC is how the parts of the one process talk: on loopback alone, and closed to other local users by TLS too."""
    return {
        "http_listen_address": "0.0.0.0",
        "http_listen_port": ports.LOKI,
        "http_tls_config": _SERVER_TLS,
        "grpc_listen_address": "127.0.0.1",
        "grpc_listen_port": ports.LOKI_GRPC,
        "grpc_tls_config": _SERVER_TLS,
        "grpc_server_max_recv_msg_size": 16_777_216,
        "log_level": "warn",
    }


def _own_clients() -> dict[str, Any]:
    """How its parts reach one another; they first look for one another after the period, so it is short."""
    return {
        "ingester_client": _GRPC_CLIENT,
        "frontend": {**_GRPC_CLIENT, "scheduler_dns_lookup_period": "500ms"},
        "frontend_worker": {**_GRPC_CLIENT, "dns_lookup_duration": "500ms"},
        "query_scheduler": _GRPC_CLIENT,
        "compactor_grpc_client": _CLIENT_TLS,
        "storage_config": {"tsdb_shipper": {"index_gateway_client": _GRPC_CLIENT}},
    }


def _schema() -> dict[str, Any]:
    """The one schema since the first day: a later one is added, never put in its place."""
    return {
        "from": "2024-01-01",
        "store": "tsdb",
        "object_store": "filesystem",
        "schema": "v13",
        "index": {"prefix": "index_", "period": "24h"},
    }


def _limits(env: Environment) -> dict[str, Any]:
    """What a collector may send after an outage, and how long lines are kept."""
    return {
        "retention_period": f"{int(env.retention.logs.total_seconds()) // 3600}h",
        "reject_old_samples_max_age": "168h",
        "allow_structured_metadata": True,
        "volume_enabled": True,
        "discover_service_name": [],
        "ingestion_rate_mb": 16,
        "ingestion_burst_size_mb": 32,
        "per_stream_rate_limit": "8MB",
        "per_stream_rate_limit_burst": "32MB",
        "max_global_streams_per_user": 50_000,
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [{"action": "index_label", "attributes": list(LABELS)}],
            }
        },
    }


def files(env: Environment) -> tuple[File, ...]:
    """Loki's configuration, which Loki itself must accept before it is put in place, and its unit."""
    unit = units.unit(
        description="Loki: logs",
        exec_start=f"{BINARY} -config.file={CONFIG}",
        user="loki",
        service={"ReadWritePaths": DATA, "WorkingDirectory": DATA, "TimeoutStopSec": 60, **units.RELOAD_BY_RESTART},
    )
    check = f'{BINARY} -verify-config -config.file="$1"'
    return (
        File(path=CONFIG, content=prometheus.dump(config(env)), mode="640", group="loki", check=check),
        File(path="/etc/systemd/system/loki.service", content=unit),
    )
