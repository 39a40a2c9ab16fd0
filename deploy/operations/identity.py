"""Consul and Vault trust the identities that Nomad gives its workloads."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import consul as consul_api
import hvac

from configs import identity, vault
from configs.environment import Environment
from deploy import wait
from deploy.facts import vault as vault_facts
from deploy.operations import vault_setup
from deploy.operations.reconcile import Change
from inventory import authority, secrets
from inventory.access import Access


def changes(env: Environment) -> Iterator[Change]:
    """What differs in both from what the environment wants."""
    ca = _ca(env)
    api = Access.for_environment(env).consul()
    # Both fetch Nomad's keys from nomad.service.consul as they are told of it.
    wait.until("Nomad is in Consul's catalog", lambda: api.health.service("nomad", passing=True)[1], timeout=60)
    yield from _consul_changes(api, ca)
    yield from _vault_changes(vault_facts.active(env), ca)


def _ca(env: Environment) -> str:
    return authority.ensure(secrets.open(env), env.name).pem


def _consul_changes(api: consul_api.Consul, ca: str) -> Iterator[Change]:
    config = identity.consul_auth_method(ca)
    method = {"name": identity.CONSUL_METHOD, "method_type": "jwt", "config": config, "token_locality": "local"}
    methods = {found["Name"] for found in api.acl.auth_method.list()}
    if identity.CONSUL_METHOD not in methods:
        yield Change("trust Nomad's identities in Consul", partial(api.acl.auth_method.create, **method))
    elif not _covers(api.acl.auth_method.read(identity.CONSUL_METHOD)["Config"], config):
        yield Change("renew Consul's trust in Nomad's identities", partial(api.acl.auth_method.update, **method))
    roles = {role["Name"] for role in api.acl.role.list()}
    for role in (name for name in identity.CONSUL_ROLES if name not in roles):
        yield Change(f"make the role {role}", partial(api.acl.role.create, role, policies_name=[role]))
    present = api.acl.binding_rule.list(identity.CONSUL_METHOD) if identity.CONSUL_METHOD in methods else []
    rules = {(rule["BindType"], rule["BindName"], rule.get("Selector", "")) for rule in present}
    for kind, name, selector in identity.CONSUL_RULES:
        if (kind, name, selector) not in rules:
            bind = partial(api.acl.binding_rule.create, identity.CONSUL_METHOD, kind, name, selector=selector)
            yield Change(f"bind Nomad's {kind}s", bind)


def _vault_changes(api: hvac.Client, ca: str) -> Iterator[Change]:
    mount = f"{identity.VAULT_MOUNT}/"
    methods = api.sys.list_auth_methods()["data"]
    if mount not in methods:
        yield Change("mount JWT in Vault", partial(api.sys.enable_auth_method, "jwt", path=identity.VAULT_MOUNT))
    config = identity.vault_config(ca)
    path = f"auth/{identity.VAULT_MOUNT}/config"
    if mount not in methods or not _covers(_read(api, path), config):
        yield Change("trust Nomad's identities in Vault", partial(api.write_data, path, data=config))
    role_path = f"auth/{identity.VAULT_MOUNT}/role/{identity.VAULT_ROLE}"
    if mount not in methods or not _covers(_read(api, role_path), identity.VAULT_ROLE_DATA):
        yield Change(
            "write the workloads' role", partial(api.write_data, role_path, data=dict(identity.VAULT_ROLE_DATA))
        )
    if mount in methods:
        policy = vault.workload_policy(methods[mount]["accessor"])
        yield from vault_setup.policy_changes(api, identity.VAULT_ROLE, policy)
    else:
        yield Change("write the workloads' policy", partial(_write_policy, api))


def _write_policy(api: hvac.Client) -> None:
    """The policy names the mount's accessor, which exists only once it is mounted."""
    accessor = api.sys.list_auth_methods()["data"][f"{identity.VAULT_MOUNT}/"]["accessor"]
    for change in vault_setup.policy_changes(api, identity.VAULT_ROLE, vault.workload_policy(accessor)):
        change.apply()


def _read(api: hvac.Client, path: str) -> dict[str, Any]:
    found = api.read(path)
    return found["data"] if found else {}


def _covers(present: dict[str, Any], wanted: Any) -> bool:
    """Whether what is there says all that is wanted; servers add fields of their own."""
    return all(present.get(key) == value for key, value in wanted.items())
