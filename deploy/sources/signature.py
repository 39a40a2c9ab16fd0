"""OpenPGP signatures, checked by gpgv: apt's own verifier, on every Debian and Ubuntu."""

import base64
import subprocess
import tempfile
from pathlib import Path

import configs
from configs.errors import ArtifactError, ArtifactUnavailableError

KEYS = Path(configs.__file__).parent / "keys"


def verify(what: str, document: bytes, signature: bytes, *, key: str, fingerprint: str) -> None:
    """Return if a document was signed by a key.

    Args:
        what: the document's name, for the error.
        document: what was signed.
        signature: the detached signature, binary.
        key: the armored public key: a file of configs/keys, or an absolute path.
        fingerprint: the fingerprint of its primary key; a key file with another key proves nothing.

    Raises:
        ArtifactError: when it was not.
        ArtifactUnavailableError: when it cannot be checked here.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "document").write_bytes(document)
        (folder / "signature").write_bytes(signature)
        (folder / "key.gpg").write_bytes(_dearmored((KEYS / key).read_text()))
        said = _gpgv(folder)
    statuses = [line.split()[1:] for line in said.splitlines() if line.startswith("[GNUPG:]")]
    good = any(words[0] == "GOODSIG" for words in statuses)
    if not (good and any(words[0] == "VALIDSIG" and words[-1] == fingerprint for words in statuses)):
        verdict = " ".join(words[0] for words in statuses) or said
        raise ArtifactError(
            f"{what}: its signature is not good ({verdict}) - the file is not the vendor's, "
            f"or configs/keys/{Path(key).name} is not the vendor's present key {fingerprint}"
        )


def _gpgv(folder: Path) -> str:
    command = ["gpgv", "--status-fd", "1", "--keyring", "./key.gpg", "./signature", "./document"]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        raise ArtifactUnavailableError("gpgv is not installed - run `apt-get install gpgv`") from error


def _dearmored(text: str) -> bytes:
    """The key's bytes: between the blank line after the headers and the CRC line (RFC 4880, 6.2)."""
    body = text.split("\n\n", 1)[1]
    return base64.b64decode("".join(line for line in body.splitlines() if line and line[0] not in "=-"))
