"""A host's certificates: issued on the operator's machine, sent through stdin, replaced when due."""

import base64
import hashlib
import io
import tarfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence

from pyinfra import logger
from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from configs import certificates
from configs.certificates import Leaf
from configs.environment import Environment
from deploy.facts.pki import Pki, PkiState
from inventory import authority, secrets
from inventory.authority import Authority, Issued

CA_OWNER = "644:root:root"

# A key and its certificate are two files: a run that dies between the two renames leaves a pair that does not match,
# which the next run sees and replaces.
_PLACE = (
    'set -e; umask 077; mkdir -p -m 755 "$0"; cd "$0"; rm -rf .new; mkdir .new; base64 -d | tar -xpf - -C .new; '
    'for s in "$@"; do mkdir -p -m 755 "$s"; mv -f ".new/$s/key.pem" "$s/key.pem"; '
    'mv -f ".new/$s/cert.pem" "$s/cert.pem"; done; rm -rf .new'
)
_TRUST = (
    'set -e; umask 022; mkdir -p "$(dirname "$1")" "$(dirname "$2")"; head -c "$3" > "$1.new"; '
    'test "$(stat -c %s "$1.new")" = "$3"; chmod 644 "$1.new"; mv -f "$1.new" "$1"; '
    'install -m 644 "$1" "$2"; update-ca-certificates >/dev/null'
)


@operation()
def issued(env: Environment, leaves: Sequence[Leaf]) -> Generator[StringCommand, None, None]:
    """Have the CA's certificate trusted and every certificate as wanted, its key known to nobody else.

    Args:
        env: the environment, whose CA is made when it has none.
        leaves: the certificates of this host.
    """
    now = host.get_fact(Pki, services=[leaf.service for leaf in leaves])
    if now is None:
        return
    kept = secrets.open(env)
    issuer = authority.ensure(kept, env.name) if state.is_executing else authority.find(kept)
    reasons = due(issuer, leaves, now)
    if not state.is_executing:
        yield from (StringCommand("true") for _ in reasons)
        return
    assert issuer is not None  # noqa: S101 - made above
    for what, reason in reasons.items():
        logger.info(f"{host.print_prefix}certificate {what}: {reason}")
    if "ca" in reasons:
        yield _trust(env, issuer)
    if chosen := [leaf for leaf in leaves if leaf.service in reasons]:
        yield _place({leaf: issuer.issue(leaf) for leaf in chosen})


def due(issuer: Authority | None, leaves: Sequence[Leaf], now: PkiState) -> Mapping[str, str]:
    """What must be written, and why: `ca`, and services."""
    return dict(_findings(issuer, leaves, now))


def _findings(issuer: Authority | None, leaves: Sequence[Leaf], now: PkiState) -> Iterator[tuple[str, str]]:
    if issuer is None:
        yield from ((what, "the environment has no CA yet") for what in ("ca", *(leaf.service for leaf in leaves)))
        return
    if now.ca != f"{CA_OWNER} {hashlib.sha256(issuer.pem.encode()).hexdigest()}":
        yield "ca", "the file is not the environment's"
    elif not now.trusted:
        yield "ca", "the system does not trust it"
    for leaf in leaves:
        there = now.leaves[leaf.service]
        if reason := issuer.due(leaf, there.cert, there.public_key_sha256):
            yield leaf.service, reason
        elif (there.cert_owner, there.key_owner) != (CA_OWNER, f"640:root:{leaf.group}"):
            yield leaf.service, f"owner and mode were {there.cert_owner} and {there.key_owner}"


def _trust(env: Environment, issuer: Authority) -> StringCommand:
    return StringCommand(
        "sh -c", QuoteString(_TRUST), "sh", certificates.CA_FILE, certificates.trust_file(env), str(len(issuer.pem)),
        _stdin=issuer.pem,
    )  # fmt: skip


def _place(pairs: Mapping[Leaf, Issued]) -> StringCommand:
    services = [leaf.service for leaf in pairs]
    return StringCommand("sh -c", QuoteString(_PLACE), certificates.FOLDER, *services, _stdin=_archive(pairs))


def _archive(pairs: Mapping[Leaf, Issued]) -> str:
    """A tar, in base64: owners and modes travel with the files, so that no key is ever open to others."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for leaf, pair in pairs.items():
            _add(tar, f"{leaf.service}/key.pem", pair.key, 0o640, leaf.group)
            _add(tar, f"{leaf.service}/cert.pem", pair.cert, 0o644, "root")
    return base64.encodebytes(buffer.getvalue()).decode()


def _add(tar: tarfile.TarFile, name: str, content: str, mode: int, group: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.uname, entry.gname = len(content), mode, "root", group
    entry.mtime = int(time.time())
    tar.addfile(entry, io.BytesIO(content.encode()))
