"""The archives that the mirror host serves."""

import io
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyinfra import logger
from pyinfra.api.command import FileUploadCommand, QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from configs import artifacts
from deploy.facts.artifacts import HeldArchives
from inventory.artifact_cache import Entry

INCOMING: Final = "/srv/socle/incoming"
_PROGRESS_S: Final = 5.0

_TAKE = """
set -eu
cd "$1"; echo "$3  $2" | sha256sum --check --strict --quiet
chown root:root "$2"; chmod 644 "$2"; sync "$2"
rm -f "$0/$2.sha256"; mv -f "$2" "$0/$2"
echo "$3  $2" > "$2.sha256"; chmod 644 "$2.sha256"; sync "$2.sha256"; mv -f "$2.sha256" "$0/"
"""
"""The sum is written last: an archive without one is not there, and is uploaded again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """An archive of the operator's cache; `entry` answers None while it was not acquired and the run is a dry one."""

    path: Path
    entry: Callable[[], Entry | None]


@operation()
def holding(archives: Sequence[Archive]) -> Generator[StringCommand | FileUploadCommand, None, None]:
    """Have archives on the mirror, whole and under their names; what it holds beside them stays.

    Older archives are kept because a job that goes back to an earlier version fetches it again.
    """
    now = host.get_fact(HeldArchives, names=[archive.path.name for archive in archives])
    if now is None:
        return
    missing = [archive for archive in archives if not _is(now.get(archive.path.name), archive.entry())]
    if not missing:
        return
    user = host.get_fact(Command, command="id -un", _sudo=False)
    yield StringCommand(f"install -d -m 755 /srv/socle {artifacts.MIRRORED}")
    yield StringCommand(f"install -d -m 700 -o {user} {INCOMING}")
    for archive in missing:
        yield from _upload(archive)


def _is(now: tuple[int, str] | None, entry: Entry | None) -> bool:
    return now is not None and (entry is None or now == (entry.size, entry.sha256))


def _upload(archive: Archive) -> Generator[StringCommand | FileUploadCommand, None, None]:
    """By SFTP as the SSH user straight to where it is moved from: pyinfra's own way under sudo copies it once more."""
    name, entry = archive.path.name, archive.entry()
    source = _Told(archive.path, host.name) if entry else io.BytesIO()
    yield FileUploadCommand(source, f"{INCOMING}/{name}", _sudo=False)
    sha256 = entry.sha256 if entry else "unknown"
    yield StringCommand("sh -c", QuoteString(_TAKE), artifacts.MIRRORED, INCOMING, QuoteString(name), sha256)


class _Told(io.FileIO):
    """A file that tells how far its upload is."""

    def __init__(self, path: Path, to: str) -> None:
        super().__init__(path)
        self._what = f"{path.name} to {to}"
        self._size = path.stat().st_size
        self._said = time.monotonic()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on; every few seconds say how much is sent."""
        if time.monotonic() - self._said > _PROGRESS_S:
            self._said = time.monotonic()
            logger.info(f"    uploading {self._what}: {self.tell() >> 20} of {self._size >> 20} MiB")
        return super().read(size)
