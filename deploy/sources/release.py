"""The vendor's release: its file of SHA-256 sums, the signature of that file where there is one, and the archive.

HashiCorp signs its sums with OpenPGP. Loki, Traefik, the CNI plugins and the Collector publish sums alone: these
prove that the download is whole and that it is what their site offers over TLS, unless the lock pins it too.
"""

from pathlib import Path
from urllib.parse import urlsplit

from configs.artifacts import Artifact, Release
from configs.environment import Arch
from configs.errors import ArtifactError, ArtifactUnavailableError
from deploy.sources import download, signature
from inventory import artifact_cache
from inventory.artifact_cache import Origin
from inventory.artifact_lock import Lock


def fetch(artifact: Artifact, arch: Arch, to: Path, *, downloader: download.Downloader, lock: Lock) -> Origin:
    """Fetch an archive that the vendor published.

    Raises:
        ArtifactUnavailableError: when it cannot be had.
        ArtifactError: when it is not what the vendor, or the lock, says it is.
    """
    release = artifact.release
    if release is None:
        raise ArtifactUnavailableError("there is no release of our own programs")
    base = artifact.fill(release.base, arch)
    _require_https(base)
    name = artifact.fill(release.file or artifact.archive, arch)
    expected = sum_of(name, _sums(artifact, arch, release, downloader))
    _require_pin(artifact.file(arch), expected, lock)
    downloader.file(f"{base}/{name}", to)
    if (found := artifact_cache.digest(to)) != expected:
        raise ArtifactError(f"{base}/{name}: has SHA-256 {found}, the vendor's sums say {expected} - do not use it")
    return Origin(source="release", detail=f"{base}/{name}")


def sum_of(name: str, sums: str) -> str:
    """The sum of a file in the text of a sums file; their lines are `<sum>  [*][./]<name>`."""
    for line in sums.splitlines():
        words = line.split()
        if words and words[-1].lstrip("*").rsplit("/", 1)[-1] == name:
            return words[0].lower()
    raise ArtifactError(f"{name}: the vendor's sums do not name it - check the version")


def _sums(artifact: Artifact, arch: Arch, release: Release, downloader: download.Downloader) -> str:
    base = artifact.fill(release.base, arch)
    url = f"{base}/{artifact.fill(release.sums, arch)}"
    sums = downloader.text(url)
    if release.signature:
        signed = downloader.text(f"{base}/{artifact.fill(release.signature, arch)}")
        signature.verify(url, sums, signed, key=release.key or "", fingerprint=release.fingerprint or "")
    return sums.decode()


def _require_https(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not download.is_loopback(parts.hostname or ""):
        raise ArtifactError(f"{url}: is not https - releases are fetched over https only")


def _require_pin(file: str, expected: str, lock: Lock) -> None:
    pinned = lock.released(file)
    if pinned and pinned != expected:
        raise ArtifactError(f"{file}: the vendor's sum is {expected}, configs/artifacts.lock.json pins {pinned}")
