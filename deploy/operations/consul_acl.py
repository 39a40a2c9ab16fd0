"""Consul's access control, as the environment wants it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import consul as consul_api
from consul import exceptions

from configs import consul
from configs.environment import Environment
from deploy import wait
from deploy.operations.reconcile import Change
from inventory import generate, secrets
from inventory.access import Access


def changes(env: Environment) -> Iterator[Change]:
    """What differs in Consul's access control from what the environment wants."""
    kept = secrets.open(env)
    secret = kept.ensure("consul/bootstrap", generate.token)
    kept.ensure_all([token.secret for token in consul.tokens(env)], generate.token)
    access = Access.for_environment(env)
    anonymous = access.consul(token="")
    wait.until("Consul has a leader", anonymous.status.leader, timeout=60)
    api = access.consul()
    if not (accepted := _accepted(api)):
        yield Change("bootstrap Consul's ACLs", partial(_bootstrap, anonymous, secret))
        wanted_policies, wanted_tokens = dict(consul.POLICIES), list(consul.tokens(env))
    else:
        wanted_policies = {n: r for n, r in consul.POLICIES.items() if _policy(api, n) != r}
        wanted_tokens = [t for t in consul.tokens(env) if not _token_is(api, env, t, kept)]
    for name, rules in wanted_policies.items():
        yield Change(f"write the policy {name}", partial(_write_policy, api, name, rules))
    for token in wanted_tokens:
        yield Change(f"write the token {token.purpose}", partial(_write_token, api, env, token, kept))
    for purpose in _gone(api, env) if accepted else ():
        yield Change(f"remove the token {purpose}", partial(api.acl.token.delete, accessor(env, purpose)))


def _accepted(api: consul_api.Consul) -> bool:
    """Whether our bootstrap token is in force; a cluster that knows another is not ours."""
    try:
        api.acl.token.read_self()
    except exceptions.ACLPermissionDenied:
        return False
    return True


def _bootstrap(api: consul_api.Consul, secret: str) -> None:
    """Consul takes the secret that we chose and kept beforehand, so that no answer can be lost.

    Right after an election the servers may still be in ACL legacy mode and answer 500: asked again.
    """
    wait.until(
        "Consul's ACLs are bootstrapped",
        lambda: api.acl.bootstrap(secret),
        timeout=60,
        errors=(consul_api.ConsulException,),
    )


def _policy(api: consul_api.Consul, name: str) -> Mapping[str, Any] | None:
    found = [p for p in api.acl.policy.list() if p["Name"] == name]
    return json.loads(api.acl.policy.read(found[0]["ID"])["Rules"]) if found else None


def _write_policy(api: consul_api.Consul, name: str, rules: Mapping[str, Any]) -> None:
    found = [p for p in api.acl.policy.list() if p["Name"] == name]
    if found:
        api.acl.policy.update(found[0]["ID"], name, rules=rules)
    else:
        api.acl.policy.create(name, rules=rules)


def accessor(env: Environment, purpose: str) -> str:
    """A token's AccessorID, made from what it is for, so that it is found again by rule."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{purpose}.{env.name}.socle"))


def _token_is(api: consul_api.Consul, env: Environment, token: consul.Token, kept: secrets.Secrets) -> bool:
    secret = kept.ensure(token.secret, generate.token)
    try:
        found = api.acl.token.read(accessor(env, token.purpose))
    except exceptions.NotFound:
        return False
    except consul_api.ConsulException as error:
        if "not found" in str(error).lower() or "does not exist" in str(error).lower():
            return False
        raise
    policies = {p["Name"] for p in found.get("Policies") or ()}
    nodes = {n["NodeName"] for n in found.get("NodeIdentities") or ()}
    return (
        found["SecretID"] == secret
        and policies == set(token.policies)
        and nodes == ({token.node} if token.node else set())
    )


def _gone(api: consul_api.Consul, env: Environment) -> list[str]:
    """The purposes of tokens that we made for hosts which are in the inventory no more."""
    wanted = {token.purpose for token in consul.tokens(env)}
    found = {token["Description"]: token["AccessorID"] for token in api.acl.token.list()}
    return sorted(p for p, made in found.items() if p not in wanted and made == accessor(env, p))


def _write_token(api: consul_api.Consul, env: Environment, token: consul.Token, kept: secrets.Secrets) -> None:
    secret, accessor_id = kept.ensure(token.secret, generate.token), accessor(env, token.purpose)
    with suppress(consul_api.ConsulException):
        # It may not be there.
        api.acl.token.delete(accessor_id)
    api.acl.token.create(
        accessor_id=accessor_id,
        secret_id=secret,
        description=token.purpose,
        policies_name=list(token.policies),
        node_identities=[f"{token.node}:{env.name}"] if token.node else None,
    )
