"""Secrets of jobs in Vault's KV, where a job's identity may read its own."""

from collections.abc import Mapping

import hvac
import requests

from configs import vault
from configs.environment import Environment
from configs.errors import AccessError
from inventory.access import Access


def read(access: Access, path: str) -> dict[str, str] | None:
    """The secret at <namespace>/<job>/<name>; None when there is none, or its last version was deleted.

    Raises:
        AccessError: when Vault is not reached, is sealed or refuses.
    """
    try:
        kv = access.vault().secrets.kv.v2
        answer = kv.read_secret_version(path, mount_point=vault.KV, raise_on_deleted_version=True)
    except hvac.exceptions.InvalidPath:
        return None
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise _refused(access.env, f"to read {path}", error) from None
    return dict(answer["data"]["data"])


def write(access: Access, path: str, values: Mapping[str, str]) -> None:
    """Have exactly these values as the secret's next version.

    Raises:
        AccessError: when Vault is not reached, is sealed or refuses.
    """
    try:
        access.vault().secrets.kv.v2.create_or_update_secret(path, dict(values), mount_point=vault.KV)
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise _refused(access.env, f"to write {path}", error) from None


def delete(access: Access, path: str) -> None:
    """Remove a secret with all its versions.

    Raises:
        AccessError: when Vault is not reached, is sealed or refuses.
    """
    try:
        access.vault().secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point=vault.KV)
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise _refused(access.env, f"to delete {path}", error) from None


def _refused(env: Environment, what: str, error: Exception) -> AccessError:
    """The kind of the error alone: Vault's answers may hold what was sent."""
    return AccessError(
        f"{env.name}: Vault refused {what} ({type(error).__name__}) - see that it is up and unsealed with "
        f"python -m deploy.status {env.name}"
    )
