"""What Vault's servers say of themselves."""

from http import HTTPStatus
from typing import Any

import hvac

from configs.environment import Environment, Host
from configs.errors import AccessError
from deploy import wait
from inventory import secrets
from inventory.access import Access

_STANDS_BY = HTTPStatus.TOO_MANY_REQUESTS
"""What /v1/sys/health answers on a standby."""


def seal_status(env: Environment, server: Host) -> dict[str, Any]:
    """A server's own word on whether it is initialised and sealed."""
    status: dict[str, Any] = Access.for_environment(env).vault(server, token="").sys.read_seal_status()
    return status


def quorum(env: Environment) -> wait.Health:
    """Whether Vault's servers can spare one of them."""
    if not secrets.open(env).find("vault/operator-role-id"):
        return wait.Health(leader=False, healthy=False, detail="not set up yet")
    states = [seal_status(env, server) for server in env.servers]
    sealed = [server.name for server, state in zip(env.servers, states, strict=True) if state["sealed"]]
    if len(sealed) == len(env.servers):
        return wait.Health(leader=False, healthy=False, detail="every server is sealed")
    if sealed:
        return wait.Health(leader=True, healthy=False, detail=f"sealed: {', '.join(sealed)}")
    report = active(env).sys.read_raft_config()["data"]["config"]["servers"]
    voters = [server for server in report if server["voter"]]
    whole = len(voters) == len(env.servers)
    return wait.Health(leader=True, healthy=whole, detail=f"{len(voters)} of {len(env.servers)} vote")


def active(env: Environment) -> hvac.Client:
    """Vault's API at its active server, logged in as the operator.

    Raises:
        AccessError: when no server is active.
    """
    access = Access.for_environment(env)
    for server in env.servers:
        if is_active(access.vault(server, token="")):
            return access.vault(server)
    raise AccessError(f"{env.name}: no Vault server is active - see python -m deploy.status {env.name}")


def leaders(env: Environment) -> list[str]:
    """The servers that call themselves active: there is to be one."""
    access = Access.for_environment(env)
    return [server.name for server in env.servers if is_active(access.vault(server, token=""))]


def is_active(api: hvac.Client) -> bool:
    """Whether this server is the active one."""
    return bool(api.sys.read_health_status(method="HEAD").status_code == HTTPStatus.OK)


def serves(api: hvac.Client) -> bool:
    """Whether this server is active or stands by."""
    return api.sys.read_health_status(method="HEAD").status_code in (HTTPStatus.OK, _STANDS_BY)
