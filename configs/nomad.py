"""Nomad: what its agents are told, and who may do what."""

import json
from collections.abc import Mapping
from typing import Any, Final

from configs import artifacts, certificates, controller, ports, units
from configs.environment import Environment, Host, Role
from configs.files import File
from configs.merge import merge

DATA: Final = "/var/lib/nomad"
CONFIG: Final = "/etc/nomad/nomad.json"
INTRODUCTION: Final = f"{DATA}/client/intro_token.jwt"

POLICIES: Final[Mapping[str, str]] = {
    "logs": 'namespace "*" {\n  capabilities = ["list-jobs", "read-job"]\n}\nnode {\n  policy = "read"\n}\n',
    controller.NAME: controller.NOMAD_POLICY,
}
"""Policies in Nomad's own language, which is what the API keeps."""

IDENTITY_TTL: Final = "1h"
CONSUL_AUDIENCE: Final = "consul.io"
VAULT_AUDIENCE: Final = "vault.io"


def agent(env: Environment, host: Host, *, gossip_key: str, consul_token: str) -> dict[str, Any]:
    """A host's Nomad configuration, server, client or both; it holds secrets."""
    document: dict[str, Any] = {
        "name": host.name,
        "region": env.region,
        "datacenter": env.name,
        "data_dir": DATA,
        "bind_addr": "0.0.0.0",
        "advertise": dict.fromkeys(("http", "rpc", "serf"), host.address),
        "disable_update_check": True,
        "leave_on_interrupt": False,
        "leave_on_terminate": False,
        "acl": {"enabled": True},
        "tls": _tls(),
        "telemetry": {
            "prometheus_metrics": True,
            "publish_allocation_metrics": True,
            "publish_node_metrics": True,
            "disable_hostname": True,
            "collection_interval": "5s",
        },
        "consul": _consul(host, consul_token),
        "vault": _vault(),
    }
    if host.has(Role.SERVER):
        document["server"] = _server(env, host, gossip_key)
    if host.has(Role.CLIENT):
        document |= _client(env, host)
    return merge(document, env.extra.get("nomad", {}))


def _tls() -> dict[str, Any]:
    return {
        "http": True,
        "rpc": True,
        "ca_file": certificates.CA_FILE,
        "cert_file": certificates.cert("nomad"),
        "key_file": certificates.key("nomad"),
        "verify_server_hostname": True,
        # Consul and Vault fetch the JWKS without a client certificate.
        "verify_https_client": False,
        "tls_min_version": "tls12",
    }


def _identity(audience: str) -> dict[str, Any]:
    return {"aud": [audience], "ttl": IDENTITY_TTL}


def _consul(host: Host, token: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "address": f"127.0.0.1:{ports.CONSUL_HTTPS}",
        "ssl": True,
        "ca_file": certificates.CA_FILE,
        "token": token,
        "server_auto_join": False,
        "client_auto_join": False,
    }
    if host.has(Role.SERVER):
        document |= {"service_identity": _identity(CONSUL_AUDIENCE), "task_identity": _identity(CONSUL_AUDIENCE)}
    return document


def _vault() -> dict[str, Any]:
    return {
        "enabled": True,
        "address": f"https://active.vault.service.consul:{ports.VAULT_API}",
        "ca_file": certificates.CA_FILE,
        "jwt_auth_backend_path": "jwt-nomad",
        "default_identity": _identity(VAULT_AUDIENCE),
    }


def _server(env: Environment, host: Host, gossip_key: str) -> dict[str, Any]:
    return {
        "enabled": True,
        "bootstrap_expect": len(env.servers),
        "encrypt": gossip_key,
        "server_join": {
            "retry_join": [f"{s.address}:{ports.NOMAD_SERF}" for s in env.servers if s != host],
            "retry_interval": "2s",
        },
        # After an election every client's heartbeat is extended by this; five minutes by default (nomad#1747).
        "failover_heartbeat_ttl": "60s",
        "client_introduction": {
            "enforcement": "strict",
            "default_identity_ttl": "5m",
            "max_identity_ttl": "30m",
        },
    }


def _client(env: Environment, host: Host) -> dict[str, Any]:
    unlimited = {"attempts": 0}
    return {
        "client": {
            "enabled": True,
            "servers": [f"{s.address}:{ports.NOMAD_RPC}" for s in env.servers],
            "meta": {str(role): "true" for role in sorted(host.roles)},
            "cni_path": artifacts.CNI.folder,
            # For tasks that run the host's own Python: the chroot has none. A job needs a right of its own to mount it.
            "host_volume": {controller.USR: {"path": "/usr", "read_only": True}},
            "min_dynamic_port": ports.NOMAD_DYNAMIC[0],
            "max_dynamic_port": ports.NOMAD_DYNAMIC[1],
            # Without this, five minutes without Consul or Vault end every task with a template.
            "template": {
                "consul_retry": unlimited,
                "vault_retry": unlimited,
                "nomad_retry": unlimited,
                "wait": {"min": "0s", "max": "5s"},
            },
            # A chroot of what static programs need; the default copies all of /usr for every task.
            "chroot_env": {
                "/etc/ssl/certs": "/etc/ssl/certs",
                "/etc/ca-certificates": "/etc/ca-certificates",
                "/usr/share/ca-certificates": "/usr/share/ca-certificates",
                "/usr/local/share/ca-certificates": "/usr/local/share/ca-certificates",
                "/etc/nsswitch.conf": "/etc/nsswitch.conf",
                "/etc/passwd": "/etc/passwd",
                "/etc/group": "/etc/group",
            },
        },
        "plugin": [{"docker": [{"config": [{"allow_privileged": False, "volumes": [{"enabled": False}]}]}]}],
    }


def unit(host: Host) -> File:
    """Nomad's unit: a client is root over its host, a server alone is sandboxed like the others."""
    binary = artifacts.NOMAD.path("nomad")
    client = host.has(Role.CLIENT)
    text = units.unit(
        description="Nomad",
        exec_start=f"{binary} agent -config={CONFIG}",
        user="root" if client else "nomad",
        hardened=not client,
        service=_CLIENT_UNIT if client else _SERVER_UNIT,
    )
    return File(path="/etc/systemd/system/nomad.service", content=text)


_BOTH_UNITS: Final[Mapping[str, units.Value]] = {
    "ExecReload": "/bin/kill -HUP $MAINPID",
    "KillSignal": "SIGINT",
    "Restart": "always",
}
_SERVER_UNIT: Final[Mapping[str, units.Value]] = {**_BOTH_UNITS, "ReadWritePaths": DATA}
_CLIENT_UNIT: Final[Mapping[str, units.Value]] = {
    **_BOTH_UNITS,
    # Only the agent is stopped: tasks outlive it. For that it must share the host's mounts: in a mount namespace of
    # its own (ProtectHome and the like) the network namespaces of its allocations would end with it. A system call
    # filter or a umask would be handed on to every task.
    "KillMode": "process",
    "Delegate": True,
    "TasksMax": "infinity",
    "LimitNPROC": "infinity",
    "OOMScoreAdjust": -1000,
}


def docker() -> File:
    """Docker's own settings: its logs are bounded, and tasks outlive a restart of it."""
    text = json.dumps({"live-restore": True, "log-opts": {"max-size": "10m", "max-file": "3"}}, indent=2) + "\n"
    return File(path="/etc/docker/daemon.json", content=text)
