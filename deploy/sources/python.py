"""Our programs in Python, packed: the repository's files, or wheels from PyPI for the clients' Python."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from configs.artifacts import Artifact
from configs.environment import Arch
from configs.errors import ArtifactUnavailableError
from configs.programs import Sources, Wheels
from deploy.sources import archive
from deploy.sources.download import Say
from inventory.artifact_cache import Origin

_MACHINES: Final = {Arch.AMD64: "x86_64", Arch.ARM64: "aarch64"}
_GLIBC: Final = (28, 27, 17)
"""The minor versions of glibc 2 that wheels are made for; Debian 12 has 2.36."""

_LEFT_OUT: Final = frozenset({"tests", "bin", "__pycache__"})


def fetch(artifact: Artifact, arch: Arch, to: Path, *, say: Say) -> Origin:
    """Pack a program's files, or install its libraries into a folder and pack that.

    Raises:
        ArtifactUnavailableError: when the package index lacks a wheel or is not reached; pip says which.
    """
    match artifact.python:
        case Sources() as sources:
            archive.pack(sources.files(), to)
            detail = "this repository"
        case Wheels() as wheels:
            with tempfile.TemporaryDirectory(dir=to.parent) as folder:
                say(f"installing {len(wheels.packages)} packages for Python {wheels.python}")
                _install(wheels, arch, Path(folder))
                say("packing")
                archive.pack(dict(_members(Path(folder) / "installed")), to)
            detail = "PyPI"
        case None:
            raise ArtifactUnavailableError(f"{artifact.name}: is no program in Python")
    return Origin(source="build", detail=detail, recipe=artifact.version)


def _install(wheels: Wheels, arch: Arch, folder: Path) -> None:
    """Every file that pip fetches has the SHA-256 of the lock, and nothing of a package is run."""
    pins = folder / "requirements.txt"
    pins.write_text(wheels.pins())
    platforms = [word for minor in _GLIBC for word in ("--platform", f"manylinux_2_{minor}_{_MACHINES[arch]}")]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--target", str(folder / "installed"), "--require-hashes", "--only-binary", ":all:"),
        *("--implementation", "cp", "--python-version", wheels.python, *platforms, "--requirement", str(pins)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise ArtifactUnavailableError(f"`{' '.join(command)}` failed: {last}")


def _members(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not _LEFT_OUT & set(inside.parts) and path.suffix != ".pyi":
            yield str(inside), path
