"""Acquire artifacts into the operator's cache, each from the first source that has it.

python -m deploy.artifact_sources ENV [NAME...]
"""

import argparse
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from configs import artifacts
from configs.artifacts import Artifact
from configs.environment import Arch, Artifacts
from configs.errors import ArtifactError, ArtifactsError, ArtifactUnavailableError, ConfigError, SocleError
from deploy.sources import build, mirror, release
from deploy.sources.download import Downloader, Say
from inventory import environments
from inventory.artifact_cache import Cache, Entry, Origin
from inventory.artifact_lock import Lock

Pair = tuple[Artifact, Arch]
_STAGING: Final = ".part-"
_PROGRESS_S: Final = 10


class Acquisition:
    """Acquires into a cache: the sources in the order of the settings, `say` told of every step."""

    def __init__(self, settings: Artifacts, say: Say, *, cache: Cache | None = None, lock: Lock | None = None) -> None:
        self._settings = settings
        self._say = say
        self._cache = cache or Cache()
        self._lock = lock or Lock.read()
        self._downloader = Downloader(say)

    def all(self, pairs: Sequence[Pair]) -> dict[str, Entry]:
        """Have every archive in the cache, and return what is known of each by its name.

        Raises:
            ArtifactsError: naming every one that cannot be had, each with all that was tried and why it failed.
        """
        entries = {artifact.file(arch): self._cached(artifact, arch) for artifact, arch in pairs}
        if not all(entries.values()):
            with _alone(self._cache.folder, self._say) as held:
                entries |= self._missing([pair for pair in pairs if entries[pair[0].file(pair[1])] is None], held)
        return {name: entry for name, entry in entries.items() if entry}

    def _missing(self, pairs: Sequence[Pair], held: int) -> dict[str, Entry]:
        entries, failures = {}, []
        for artifact, arch in pairs:
            try:
                # Another run may have acquired it while this one waited.
                entries[artifact.file(arch)] = self._cached(artifact, arch) or self._acquired(artifact, arch, held)
            except ArtifactError as error:
                failures.append(str(error))
        if failures:
            raise ArtifactsError(failures)
        return entries

    def _cached(self, artifact: Artifact, arch: Arch) -> Entry | None:
        """What the cache has, if it is whole and, for a build, if it was made from the present recipe."""
        entry = self._cache.entry(artifact, arch)
        stale = entry and entry.origin.source == "build" and entry.origin.recipe != build.recipe(artifact)
        return None if stale else entry

    def _acquired(self, artifact: Artifact, arch: Arch, held: int) -> Entry:
        if self._cache.path(artifact, arch).exists():
            self._say(f"{artifact.file(arch)}: the cached one is damaged, or its recipe changed; acquiring it anew")
        start = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self._cache.folder, prefix=_STAGING) as folder:
            staged = Path(folder) / artifact.file(arch)
            origin = self._first(artifact, arch, staged, held)
            entry = self._cache.put(artifact, arch, staged, origin)
        elapsed = time.monotonic() - start
        self._say(f"{artifact.file(arch)}: by {origin.source} in {elapsed:.0f} s, SHA-256 {entry.sha256}")
        return entry

    def _first(self, artifact: Artifact, arch: Arch, to: Path, held: int) -> Origin:
        """From the first source that has it. A wrong sum or signature ends the search: that is no absence."""
        tried = []
        for source in self._settings.sources:
            self._say(f"{artifact.file(arch)}: trying {source}")
            try:
                return self._from(source, artifact, arch, to, held)
            except ArtifactUnavailableError as error:
                tried.append(f"  {source}: {error}")
            except ArtifactError as error:
                raise ArtifactError(f"{artifact.file(arch)}: refused from {source}: {error}") from error
        raise ArtifactError("\n".join([f"{artifact.file(arch)}: no source has it - mend one of those tried:", *tried]))

    def _from(self, source: str, artifact: Artifact, arch: Arch, to: Path, held: int) -> Origin:
        match source:
            case "release":
                return release.fetch(artifact, arch, to, downloader=self._downloader, lock=self._lock)
            case "mirror":
                return mirror.fetch(artifact, arch, to, mirror=self._settings.mirror, downloader=self._downloader)
            case _:
                return build.fetch(artifact, arch, to, lock=self._lock, say=self._named(artifact, arch), held=held)

    def _named(self, artifact: Artifact, arch: Arch) -> Say:
        return lambda text: self._say(f"{artifact.file(arch)}: {text}")


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[int]:
    """One run acquires at a time; what a killed one left unfinished is swept away."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        waited = 0
        while not _locked(file.fileno()):
            if waited % _PROGRESS_S == 0:
                say(f"another run is acquiring artifacts; waiting for it, {waited} s")
            time.sleep(1)
            waited += 1
        for leftover in folder.glob(f"{_STAGING}*"):
            shutil.rmtree(leftover)
        yield file.fileno()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Acquire what an environment's mirror serves, or some of it; 1 when one cannot be had, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m deploy.artifact_sources", description=__doc__)
    parser.add_argument("env", help="dev, test, prod or the path of an inventory file")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(a.name for a in artifacts.ALL))
    given = parser.parse_args(arguments)
    start = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - start:4.0f} s] {text}\n")
        sys.stdout.flush()

    try:
        env = environments.load(given.env)
        entries = Acquisition(env.artifacts, say).all(_chosen(artifacts.mirrored(env), given.names))
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    say(f"{len(entries)} artifacts are in {Cache().folder}")
    return 0


def _chosen(pairs: Sequence[Pair], names: Sequence[str]) -> tuple[Pair, ...]:
    if unknown := set(names) - {artifact.name for artifact, _ in pairs}:
        known = ", ".join(sorted({artifact.name for artifact, _ in pairs}))
        raise ConfigError([f"{name}: the environment has no such artifact - use {known}" for name in sorted(unknown)])
    return tuple(pair for pair in pairs if not names or pair[0].name in names)


if __name__ == "__main__":
    sys.exit(main())
