"""A sealed server, opened and joined."""

import json
from collections.abc import Iterator

import hvac

from configs.environment import Environment, Host
from configs.errors import SocleError
from deploy import wait
from deploy.facts import vault as facts
from deploy.operations import vault_init
from deploy.operations.reconcile import Change
from inventory import secrets
from inventory.access import Access


def changes(env: Environment, me: Host) -> Iterator[Change]:
    """Unsealing this server, when it is sealed."""
    state = facts.seal_status(env, me)
    if not state["initialized"] and (stale := _stale_peer(env, me)):
        yield Change(f"remove the lost peer {me.name}", lambda: stale.sys.remove_raft_node(me.name))
    if not state["initialized"] or state["sealed"]:
        yield Change("unseal", lambda: unseal(env, me))


def _stale_peer(env: Environment, me: Host) -> hvac.Client | None:
    """The active server's API, when it still counts this emptied server as its peer: until then it cannot join.

    While Vault is being set up for the first time there is no login, and no lost peer either.
    """
    try:
        api = facts.active(env)
    except SocleError:
        return None
    peers = api.sys.read_raft_config()["data"]["config"]["servers"]
    return api if any(peer["node_id"] == me.name for peer in peers) else None


def unseal(env: Environment, me: Host) -> None:
    """Give the server shares until it is open and, in a group, until it is active or standing by.

    A server that is still to join takes its first share only once it knows the group's seal (retry_join).
    """
    api = Access.for_environment(env).vault(me, token="")
    keys = json.loads(secrets.open(env).get(vault_init.KEYS))

    def opened() -> bool:
        for key in keys:
            if not api.sys.read_seal_status()["sealed"]:
                return True
            api.sys.submit_unseal_key(key)
        return not api.sys.read_seal_status()["sealed"]

    wait.until(f"Vault on {me.name} is unsealed", opened, timeout=90, errors=(hvac.exceptions.VaultError,))
    wait.until(
        f"Vault on {me.name} is active or stands by",
        lambda: facts.serves(api),
        timeout=60,
    )
