"""Servers for the integration tests: the very programs that Socle installs, from the operator's artifact cache."""

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from configs import artifacts
from configs.environment import Arch
from inventory import artifact_cache
from tests.integration import servers
from tests.integration.servers import Server

Binary = Callable[[str], Path]


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Binary:
    """The path of a pinned program by its name, unpacked from the cache and checked."""
    folder = tmp_path_factory.mktemp("binaries")
    found: dict[str, Path] = {}

    def unpacked(name: str) -> Path:
        if name not in found:
            found[name] = _unpack(name, folder)
        return found[name]

    return unpacked


@pytest.fixture(scope="module")
def consul(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Consul of the module's own, without access control."""
    with servers.consul(binary("consul"), tmp_path_factory.mktemp("consul")) as server:
        yield server


@pytest.fixture(scope="module")
def nomad(binary: Binary, consul: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Nomad of the module's own, registered with its Consul."""
    with servers.nomad(binary("nomad"), tmp_path_factory.mktemp("nomad"), consul.url) as server:
        yield server


def _unpack(name: str, folder: Path) -> Path:
    artifact = next(a for a in artifacts.ALL if name in a.binaries)
    artifact_cache.sha256(artifact, Arch.AMD64)
    archive, member = artifact_cache.path(artifact, Arch.AMD64), artifact.members(Arch.AMD64)[name]
    path = folder / name
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            path.write_bytes(packed.read(member))
    else:
        with tarfile.open(archive) as packed_tar:
            inside = packed_tar.extractfile(member)
            assert inside is not None
            path.write_bytes(inside.read())
    path.chmod(0o755)
    return path
