"""Consul: what its agents are told, and who may do what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from configs import artifacts, certificates, controller, ports, units
from configs.environment import Environment, Host, Role
from configs.files import File
from configs.merge import merge

DATA: Final = "/var/lib/consul"
CONFIG: Final = "/etc/consul/consul.json"
DOMAIN: Final = "consul"
WEIGHTS: Final = "socle/weights/"
JOURNALS: Final = "socle/rollouts/"
ACTIVE: Final = "socle/controller/"
MANAGEMENT: Final = "global-management"

Rules = Mapping[str, Any]

READ_CATALOG: Final[Rules] = {"node_prefix": {"": {"policy": "read"}}, "service_prefix": {"": {"policy": "read"}}}

ROLLOUTS: Final[Rules] = merge(
    READ_CATALOG,
    {
        "key_prefix": {JOURNALS: {"policy": "write"}, WEIGHTS: {"policy": "write"}},
        "session_prefix": {"": {"policy": "write"}},
    },
)
"""What running rollouts takes: their journals, their leases' sessions, the weights, and whether instances pass."""

POLICIES: Final[Mapping[str, Rules]] = {
    "dns": merge(READ_CATALOG, {"query_prefix": {"": {"policy": "read"}}}),
    "nomad-server": {
        "agent_prefix": {"": {"policy": "read"}},
        "node_prefix": {"": {"policy": "read"}},
        "service_prefix": {"": {"policy": "write"}},
        "acl": "write",
    },
    "nomad-client": {
        "agent_prefix": {"": {"policy": "read"}},
        "node_prefix": {"": {"policy": "read"}},
        "service_prefix": {"": {"policy": "write"}},
    },
    "vault": {"service": {"vault": {"policy": "write"}}},
    "prometheus": merge(READ_CATALOG, {"agent_prefix": {"": {"policy": "read"}}}),
    controller.NAME: merge(ROLLOUTS, {"key_prefix": {ACTIVE: {"policy": "write"}}}),
    # Nomad's tasks in namespace default: the catalog, ingress weights and their own settings, not every key.
    "nomad-default-tasks": merge(
        READ_CATALOG, {"key_prefix": {WEIGHTS: {"policy": "read"}, "config/": {"policy": "read"}}}
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token for one purpose; its secret is kept at `consul/tokens/<purpose>`."""

    purpose: str
    policies: tuple[str, ...] = ()
    node: str | None = None

    @property
    def secret(self) -> str:
        """Where its SecretID is kept."""
        return f"consul/tokens/{self.purpose}"


def agent_token(host: Host) -> Token:
    """The token with which a host's agent keeps its own entry in the catalog."""
    return Token(purpose=f"agent-{host.name}", node=host.name)


def nomad_token(host: Host) -> Token:
    """The token of a host's Nomad agent."""
    roles = {Role.SERVER: "nomad-server", Role.CLIENT: "nomad-client"}
    return Token(purpose=f"nomad-{host.name}", policies=tuple(p for role, p in roles.items() if host.has(role)))


def vault_token(host: Host) -> Token:
    """The token with which a host's Vault registers itself."""
    return Token(purpose=f"vault-{host.name}", policies=("vault",))


DNS_TOKEN: Final = Token(purpose="dns", policies=("dns",))
PROMETHEUS_TOKEN: Final = Token(purpose="prometheus", policies=("prometheus",))


def tokens(env: Environment) -> tuple[Token, ...]:
    """Every token of an environment."""
    return (
        DNS_TOKEN,
        PROMETHEUS_TOKEN,
        *(agent_token(host) for host in env.hosts),
        *(nomad_token(host) for host in env.hosts if host.has(Role.SERVER) or host.has(Role.CLIENT)),
        *(vault_token(host) for host in env.servers),
    )


def agent(env: Environment, host: Host, *, gossip_key: str, token: str, dns_token: str) -> dict[str, Any]:
    """A host's Consul configuration; it holds secrets."""
    document: dict[str, Any] = {
        "datacenter": env.name,
        "domain": DOMAIN,
        "node_name": host.name,
        "data_dir": DATA,
        "bind_addr": host.address,
        "client_addr": "127.0.0.1",
        "addresses": {"https": "0.0.0.0"},
        "ports": {
            "http": -1,
            "https": ports.CONSUL_HTTPS,
            "grpc": -1,
            "grpc_tls": -1,
            "serf_wan": -1,
            "dns": ports.CONSUL_DNS,
        },
        "retry_join": [server.address for server in env.servers if server != host],
        "retry_interval": "2s",
        "encrypt": gossip_key,
        "tls": _tls(),
        "acl": _acl(token, dns_token),
        "telemetry": {"prometheus_retention_time": "24h", "disable_hostname": True},
        "leave_on_terminate": False,
        "skip_leave_on_interrupt": True,
        "disable_update_check": True,
        "enable_script_checks": False,
        # A lost host's instances leave DNS with its gossip; answers for live ones may be a second old.
        "dns_config": {"service_ttl": {"*": "1s"}, "max_stale": "5s"},
        "log_level": "INFO",
    }
    if host.has(Role.SERVER):
        document |= _server(env)
    return merge(document, env.extra.get("consul", {}))


def _acl(token: str, dns_token: str) -> dict[str, Any]:
    return {
        "enabled": True,
        "default_policy": "deny",
        "down_policy": "extend-cache",
        "enable_token_persistence": True,
        "tokens": {"agent": token, "dns": dns_token},
    }


def _server(env: Environment) -> dict[str, Any]:
    count = len(env.servers)
    return {
        "server": True,
        "bootstrap_expect": count,
        "performance": {"raft_multiplier": 1},
        "autopilot": {"min_quorum": count if count > 1 else 0},
        "ui_config": {"enabled": True},
    }


def _tls() -> dict[str, Any]:
    files = {
        "ca_file": certificates.CA_FILE,
        "cert_file": certificates.cert("consul"),
        "key_file": certificates.key("consul"),
        "tls_min_version": "TLSv1_2",
    }
    return {
        "defaults": {**files, "verify_incoming": True, "verify_outgoing": True},
        "internal_rpc": {"verify_server_hostname": True},
        # People and Prometheus come with a token, not with a certificate.
        "https": {"verify_incoming": False},
    }


def unit() -> File:
    """Consul's unit."""
    binary = artifacts.CONSUL.path("consul")
    text = units.unit(
        description="Consul",
        exec_start=f"{binary} agent -config-file={CONFIG}",
        user="consul",
        service={
            "ReadWritePaths": DATA,
            "KillMode": "process",
            "KillSignal": "SIGTERM",
            "ExecReload": "/bin/kill -HUP $MAINPID",
            "Restart": "always",
        },
    )
    return File(path="/etc/systemd/system/consul.service", content=text)
