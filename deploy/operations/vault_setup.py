"""What Vault holds before any job comes: audit devices, engines, policies, the operator's login."""

import json
import uuid
from collections.abc import Iterator
from functools import partial

import hvac

from configs import vault
from configs.environment import Environment
from configs.errors import AccessError
from deploy import wait
from deploy.facts import vault as facts
from deploy.operations import vault_init
from deploy.operations.reconcile import Change
from inventory import secrets
from inventory.access import Access

_AUDIT = {"file": {"file_path": vault.AUDIT_LOG}, "syslog": {"facility": "AUTH", "tag": "vault-audit"}}
_LOGIN_LIFE = {"token_ttl": "8h", "token_max_ttl": "8h"}
_AUTOPILOT = {
    "cleanup_dead_servers": True,
    "dead_server_last_contact_threshold": "10m",
    "server_stabilization_time": "10s",
}


def changes(env: Environment) -> Iterator[Change]:
    """What differs in Vault from what the environment wants; last of all, the end of the root token."""
    kept = secrets.open(env)
    root = _root(env, kept.find(vault_init.ROOT))
    # Servers that were just unsealed all stand by until they have elected one of them.
    api = root or wait.until("a Vault server is active", partial(facts.active, env), timeout=60)
    yield from _audit_changes(api)
    if f"{vault.KV}/" not in api.sys.list_mounted_secrets_engines()["data"]:
        yield Change(
            "mount KV version 2",
            lambda: api.sys.enable_secrets_engine("kv", path=vault.KV, options={"version": "2"}),
        )
    yield from policy_changes(api, vault.OPERATOR, vault.OPERATOR_POLICY)
    yield from _login_changes(env, api, kept)
    if len(env.servers) > 1 and not _autopilot_is(api, env):
        yield Change("let autopilot remove dead servers", lambda: _set_autopilot(api, env))
    if root:
        yield Change("revoke the root token", lambda: _revoke(root, kept))
    elif kept.find(vault_init.ROOT):
        yield Change("forget the revoked root token", lambda: kept.remove(vault_init.ROOT))


def _root(env: Environment, token: str | None) -> hvac.Client | None:
    """The API with the root token, while it is still in force."""
    if not token:
        return None
    access = Access.for_environment(env)

    def client() -> hvac.Client | None:
        for server in env.servers:
            found = access.vault(server, token=token)
            if facts.is_active(found):
                return found
        return None

    api = wait.until("a Vault server is active", client, timeout=60)
    return api if api and api.is_authenticated() else None


def _audit_changes(api: hvac.Client) -> Iterator[Change]:
    for kind in _AUDIT:
        if not _audits(api, kind):
            yield Change(f"enable the audit device {kind}", partial(_enable_audit, api, kind))


def _audits(api: hvac.Client, kind: str) -> bool:
    return f"{kind}/" in api.sys.list_enabled_audit_devices()["data"]


def _enable_audit(api: hvac.Client, kind: str) -> None:
    """Enable an audit device, also one that a killed run left half enabled.

    A request whose caller dies leaves the device in Vault's memory and not in its table (seen with 1.21): it can then
    be neither enabled nor disabled, until a server that becomes active begins with what the table says.
    """

    def enabled() -> bool:
        if not _audits(api, kind):
            api.sys.enable_audit_device(device_type=kind, options=_AUDIT[kind], path=kind)
        return True

    try:
        enabled()
    except hvac.exceptions.InvalidRequest as error:
        if "already registered" not in str(error):
            raise
        api.sys.step_down()
        wait.until(f"Vault audits to {kind}", enabled, timeout=60, errors=(hvac.exceptions.VaultError,))


def policy_changes(api: hvac.Client, name: str, policy: vault.Policy) -> Iterator[Change]:
    """Writing a policy, when Vault's text of it is another."""
    text = json.dumps(policy, indent=2)
    try:
        present = api.sys.read_acl_policy(name)["data"]["policy"]
    except hvac.exceptions.InvalidPath:
        present = None
    if present != text:
        yield Change(f"write the policy {name}", lambda: api.sys.create_or_update_acl_policy(name, text))


def _login_changes(env: Environment, api: hvac.Client, kept: secrets.Secrets) -> Iterator[Change]:
    """The operator's AppRole, with credentials that we chose and kept beforehand."""
    kept.ensure("vault/operator-role-id", lambda: str(uuid.uuid4()))
    kept.ensure("vault/operator-secret-id", lambda: str(uuid.uuid4()))
    if "approle/" not in api.sys.list_auth_methods()["data"]:
        yield Change("enable AppRole", lambda: api.sys.enable_auth_method("approle"))
        yield Change("let the operator log in", lambda: _write_login(api, kept))
    elif not _login_works(env):
        yield Change("let the operator log in", lambda: _write_login(api, kept))


def _login_works(env: Environment) -> bool:
    try:
        Access.for_environment(env).vault()
    except AccessError:
        return False
    return True


def _write_login(api: hvac.Client, kept: secrets.Secrets) -> None:
    role, proof = kept.get("vault/operator-role-id"), kept.get("vault/operator-secret-id")
    api.auth.approle.create_or_update_approle(vault.OPERATOR, token_policies=[vault.OPERATOR], **_LOGIN_LIFE)
    api.auth.approle.update_role_id(vault.OPERATOR, role)
    try:
        api.auth.approle.create_custom_secret_id(vault.OPERATOR, proof)
    except hvac.exceptions.VaultError as error:
        if "already" not in str(error):
            raise


def _autopilot_is(api: hvac.Client, env: Environment) -> bool:
    now = api.adapter.get(url="/v1/sys/storage/raft/autopilot/configuration")
    data = now["data"]
    return bool(data.get("cleanup_dead_servers")) and data.get("min_quorum") == len(env.servers)


def _set_autopilot(api: hvac.Client, env: Environment) -> None:
    api.adapter.post(
        url="/v1/sys/storage/raft/autopilot/configuration", json={**_AUTOPILOT, "min_quorum": len(env.servers)}
    )


def _revoke(root: hvac.Client, kept: secrets.Secrets) -> None:
    root.auth.token.revoke_self()
    kept.remove(vault_init.ROOT)
