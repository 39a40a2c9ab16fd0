"""Servers for the integration tests: the very programs that Socle installs, from the operator's artifact cache."""

import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from configs import artifacts, certificates
from configs import ingress as documents
from configs.environment import Arch, Environment, Host, Role
from inventory import artifact_cache, authority, environments, local
from tests.integration import ingress, servers
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


@pytest.fixture(scope="session")
def tool() -> Binary:
    """The path of a program of the distribution that bin/setup provides."""

    def found(name: str) -> Path:
        path = shutil.which(name, path=f"{local.CACHE / 'tools'}:{os.environ['PATH']}")
        assert path, f"{name}: not found - run bin/test once, it installs what it needs"
        return Path(path)

    return found


@pytest.fixture(scope="session")
def loopback() -> Environment:
    """An environment of one host with every role, at 127.0.0.1."""
    host = Host(name="loop-1", address="127.0.0.1", roles=frozenset(Role))
    return Environment(
        name="loop", hosts=(host,), control=("127.0.0.1/32",), ingress_domain="loop.internal", single_server=True
    )


@pytest.fixture(scope="session")
def pki(loopback: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That host's certificates, in the layout they have on a host."""
    folder = tmp_path_factory.mktemp("pki")
    key = authority.new_key()
    issuer = authority.load(key, authority.root(key, loopback.name))
    (folder / "ca.pem").write_text(issuer.pem)
    for leaf in certificates.leaves(loopback, loopback.hosts[0]):
        issued = issuer.issue(leaf)
        (folder / leaf.service).mkdir()
        (folder / leaf.service / "cert.pem").write_text(issued.cert)
        (folder / leaf.service / "key.pem").write_text(issued.key)
    return folder


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


@pytest.fixture(scope="module")
def traefik(binary: Binary, consul: Server, nomad: Server, tmp_path_factory: pytest.TempPathFactory) -> ingress.Ingress:
    """The ingress job's Traefik, on the module's own Nomad and Consul."""
    env = environments.load("test")
    return ingress.start(env, binary("traefik"), consul, nomad, tmp_path_factory.mktemp("pki"))


@pytest.fixture
def web(traefik: ingress.Ingress) -> Iterator[ingress.Backends]:
    """The service `web` behind it, without an instance yet; nothing of it is left afterwards."""
    backends = ingress.Backends(traefik.consul, "web")
    yield backends
    backends.close()
    requests.delete(f"{traefik.consul.url}/v1/kv/{documents.weights_key('web')}", timeout=5)
    servers.until("the route is gone", lambda: traefik.ask("web").status == 404)


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
