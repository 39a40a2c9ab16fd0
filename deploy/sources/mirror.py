"""A mirror of your own: a folder or an https address in the layout of the cache, for sites without a way out.

`~/.cache/socle/artifacts` of a machine that has acquired everything is such a mirror: copy it.
"""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from configs.artifacts import Artifact
from configs.environment import Arch
from configs.errors import ArtifactError, ArtifactUnavailableError
from deploy.sources import download, release
from inventory import artifact_cache
from inventory.artifact_cache import Origin


def fetch(artifact: Artifact, arch: Arch, to: Path, *, mirror: str | None, downloader: download.Downloader) -> Origin:
    """Copy an archive from the mirror; `<file>.sha256` beside it says what it must be.

    Raises:
        ArtifactUnavailableError: when there is no mirror, or the mirror lacks it.
        ArtifactError: when it is not what its sum says.
    """
    if mirror is None:
        raise ArtifactUnavailableError("none is set - set Artifacts(mirror=...) to a folder or an https address")
    file = artifact.file(arch)
    source = f"{mirror.rstrip('/')}/{file}"
    if urlsplit(mirror).scheme in ("http", "https"):
        sums = downloader.text(f"{source}.sha256").decode()
        downloader.file(source, to)
    else:
        sums = _copy(Path(source).expanduser(), to)
    expected, found = release.sum_of(file, sums), artifact_cache.digest(to)
    if found != expected:
        raise ArtifactError(f"{source}: has SHA-256 {found}, {file}.sha256 beside it says {expected} - do not use it")
    return Origin(source="mirror", detail=source)


def _copy(source: Path, to: Path) -> str:
    try:
        shutil.copyfile(source, to)
        return source.with_name(f"{source.name}.sha256").read_text()
    except OSError as error:
        raise ArtifactUnavailableError(f"{error.filename}: {error.strerror}") from error
