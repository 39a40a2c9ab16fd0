"""Nomad's access control, as the environment wants it."""

from collections.abc import Iterator
from functools import partial

import nomad as nomad_api

from configs import nomad
from configs.environment import Environment
from deploy import wait
from deploy.facts import nomad as facts
from deploy.operations.reconcile import Change
from inventory import generate, secrets
from inventory.access import Access


def changes(env: Environment) -> Iterator[Change]:
    """What differs in Nomad's access control from what the environment wants."""
    kept = secrets.open(env)
    kept.ensure("nomad/bootstrap", generate.token)
    access = Access.for_environment(env)
    wait.until("Nomad has a leader", partial(facts.leader, access), timeout=90)
    api = access.nomad()
    fresh = not _accepted(api)
    if fresh:
        yield Change("bootstrap Nomad's ACLs", partial(_bootstrap, access))
    for name, rules in nomad.POLICIES.items():
        if fresh or _policy(api, name) != rules:
            yield Change(f"write the policy {name}", partial(_write_policy, api, name, rules))
        if fresh or not _token_works(api, kept.find(token_secret(name))):
            yield Change(f"make the token {name}", partial(_make_token, api, name, kept))


def token_secret(policy: str) -> str:
    """Where the secret of a policy's token is kept."""
    return f"nomad/tokens/{policy}"


def _accepted(api: nomad_api.Nomad) -> bool:
    """Whether our bootstrap token is in force; a cluster that knows another is not ours."""
    try:
        api.acl.get_self_token()
    except nomad_api.api.exceptions.URLNotAuthorizedNomadException:
        return False
    except nomad_api.api.exceptions.BaseNomadException as error:
        if "token not found" in str(error.nomad_resp.text).lower():
            return False
        raise
    return True


def _bootstrap(access: Access) -> None:
    """Nomad takes the secret that we chose and kept beforehand, so that no answer can be lost.

    python-nomad's own call cannot send one.
    """
    answer = access.session().post(
        f"{access.url('nomad')}/v1/acl/bootstrap", json={"BootstrapSecret": access.secrets.get("nomad/bootstrap")}
    )
    answer.raise_for_status()
    wait.until("Nomad's servers know the bootstrap token", lambda: _accepted(access.nomad()), timeout=30)


def _policy(api: nomad_api.Nomad, name: str) -> str | None:
    try:
        found: str = api.acl.get_policy(name)["Rules"]
    except nomad_api.api.exceptions.URLNotFoundNomadException:
        return None
    return found


def _write_policy(api: nomad_api.Nomad, name: str, rules: str) -> None:
    api.acl.create_policy(name, {"Name": name, "Rules": rules})


def _token_works(api: nomad_api.Nomad, secret: str | None) -> bool:
    return bool(secret) and any(token["SecretID"] == secret for token in _tokens(api))


def _tokens(api: nomad_api.Nomad) -> list[dict[str, str]]:
    return [api.acl.get_token(token["AccessorID"]) for token in api.acl.get_tokens()]


def _make_token(api: nomad_api.Nomad, name: str, kept: secrets.Secrets) -> None:
    """Nomad chooses a token's secret itself: one whose answer was lost is deleted and made anew."""
    for stale in api.acl.get_tokens():
        if stale["Name"] == name:
            api.acl.delete_token(stale["AccessorID"])
    made = api.acl.create_token({"Name": name, "Type": "client", "Policies": [name], "Global": False})
    kept.put(token_secret(name), made["SecretID"])
