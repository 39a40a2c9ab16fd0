"""The rollouts' controller: what it is called, what it may, and where its secrets are."""

from typing import Any, Final

from configs import ports
from configs.certificates import Leaf
from configs.environment import Environment, Role

NAME: Final = "controller"
"""The job, and the policies and roles that are bound to it."""

USR: Final = "usr"
"""The volume of the clients that is their own /usr, read only: the task runs with the host's Python."""

TLS_PATH: Final = f"default/{NAME}/tls"
"""Vault's KV path of its client certificate, the key and the CA: where the job's identity may read, and no other's."""

TOKENS_PATH: Final = f"default/{NAME}/tokens"
"""Vault's KV path of its token for Nomad, and of the password that Prometheus asks for."""

SELECTOR: Final = (
    f'"nomad_service" not in value and value.nomad_namespace == "default" and value.nomad_job_id == "{NAME}"'
)
"""Which of Nomad's identities gets its role in Consul."""

NOMAD_POLICY: Final = """namespace "default" {
  capabilities = [
    "list-jobs", "read-job", "plan-job", "register-job", "revert-job", "scale-job", "tag-job-version",
    "promote-deployment", "fail-deployment", "csi-mount-volume", "csi-read-volume",
  ]
}
node {
  policy = "read"
}
host_volume "*" {
  policy = "write"
}
"""
"""To take any job forth and back: what a version mounts, its registration must be allowed to mount."""


def leaf() -> Leaf:
    """The client certificate that the ingresses, Prometheus and Loki want to see."""
    return Leaf(service=NAME, names=(f"{NAME}.service.consul",), server=False, client=True)


def reach(env: Environment) -> dict[str, Any]:
    """Where the task finds the APIs: Consul by its own host's agent, the others by address."""
    return {
        "env": env.name,
        "region": env.region,
        "nomad": [f"https://{host.address}:{ports.NOMAD_HTTP}" for host in env.servers],
        "consul": [f"https://127.0.0.1:{ports.CONSUL_HTTPS}"],
        "ingresses": {
            host.name: f"https://{host.address}:{ports.TRAEFIK_METRICS}" for host in env.having(Role.INGRESS)
        },
        "prometheus": f"https://{env.monitor.address}:{ports.PROMETHEUS}",
        "loki": f"https://{env.monitor.address}:{ports.LOKI}",
    }
