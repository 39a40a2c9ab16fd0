"""The programs that Socle installs: what they are called, where they come from, which host needs which."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from configs import ports
from configs.environment import Arch, Environment, Host, Role
from configs.programs import Sources, Wheels

INSTALLED: Final = "/opt/socle"
"""Where hosts keep them: `<name>/<version>/<binary>`, and a link `<name>/current`."""

MIRRORED: Final = "/srv/socle/artifacts"
"""Where the mirror host keeps the archives that it serves."""

GO_VERSION: Final = "go1.26.8"
"""The toolchain of every build: a build is the same to the byte for the same toolchain, and only then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """The vendor's release: files under `base`, their names as templates of {name}, {version} and {arch}.

    Attributes:
        sums: the file of SHA-256 sums.
        file: the archive's name there; None when it is the artifact's own.
        signature: the detached OpenPGP signature of `sums`; None where the vendor publishes none.
        key: the vendor's public key, a file of configs/keys, and `fingerprint` that of its primary key.
    """

    base: str
    sums: str
    file: str | None = None
    signature: str | None = None
    key: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build of configs/builds/<name>: the Go package of each binary, build tags, variables set by the linker."""

    packages: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tags: str = ""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cgo: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments of `go build` that decide what comes out."""
        linker = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables.items())])
        return ("-mod=readonly", "-buildvcs=false", "-trimpath", "-tags", self.tags, "-ldflags", linker)


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A pinned program.

    Attributes:
        archive: the template of its archive's name: the vendor's, with the version added where it has none.
        binaries: what is installed, and the template of its path inside the archive.
        release: where the vendor publishes it; None for our own programs.
        links: its binaries that are also found in /usr/local/bin.
        python: what it is made from instead of a build, for our programs in Python.
    """

    name: str
    version: str
    archive: str
    binaries: Mapping[str, str]
    build: Build = field(default_factory=Build)
    release: Release | None = None
    links: tuple[str, ...] = ()
    python: Sources | Wheels | None = None

    def fill(self, template: str, arch: Arch) -> str:
        """A template with this artifact's name, version and architecture."""
        return template.format(name=self.name, version=self.version, arch=arch.value)

    def file(self, arch: Arch) -> str:
        """The name of its archive."""
        return self.fill(self.archive, arch)

    def members(self, arch: Arch) -> dict[str, str]:
        """What is installed, and its path inside the archive."""
        return {binary: self.fill(member, arch) for binary, member in self.binaries.items()}

    @property
    def folder(self) -> str:
        """Where hosts keep this version."""
        return f"{INSTALLED}/{self.name}/{self.version}"

    @property
    def seal(self) -> str:
        """Where hosts keep the sum of the archive that this version was unpacked from."""
        return f"{self.folder}/.sha256"

    def path(self, binary: str) -> str:
        """Where hosts keep a binary of this version: a unit that names it is restarted by an upgrade."""
        return f"{self.folder}/{binary}"


def _hashicorp(name: str, version: str, build: Build) -> Artifact:
    return Artifact(
        name=name,
        version=version,
        archive="{name}_{version}_linux_{arch}.zip",
        binaries={name: name},
        build=build,
        release=Release(
            base="https://releases.hashicorp.com/{name}/{version}",
            sums="{name}_{version}_SHA256SUMS",
            signature="{name}_{version}_SHA256SUMS.sig",
            key="hashicorp.asc",
            fingerprint="C874011F0AB405110D02105534365D9472D7468F",
        ),
        links=(name,),
    )


CONSUL: Final = _hashicorp("consul", "1.22.5", Build(packages={"consul": "github.com/hashicorp/consul"}))
VAULT: Final = _hashicorp("vault", "1.21.1", Build(packages={"vault": "github.com/hashicorp/vault"}))
NOMAD: Final = _hashicorp(
    "nomad",
    "1.11.3",
    # Without cgo there is no exec driver: it enters namespaces from C, before Go's run time starts. Without the tag
    # release the agent has a mock driver and takes orders to fail.
    Build(packages={"nomad": "github.com/hashicorp/nomad"}, tags="ui release", cgo=True),
)
LOKI: Final = Artifact(
    name="loki",
    version="3.7.8",
    archive="loki_{version}_linux_{arch}.zip",
    binaries={"loki": "loki-linux-{arch}"},
    build=Build(
        packages={"loki": "github.com/grafana/loki/v3/cmd/loki"},
        variables={"github.com/grafana/loki/v3/pkg/util/build.Version": "3.7.8"},
    ),
    release=Release(
        base="https://github.com/grafana/loki/releases/download/v{version}",
        sums="SHA256SUMS",
        file="loki-linux-{arch}.zip",
    ),
)
TRAEFIK: Final = Artifact(
    name="traefik",
    version="3.5.3",
    archive="traefik_v{version}_linux_{arch}.tar.gz",
    binaries={"traefik": "traefik"},
    build=Build(
        packages={"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
        variables={"github.com/traefik/traefik/v3/pkg/version.Version": "3.5.3"},
    ),
    release=Release(
        base="https://github.com/traefik/traefik/releases/download/v{version}", sums="traefik_v{version}_checksums.txt"
    ),
)
COLLECTOR: Final = Artifact(
    name="otelcol",
    version="0.145.0",
    archive="otelcol-contrib_{version}_linux_{arch}.tar.gz",
    binaries={"otelcol": "otelcol-contrib"},
    build=Build(packages={"otelcol": "."}),
    release=Release(
        base="https://github.com/open-telemetry/opentelemetry-collector-releases/releases/download/v{version}",
        sums="opentelemetry-collector-releases_otelcol-contrib_checksums.txt",
    ),
)
_CNI_PLUGINS: Final = ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/firewall")
_CNI_MODULE: Final = "github.com/containernetworking/plugins"
CNI: Final = Artifact(
    name="cni",
    version="1.9.1",
    archive="cni-plugins-linux-{arch}-v{version}.tgz",
    binaries={path.split("/")[1]: f"./{path.split('/')[1]}" for path in _CNI_PLUGINS},
    build=Build(
        packages={path.split("/")[1]: f"{_CNI_MODULE}/plugins/{path}" for path in _CNI_PLUGINS},
        variables={f"{_CNI_MODULE}/pkg/utils/buildversion.BuildVersion": "v1.9.1"},
    ),
    release=Release(
        base="https://github.com/containernetworking/plugins/releases/download/v{version}",
        sums="cni-plugins-linux-{arch}-v{version}.tgz.sha256",
    ),
)
WEB: Final = Artifact(
    name="web",
    version="0.2.0",
    archive="{name}_{version}_linux_{arch}.zip",
    binaries={"web": "web"},
    build=Build(packages={"web": "."}),
)

LIBRARIES: Final = (
    *("python-nomad", "py-consul", "requests", "certifi", "charset-normalizer", "idna", "urllib3"),
    *("pydantic", "pydantic-core", "annotated-types", "typing-extensions", "typing-inspection"),
    *("prometheus-client", "scipy", "numpy"),
)
"""What the controller needs of PyPI, each with what it needs in turn."""

ALL: Final = (CONSUL, VAULT, NOMAD, LOKI, TRAEFIK, COLLECTOR, CNI, WEB)

_INSTALLED_BY_ROLE: Final[Mapping[Role, tuple[Artifact, ...]]] = {
    Role.SERVER: (VAULT, NOMAD),
    Role.CLIENT: (NOMAD, CNI),
    Role.MONITOR: (LOKI,),
}
_FETCHED_BY_JOBS: Final = (TRAEFIK, WEB)
"""Nomad fetches these for its tasks: the mirror has them for the clients, no host installs them."""


@functools.cache
def _python(version: str) -> tuple[Artifact, ...]:
    """The controller and its libraries: apart, because the libraries are large and change seldom."""
    made: Mapping[str, Sources | Wheels] = {
        "controller": Sources(
            patterns=(
                "configs/*.py",
                "inventory/__init__.py",
                "inventory/https.py",
                "jobs/__init__.py",
                "jobs/nomad/**/*.py",
                "jobs/nomad/*.json",
                "jobs/rollout/**/*.py",
            )
        ),
        "controller-libraries": Wheels(packages=LIBRARIES, python=version),
    }
    return tuple(
        Artifact(
            name=name,
            version=python.version(),
            archive="{name}_{version}_linux_{arch}.zip",
            binaries={},
            python=python,
        )
        for name, python in made.items()
    )


def python(env: Environment) -> tuple[Artifact, ...]:
    """The controller's program and its libraries; none where the clients' Python is too old for it."""
    return _python(env.client_python) if env.client_python else ()


def wanted(_env: Environment, host: Host) -> tuple[Artifact, ...]:
    """What is installed on a host, in the order of ALL."""
    names = {CONSUL.name, COLLECTOR.name}
    names |= {artifact.name for role in host.roles for artifact in _INSTALLED_BY_ROLE.get(role, ())}
    return tuple(artifact for artifact in ALL if artifact.name in names)


def mirrored(env: Environment) -> tuple[tuple[Artifact, Arch], ...]:
    """All that an environment's mirror serves: what its hosts install and its jobs fetch, by architecture."""
    pairs = {(artifact.name, host.arch) for host in env.hosts for artifact in wanted(env, host)}
    pairs |= {(artifact.name, host.arch) for host in env.clients for artifact in (*_FETCHED_BY_JOBS, *python(env))}
    return tuple((a, arch) for a in (*ALL, *python(env)) for arch in Arch if (a.name, arch) in pairs)


def mirror_url(env: Environment, artifact: Artifact, arch: Arch) -> str:
    """Where an environment's hosts and jobs fetch an artifact."""
    return f"https://{env.mirror.address}:{ports.MIRROR}/artifacts/{artifact.file(arch)}"


def current(name: str, binary: str) -> str:
    """The path of a binary in the version that is current on a host."""
    return f"{INSTALLED}/{name}/current/{binary}"
