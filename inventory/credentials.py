"""Files the stock tools want on the operator's machine: the CA's certificate, the operator's own and its key."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from configs import certificates
from configs.environment import Environment
from inventory import authority, local
from inventory.authority import Authority


def folder(env: Environment) -> Path:
    """Where an environment's files lie."""
    return local.CACHE / env.name


def ca(env: Environment, issuer: Authority) -> Path:
    """The CA's certificate, written when it differs."""
    path = folder(env) / "ca.pem"
    _present(path, issuer.pem, 0o644)
    return path


def operator(env: Environment, issuer: Authority) -> tuple[str, str]:
    """The paths of the operator's client certificate and its key, made anew when due."""
    cert, key = folder(env) / "operator-cert.pem", folder(env) / "operator-key.pem"
    leaf = certificates.operator(env)
    if issuer.due(leaf, cert.read_text() if cert.is_file() else "", _public_digest(key)):
        issued = issuer.issue(leaf)
        _present(key, issued.key, 0o600)
        _present(cert, issued.cert, 0o644)
    return str(cert), str(key)


def _present(path: Path, content: str, mode: int) -> None:
    """Write a file whole, private from birth, unless it is so already."""
    if path.is_file() and path.read_text() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(content)
    new.rename(path)


def _public_digest(path: Path) -> str:
    with suppress(OSError, ValueError, TypeError):
        return authority.public_sha256(load_pem_private_key(path.read_bytes(), None).public_key())
    return ""
