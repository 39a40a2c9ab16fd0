"""Files the stock tools want on the operator's machine: the CA's certificate, the operator's own and its key."""

from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from configs import certificates
from configs.environment import Environment
from inventory import authority, cache
from inventory.authority import Authority


def ca(env: Environment, issuer: Authority) -> Path:
    """The CA's certificate, written when it differs."""
    path = cache.folder(env) / "ca.pem"
    cache.present(path, issuer.pem, 0o644)
    return path


def operator(env: Environment, issuer: Authority) -> tuple[str, str]:
    """The paths of the operator's client certificate and its key, made anew when due."""
    cert, key = cache.folder(env) / "operator-cert.pem", cache.folder(env) / "operator-key.pem"
    leaf = certificates.operator(env)
    if issuer.due(leaf, cert.read_text() if cert.is_file() else "", _public_digest(key)):
        issued = issuer.issue(leaf)
        cache.present(key, issued.key, 0o600)
        cache.present(cert, issued.cert, 0o644)
    return str(cert), str(key)


def _public_digest(path: Path) -> str:
    with suppress(OSError, ValueError, TypeError):
        return authority.public_sha256(load_pem_private_key(path.read_bytes(), None).public_key())
    return ""
