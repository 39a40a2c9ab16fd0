"""A build from Go modules pinned by a committed go.mod and go.sum, checked against the sums in the lock."""

import hashlib
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Final

import configs
from configs.artifacts import GO_VERSION, Artifact
from configs.environment import Arch
from configs.errors import ArtifactError, ArtifactUnavailableError
from deploy.sources import archive, go, python
from deploy.sources.download import Say
from inventory import artifact_cache
from inventory.artifact_cache import Origin
from inventory.artifact_lock import FILE, Lock

RECIPES: Final = Path(configs.__file__).parent / "builds"
PROGRESS_S: Final = 10.0


def fetch(artifact: Artifact, arch: Arch, to: Path, *, lock: Lock, say: Say, held: int | None = None) -> Origin:
    """Build an archive; Go's cache makes a build that was interrupted go on where it was.

    Args:
        artifact: what to build.
        arch: for which architecture.
        to: the archive to write.
        lock: the sums that known toolchains must give.
        say: told every 10 s how far it is.
        held: the descriptor of a lock that the compiler holds too, so that it is not released while one still runs.

    Raises:
        ArtifactUnavailableError: when there is no toolchain, a module cannot be fetched, or it does not compile.
        ArtifactError: when a known toolchain gives other bytes than the lock says.
    """
    if artifact.python:
        return python.fetch(artifact, arch, to, say=say)
    if not (RECIPES / artifact.name).is_dir():
        raise ArtifactUnavailableError(f"configs/builds/{artifact.name}: there is no such build")
    toolchain = go.identity(arch, cgo=artifact.build.cgo)
    compiler = go.find(say)
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        built = Path(folder)
        for binary, package in artifact.build.packages.items():
            _compile(compiler, artifact, arch, package, built / binary, say=say, held=held)
        sums = {binary: artifact_cache.digest(built / binary) for binary in artifact.build.packages}
        _require_pins(artifact, arch, toolchain, sums, lock=lock, say=say)
        say("packing")
        archive.pack({member: built / binary for binary, member in artifact.members(arch).items()}, to)
    return Origin(source="build", detail=toolchain, recipe=recipe(artifact), binaries=sums)


def recipe(artifact: Artifact) -> str:
    """The digest of all that a build is made from, as far as it is in this repository."""
    if artifact.python:
        return artifact.version
    folder = RECIPES / artifact.name
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    made_from = [GO_VERSION, artifact.build.flags, dict(artifact.build.packages), artifact.build.cgo, files]
    return hashlib.sha256(repr(made_from).encode()).hexdigest()


def _compile(
    compiler: go.Go, artifact: Artifact, arch: Arch, package: str, to: Path, *, say: Say, held: int | None
) -> None:
    command = [str(compiler.binary), "build", "-v", *artifact.build.flags, "-o", str(to), package]
    with subprocess.Popen(
        command,
        cwd=RECIPES / artifact.name,
        env=compiler.target(arch, cgo=artifact.build.cgo),
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[] if held is None else [held],
    ) as process:
        try:
            said = _follow(process, package, say)
        finally:
            process.terminate()
    if process.returncode:
        raise ArtifactUnavailableError(f"`{' '.join(command)}` failed:\n" + "\n".join(said))


def _follow(process: subprocess.Popen[str], package: str, say: Say) -> deque[str]:
    """Tell how far a build is until it ends; its last lines are the answer."""
    lines: deque[str] = deque(maxlen=20)
    counted = [0, 0]
    assert process.stderr is not None  # noqa: S101 - it was asked for
    reader = threading.Thread(target=_read, args=(process.stderr, lines, counted), daemon=True)
    reader.start()
    start = time.monotonic()
    while True:
        try:
            process.wait(PROGRESS_S)
        except subprocess.TimeoutExpired:
            fetched, compiled = counted
            elapsed = time.monotonic() - start
            say(f"building {package}: {elapsed:.0f} s, {fetched} modules fetched, {compiled} packages compiled")
        else:
            reader.join()
            return lines


def _read(stream: IO[str], lines: deque[str], counted: list[int]) -> None:
    for line in stream:
        counted[not line.startswith("go: downloading")] += 1
        lines.append(line.rstrip())


def _require_pins(
    artifact: Artifact, arch: Arch, toolchain: str, sums: dict[str, str], *, lock: Lock, say: Say
) -> None:
    pins = lock.built(artifact.file(arch), toolchain)
    if pins is None:
        if artifact.release:  # our own programs are pinned by the commit that holds them
            say(f"no pin for {toolchain!r} yet; built " + ", ".join(f"{b} {s}" for b, s in sums.items()))
        return
    if wrong := [f"{b} has SHA-256 {s}, pinned is {pins.get(b)}" for b, s in sums.items() if s != pins.get(b)]:
        raise ArtifactError(
            f"{'; '.join(wrong)} in {FILE.name} for {toolchain!r} - "
            "a module, the toolchain or configs/builds was altered: find out which before using it"
        )
