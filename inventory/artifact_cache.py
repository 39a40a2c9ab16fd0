"""The operator's cache of artifacts: each archive with its SHA-256, checked whenever it is used."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from configs.artifacts import Artifact
from configs.environment import Arch
from configs.errors import ArtifactError
from inventory.local import CACHE

FOLDER = CACHE / "artifacts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a cached archive came from.

    Attributes:
        source: `release`, `mirror` or `build`.
        detail: an address, a folder or a toolchain.
        recipe: the digest of what it was built from, so that a changed recipe is built again; empty for no build.
        binaries: SHA-256 of what is inside, known for builds.
    """

    source: str
    detail: str
    recipe: str = ""
    binaries: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the cache remembers of an archive; size and time tell whether the sum must be computed again."""

    sha256: str
    size: int
    mtime_ns: int
    origin: Origin

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The entry in a file; None when it is absent or damaged."""
        try:
            fields = json.loads(path.read_text())
            return cls(**{**fields, "origin": Origin(**fields["origin"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of archives, each with `<file>.sha256` as `sha256sum` writes it: a mirror in the same layout."""

    folder: Path = FOLDER

    def path(self, artifact: Artifact, arch: Arch) -> Path:
        """Where an archive is, or will be."""
        return self.folder / artifact.file(arch)

    def entry(self, artifact: Artifact, arch: Arch) -> Entry | None:
        """What is known of a cached archive that is whole; None when there is none, or it is damaged."""
        path = self.path(artifact, arch)
        known = Entry.read(_beside(path, "json"))
        if known is None or not path.is_file():
            return None
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) == (known.size, known.mtime_ns):
            return known
        return self._remember(path, known.sha256, known.origin) if digest(path) == known.sha256 else None

    def sha256(self, artifact: Artifact, arch: Arch) -> str:
        """The sum of a cached archive.

        Raises:
            ArtifactError: when it is not in the cache, or not as it was put there.
        """
        if known := self.entry(artifact, arch):
            return known.sha256
        path = self.path(artifact, arch)
        wrong = "is not as it was acquired" if path.exists() else "is not there"
        raise ArtifactError(f"{path}: {wrong} - run `python -m deploy.artifact_sources ENV`")

    def put(self, artifact: Artifact, arch: Arch, staged: Path, origin: Origin) -> Entry:
        """Take over a finished file: it gets its final name only once it is whole on disk, its record only after."""
        path = self.path(artifact, arch)
        sync(staged)
        staged.replace(path)
        return self._remember(path, digest(path), origin)

    def _remember(self, path: Path, sha256: str, origin: Origin) -> Entry:
        now = path.stat()
        entry = Entry(sha256=sha256, size=now.st_size, mtime_ns=now.st_mtime_ns, origin=origin)
        _write(_beside(path, "sha256"), f"{sha256}  {path.name}\n")
        _write(_beside(path, "json"), json.dumps(asdict(entry), indent=2) + "\n")
        return entry


def path(artifact: Artifact, arch: Arch) -> Path:
    """Where an archive is in the operator's cache."""
    return Cache().path(artifact, arch)


def sha256(artifact: Artifact, arch: Arch) -> str:
    """The sum of an archive in the operator's cache; ArtifactError when it was not acquired."""
    return Cache().sha256(artifact, arch)


def digest(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Return once a file's content is on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _write(path: Path, text: str) -> None:
    staged = _beside(path, f"{os.getpid()}.new")
    staged.write_text(text)
    sync(staged)
    staged.replace(path)
