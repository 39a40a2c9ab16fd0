"""The SSH keys of an environment's local hosts: the operator's, made for them, and theirs, recorded."""

import fcntl
import io
import os
import tarfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from inventory import local

USER_ID = 1000
"""The user and group of the first user that useradd makes."""


def ensure(environment: str) -> str:
    """The public key for authorized_keys; the private one is made if it is not there, and a .pub file beside it."""
    path = local.key(environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.is_file():
        private = ed25519.Ed25519PrivateKey.generate()
        _write(
            path,
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            ),
        )
    public = _public(path, environment)
    _write(path.with_suffix(".pub"), public.encode())
    return public


def authorized(public: str) -> bytes:
    """A tar archive of the user's .ssh folder that lets a key in; sshd insists on these owners and modes."""
    archive, content = io.BytesIO(), public.encode()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder, file = tarfile.TarInfo(".ssh"), tarfile.TarInfo(".ssh/authorized_keys")
        folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o700, USER_ID, USER_ID
        tar.addfile(folder)
        file.size, file.mode, file.uid, file.gid = len(content), 0o600, USER_ID, USER_ID
        tar.addfile(file, io.BytesIO(content))
    return archive.getvalue()


def remember_host(environment: str, name: str, address: str, public: str) -> None:
    """Record a host's public key (`ssh-ed25519 AAAA... comment`) in place of one it had before."""
    kind, key, *_ = public.split()
    _rewrite(environment, name, f"{name},{address} {kind} {key}\n")


def forget_host(environment: str, name: str) -> None:
    """Drop a host's public key."""
    if local.known_hosts(environment).is_file():
        _rewrite(environment, name, "")


def _rewrite(environment: str, name: str, line: str) -> None:
    path = local.known_hosts(environment)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        kept = [other for other in lines if not other.startswith(f"{name},")]
        _write(path, "".join([*kept, line]).encode())


def _public(path: Path, environment: str) -> str:
    private = serialization.load_ssh_private_key(path.read_bytes(), password=None)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{public.decode()} socle-{environment}\n"


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    partial.replace(path)
