"""The Go toolchain of the builds, pinned to the patch release, whatever Go this machine has."""

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.artifacts import GO_VERSION
from configs.environment import Arch
from configs.errors import ArtifactUnavailableError
from deploy.sources.download import Say
from inventory import artifact_cache
from inventory.local import CACHE

MACHINES: Final = {"x86_64": Arch.AMD64, "aarch64": Arch.ARM64}
_TRIPLES: Final = {Arch.AMD64: "x86_64-linux-gnu", Arch.ARM64: "aarch64-linux-gnu"}
_FIRST_SWITCHING: Final = (1, 21)
"""The first Go that fetches another toolchain by itself (GOTOOLCHAIN)."""

_KEPT: Final = (
    "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)  # fmt: skip
_USERS: Final = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")
"""Where the user's Go gets modules from; nothing else of the user's settings reaches a build."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Go:
    """A toolchain: its `go`, and the environment that builds run in."""

    binary: Path
    environment: dict[str, str]

    def target(self, arch: Arch, *, cgo: bool) -> dict[str, str]:
        """The environment of a build for an architecture."""
        target = {"GOOS": "linux", "GOARCH": arch.value, "GOAMD64": "v1", "GOARM64": "v8.0"}
        return {**self.environment, **target, "CGO_ENABLED": "1" if cgo else "0", "CC": compiler(arch)}


def find(say: Say) -> Go:
    """The toolchain, fetched through the user's module proxy if this machine's Go is of another version.

    Raises:
        ArtifactUnavailableError: when there is no Go, or the toolchain cannot be fetched.
    """
    local = _local()
    environment = _environment(local)
    if _version(local) >= _FIRST_SWITCHING:
        environment["GOTOOLCHAIN"] = GO_VERSION
        say(f"Go {GO_VERSION.removeprefix('go')} by way of {local}")
        _run([str(local), "version"], environment)
        return Go(binary=local, environment=environment)
    binary = _fetch(local, environment, say)
    path = f"{binary.parent}{os.pathsep}{environment['PATH']}"
    return Go(binary=binary, environment={**environment, "GOTOOLCHAIN": "local", "PATH": path})


def compiler(arch: Arch) -> str:
    """The C compiler for an architecture."""
    return "gcc" if MACHINES.get(platform.machine()) is arch else f"{_TRIPLES[arch]}-gcc"


def identity(arch: Arch, *, cgo: bool) -> str:
    """All that decides the bytes of a build beside its recipe: with cgo the compiler, the linker and the C library.

    Raises:
        ArtifactUnavailableError: when there is no C compiler for the architecture.
    """
    if not cgo:
        return GO_VERSION
    name = compiler(arch)
    if shutil.which(name) is None:
        package = "gcc libc6-dev" if name == "gcc" else f"gcc-{_TRIPLES[arch].replace('_', '-')}"
        raise ArtifactUnavailableError(f"{name} is not installed - run `apt-get install {package}`")
    libraries = [Path(_ask(name, f"-print-file-name={file}")) for file in ("crt1.o", "libc_nonshared.a")]
    if missing := [path for path in libraries if not path.is_absolute()]:
        raise ArtifactUnavailableError(f"{name} does not find {missing[0]} - run `apt-get install libc6-dev`")
    library = "+".join(artifact_cache.digest(path)[:8] for path in libraries)
    linker = _ask(_ask(name, "-print-prog-name=ld"), "--version")
    return f"{GO_VERSION}, {_ask(name, '--version')}, {linker}, libc {library}"


def _ask(command: str, argument: str) -> str:
    done = subprocess.run([command, argument], capture_output=True, text=True, check=True, env=_system())
    return done.stdout.splitlines()[0].strip()


def _local() -> Path:
    found = shutil.which("go")
    if found is None:
        raise ArtifactUnavailableError("Go is not installed - run `apt-get install golang-go gcc libc6-dev`")
    return Path(found)


def _system() -> dict[str, str]:
    path = os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return {"PATH": path, "LC_ALL": "C", **{name: os.environ[name] for name in _KEPT if name in os.environ}}


def _environment(local: Path) -> dict[str, str]:
    """A clean environment: GOENV=off ends what `go env -w` wrote, the empty GOFLAGS what the shell exports."""
    asked = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    users = json.loads(_run([str(local), "env", "-json", *_USERS], asked))
    return {
        **_system(),
        **{name: value for name, value in users.items() if value},
        "GOENV": "off",
        "GOFLAGS": "",
        "GOWORK": "off",
        "GOCACHE": str(CACHE / "go-build"),
        "GOMODCACHE": str(CACHE / "go-mod"),
        "GOTELEMETRY": "off",
    }


def _version(local: Path) -> tuple[int, int]:
    text = _run([str(local), "env", "GOVERSION"], {**_system(), "GOTOOLCHAIN": "local"})
    found = re.match(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetch(local: Path, environment: dict[str, str], say: Say) -> Path:
    """The toolchain as the module golang.org/toolchain, as newer versions of Go fetch it by themselves."""
    module = f"golang.org/toolchain@v0.0.1-{GO_VERSION}.linux-{MACHINES[platform.machine()].value}"
    say(f"fetching {module} with {local}")
    with tempfile.TemporaryDirectory() as empty:
        answer = _run([str(local), "mod", "download", "-json", module], environment, cwd=empty)
    folder = Path(json.loads(answer)["Dir"])
    for program in [*(folder / "bin").iterdir(), *(folder / "pkg" / "tool").rglob("*")]:
        if program.is_file():  # modules are stored without the executable bit
            program.chmod(0o755)
    return folder / "bin" / "go"


def _run(command: list[str], environment: dict[str, str], cwd: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise ArtifactUnavailableError(f"`{' '.join(command)}` failed: {last}")
    return done.stdout.strip()
