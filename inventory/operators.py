"""Who may open an environment's secrets: operators' SSH public keys, and the private keys at hand."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from getpass import getpass
from pathlib import Path

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from configs.errors import SecretsError
from inventory import local

KINDS = ("ssh-ed25519", "ssh-rsa")
"""The kinds of SSH keys that age can encrypt to."""

FOLDER = Path(__file__).parent / "secrets"


def folder() -> Path:
    """The folder of the secrets files: `inventory/secrets`, or what SOCLE_SECRETS names."""
    return Path(os.environ.get("SOCLE_SECRETS") or FOLDER).expanduser()


def file() -> Path:
    """`operators.pub` beside the folder of the secrets files: one SSH public key a line."""
    return folder().parent / "operators.pub"


@dataclass(frozen=True, slots=True)
class Operator:
    """A public key and where it came from."""

    line: str
    source: str

    def __str__(self) -> str:
        """The key's comment, or its last characters, and where it is listed."""
        kind, key, *comment = self.line.split()
        return f"{' '.join(comment) or f'{kind} ...{key[-12:]}'} ({self.source})"

    def recipient(self) -> object:
        """The key as age takes it.

        Raises:
            SecretsError: when it is not an SSH public key that age knows.
        """
        try:
            return pyrage.ssh.Recipient.from_str(self.line)
        except pyrage.RecipientError as error:
            raise SecretsError(
                f"{self.source}: {self.line[:40]!r} is not an SSH public key - "
                f"write a line that starts with {' or '.join(KINDS)}"
            ) from error


def recipients(environment: str) -> tuple[Operator, ...]:
    """The keys an environment is encrypted to: operators.pub, and the key of its local hosts where there is one.

    Raises:
        SecretsError: when there is none.
    """
    if not (found := _known(environment)):
        raise SecretsError(
            f"{environment}: no age identity - nobody could open the secrets file; "
            f"put your SSH public key in {file()} with: "
            f'python -m inventory.secrets {environment} add-operator "$(cat ~/.ssh/id_ed25519.pub)"'
        )
    return found


def identity_paths(environment: str) -> tuple[Path, ...]:
    """Where private keys are looked for, in order: SOCLE_IDENTITY, ~/.ssh, the key of the local hosts."""
    named = os.environ.get("SOCLE_IDENTITY")
    ssh = Path("~/.ssh").expanduser()
    return (
        *([Path(named).expanduser()] if named else []),
        ssh / "id_ed25519",
        ssh / "id_rsa",
        local.key(environment),
    )


def identities(environment: str) -> Iterator[object]:
    """The private keys at hand, as age takes them; each is read only when the one before did not fit."""
    for path in identity_paths(environment):
        if path.is_file() and (content := _private(path)):
            yield pyrage.ssh.Identity.from_buffer(content)


def explain(environment: str) -> str:
    """What was tried and who could open the file, for an error."""
    tried = ", ".join(f"{path} ({_fate(path)})" for path in identity_paths(environment))
    known = ", ".join(str(op) for op in _known(environment))
    return f"tried {tried}; operators known: {known or 'none'}"


def _known(environment: str) -> tuple[Operator, ...]:
    return (*_made(environment), *_listed())


def _made(environment: str) -> tuple[Operator, ...]:
    """The public half of the key made for local hosts, so that bin/up needs no operator to be named."""
    path = local.key(environment)
    if not path.is_file():
        return ()
    public = serialization.load_ssh_private_key(path.read_bytes(), None).public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return (Operator(f"{line} local hosts of {environment}", str(path)),)


def _listed() -> tuple[Operator, ...]:
    if not file().is_file():
        return ()
    lines = (line.strip() for line in file().read_text().splitlines())
    return tuple(Operator(line, file().name) for line in lines if line and not line.startswith("#"))


def _fate(path: Path) -> str:
    if not path.is_file():
        return "not there"
    return "does not fit" if _private(path) else "locked by a passphrase, or not an SSH key age knows"


@cache
def _private(path: Path) -> bytes | None:
    """A private key that needs no passphrase any more; a person is asked for it once, a script is not."""
    content = path.read_bytes()
    try:
        pyrage.ssh.Identity.from_buffer(content)
    except pyrage.IdentityError:
        return _unlocked(path, content) if sys.stdin.isatty() else None
    return content


def _unlocked(path: Path, content: bytes) -> bytes | None:
    try:
        key = serialization.load_ssh_private_key(content, getpass(f"Passphrase of {path}: ").encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
