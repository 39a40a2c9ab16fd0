"""Workload identity: how Consul and Vault come to trust what Nomad says of its tasks."""

from collections.abc import Mapping
from typing import Any, Final

from configs import controller, nomad, ports

JWKS_HOST: Final = "nomad.service.consul"
JWKS_URL: Final = f"https://{JWKS_HOST}:{ports.NOMAD_HTTP}/.well-known/jwks.json"

CONSUL_METHOD: Final = "nomad-workloads"
CONSUL_ROLE: Final = "nomad-default-tasks"
CONSUL_ROLES: Final = (CONSUL_ROLE, controller.NAME)
"""Roles, each with the policy of its name."""

CONSUL_RULES: Final = (
    ("service", "${value.nomad_service}", '"nomad_service" in value'),
    ("role", "nomad-${value.nomad_namespace}-tasks", '"nomad_service" not in value'),
    ("role", controller.NAME, controller.SELECTOR),
)
"""Binding rules: type, name, selector; as Nomad's own set-up makes them, and the controller's."""

VAULT_MOUNT: Final = "jwt-nomad"
VAULT_ROLE: Final = "nomad-workloads"

_CLAIMS: Final = {
    "nomad_namespace": "nomad_namespace",
    "nomad_job_id": "nomad_job_id",
    "nomad_task": "nomad_task",
}


def consul_auth_method(ca: str) -> dict[str, Any]:
    """The JWT auth method's configuration.

    MaxTokenTTL is never set: Nomad cannot make a deleted token anew.
    """
    return {
        "JWKSURL": JWKS_URL,
        "JWKSCACert": ca,
        "JWTSupportedAlgs": ["RS256"],
        "BoundAudiences": [nomad.CONSUL_AUDIENCE],
        "ClaimMappings": {**_CLAIMS, "nomad_service": "nomad_service"},
    }


def vault_config(ca: str) -> dict[str, Any]:
    """The JWT auth mount's configuration."""
    return {
        "jwks_url": JWKS_URL,
        "jwks_ca_pem": ca,
        "jwt_supported_algs": ["RS256", "EdDSA"],
        "default_role": VAULT_ROLE,
    }


VAULT_ROLE_DATA: Final[Mapping[str, Any]] = {
    "role_type": "jwt",
    "bound_audiences": [nomad.VAULT_AUDIENCE],
    "user_claim": "/nomad_job_id",
    "user_claim_json_pointer": True,
    "claim_mappings": _CLAIMS,
    "token_type": "service",
    "token_period": 1800,
    # Zero is said on purpose: with a limit Nomad could not renew for as long as the task lives.
    "token_explicit_max_ttl": 0,
    "token_policies": [VAULT_ROLE],
}
