"""Vault: what its servers are told, and who may do what."""

from collections.abc import Mapping
from typing import Any, Final

from configs import artifacts, certificates, ports, units
from configs.environment import Environment, Host
from configs.files import File
from configs.merge import merge

DATA: Final = "/var/lib/vault"
CONFIG: Final = "/etc/vault/vault.json"
AUDIT_LOG: Final = "/var/log/vault/audit.log"
KV: Final = "secret"
OPERATOR: Final = "operator"
INIT_ANSWER: Final = "/run/socle/vault-init.json"
"""Vault gives its shares once, in the answer to its initialisation: it is kept here, in memory and for root alone,
until it is in the secrets file, so that the death of the operator's machine loses nothing."""

_ALL: Final = ["create", "read", "update", "delete", "list"]

Policy = Mapping[str, Any]

OPERATOR_POLICY: Final[Policy] = {
    "path": {
        **{
            path: {"capabilities": _ALL}
            for path in (
                f"{KV}/*",
                "auth/*",
                "identity/*",
                "sys/policies/*",
                "sys/mounts",
                "sys/mounts/*",
                "sys/leases/*",
            )
        },
        **{
            path: {"capabilities": [*_ALL, "sudo"]}
            for path in ("sys/auth", "sys/auth/*", "sys/audit", "sys/audit/*", "sys/storage/raft/*", "sys/step-down")
        },
        **{path: {"capabilities": ["read"]} for path in ("sys/health", "sys/ha-status", "sys/internal/ui/*")},
    }
}


def workload_policy(accessor: str) -> Policy:
    """A job's own secrets, `secret/<namespace>/<job>/`, by the identity that Nomad gives it.

    Args:
        accessor: accessor of the auth mount jwt-nomad.
    """
    alias = f"identity.entity.aliases.{accessor}.metadata"
    own = f"{{{{{alias}.nomad_namespace}}}}/{{{{{alias}.nomad_job_id}}}}"
    read = {"capabilities": ["read"]}
    return {
        "path": {
            f"{KV}/data/{own}/*": read,
            f"{KV}/data/{own}": read,
            f"{KV}/metadata/{own}/*": {"capabilities": ["list"]},
        }
    }


def server(env: Environment, host: Host, *, consul_token: str) -> dict[str, Any]:
    """A server's configuration; it holds a secret."""
    document: dict[str, Any] = {
        "cluster_name": env.name,
        "ui": True,
        # Memory cannot be swapped out: base turns swap off, as Vault's raft storage asks with this setting.
        "disable_mlock": True,
        "api_addr": f"https://{host.address}:{ports.VAULT_API}",
        "cluster_addr": f"https://{host.address}:{ports.VAULT_CLUSTER}",
        "storage": {"raft": _raft(env, host)},
        "listener": [
            {"tcp": _listener(ports.VAULT_API) | {"cluster_address": f"{host.address}:{ports.VAULT_CLUSTER}"}},
            # With a token only the active node tells its metrics; this listener tells every node's, sealed ones' too.
            {"tcp": _listener(ports.VAULT_METRICS) | {"telemetry": {"unauthenticated_metrics_access": True}}},
        ],
        "telemetry": {"prometheus_retention_time": "24h", "disable_hostname": True},
        "service_registration": {
            "consul": {
                "address": f"127.0.0.1:{ports.CONSUL_HTTPS}",
                "scheme": "https",
                "tls_ca_file": certificates.CA_FILE,
                "token": consul_token,
            }
        },
    }
    return merge(document, env.extra.get("vault", {}))


def _raft(env: Environment, host: Host) -> dict[str, Any]:
    joins = [
        {
            "leader_api_addr": f"https://{peer.address}:{ports.VAULT_API}",
            "leader_ca_cert_file": certificates.CA_FILE,
            "leader_tls_servername": "vault.service.consul",
        }
        for peer in env.servers
        if peer != host
    ]
    # Vault refuses an empty list.
    peers = {"retry_join": joins} if joins else {}
    return {"path": f"{DATA}/raft", "node_id": host.name, "performance_multiplier": 1, **peers}


def _listener(port: int) -> dict[str, Any]:
    return {
        "address": f"0.0.0.0:{port}",
        "tls_cert_file": certificates.cert("vault"),
        "tls_key_file": certificates.key("vault"),
        "tls_min_version": "tls12",
    }


def unit() -> File:
    """Vault's unit."""
    binary = artifacts.VAULT.path("vault")
    text = units.unit(
        description="Vault",
        exec_start=f"{binary} server -config={CONFIG}",
        user="vault",
        service={
            "ExecStartPre": f"+/usr/bin/install -d -m 0700 -o vault -g vault {DATA}/raft",
            "ReadWritePaths": DATA,
            "LogsDirectory": "vault",
            "LogsDirectoryMode": "0750",
            "ExecReload": "/bin/kill --signal HUP $MAINPID",
            "KillSignal": "SIGINT",
            "TimeoutStopSec": 30,
            "Restart": "always",
            "LimitMEMLOCK": "infinity",
        },
    )
    return File(path="/etc/systemd/system/vault.service", content=text)


def log_rotation() -> File:
    """The audit file is rotated daily and kept for a month; Vault opens it anew at SIGHUP."""
    text = f"""{AUDIT_LOG} {{
  daily
  rotate 30
  compress
  delaycompress
  missingok
  notifempty
  create 0600 vault vault
  postrotate
    systemctl kill --signal=HUP vault.service
  endscript
}}
"""
    return File(path="/etc/logrotate.d/vault", content=text)
