"""A job's certificate of the environment's CA, kept in Vault where the job's identity may read it."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from configs.certificates import Leaf
from deploy.operations.reconcile import Change
from inventory import authority, vault_kv
from inventory.access import Access
from inventory.authority import Authority


def changes(access: Access, issuer: Authority, leaf: Leaf, path: str) -> Iterator[Change]:
    """Issue it when it is due; running tasks get the new one within minutes by their templates.

    The secret has the fields `cert`, `key`, `ca` and `serial`.
    """
    if why := _due(issuer, leaf, vault_kv.read(access, path)):
        yield Change(f"issue the {leaf.service} certificate: {why}", lambda: _issue(access, issuer, leaf, path))


def _due(issuer: Authority, leaf: Leaf, kept: dict[str, str] | None) -> str | None:
    if kept is None:
        return "there is none"
    if kept.get("ca") != issuer.pem:
        return "it does not carry the CA of now"
    return issuer.due(leaf, kept.get("cert", ""), _public_digest(kept.get("key", "")))


def _public_digest(key: str) -> str:
    try:
        return authority.public_sha256(load_pem_private_key(key.encode(), None).public_key())
    except (ValueError, TypeError):
        return ""


def _issue(access: Access, issuer: Authority, leaf: Leaf, path: str) -> None:
    issued = issuer.issue(leaf)
    serial = format(x509.load_pem_x509_certificate(issued.cert.encode()).serial_number, "x")
    vault_kv.write(access, path, {"cert": issued.cert, "key": issued.key, "ca": issuer.pem, "serial": serial})
