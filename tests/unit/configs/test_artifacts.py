"""What is pinned: names, addresses, who needs what."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import configs
from configs import artifacts, mirror, ports
from configs.artifacts import Artifact
from configs.environment import Arch, Environment, Host, Role
from inventory import environments
from inventory.artifact_lock import Lock

CONFIGS = Path(configs.__file__).parent


@pytest.fixture
def env() -> Environment:
    """Three servers (one the mirror, one the monitor) and two clients."""
    return environments.load("test")


def names(wanted: tuple[Artifact, ...]) -> list[str]:
    return [artifact.name for artifact in wanted]


@pytest.mark.parametrize(
    ("artifact", "arch", "file"),
    [
        (artifacts.CONSUL, Arch.AMD64, "consul_1.22.5_linux_amd64.zip"),
        (artifacts.CONSUL, Arch.ARM64, "consul_1.22.5_linux_arm64.zip"),
        (artifacts.VAULT, Arch.AMD64, "vault_1.21.1_linux_amd64.zip"),
        (artifacts.NOMAD, Arch.ARM64, "nomad_1.11.3_linux_arm64.zip"),
        (artifacts.LOKI, Arch.AMD64, "loki_3.7.8_linux_amd64.zip"),
        (artifacts.TRAEFIK, Arch.AMD64, "traefik_v3.5.3_linux_amd64.tar.gz"),
        (artifacts.COLLECTOR, Arch.ARM64, "otelcol-contrib_0.145.0_linux_arm64.tar.gz"),
        (artifacts.CNI, Arch.AMD64, "cni-plugins-linux-amd64-v1.9.1.tgz"),
        (artifacts.WEB, Arch.AMD64, f"web_{artifacts.WEB.version}_linux_amd64.zip"),
    ],
)
def test_an_archive_is_named_as_the_vendor_names_it_and_always_with_its_version(
    artifact: Artifact, arch: Arch, file: str
) -> None:
    assert artifact.file(arch) == file
    assert artifact.version in file


def test_a_member_has_the_architecture_in_its_name_where_the_vendor_puts_it_there() -> None:
    assert artifacts.LOKI.members(Arch.ARM64) == {"loki": "loki-linux-arm64"}
    assert artifacts.COLLECTOR.members(Arch.AMD64) == {"otelcol": "otelcol-contrib"}


@pytest.mark.parametrize("artifact", artifacts.ALL, ids=lambda artifact: artifact.name)
def test_every_release_is_fetched_over_https_and_a_signed_one_names_its_key(artifact: Artifact) -> None:
    release = artifact.release
    if release is None:
        assert artifact is artifacts.WEB
        return
    assert release.base.startswith("https://")
    assert (release.signature is None) == (release.key is None) == (release.fingerprint is None)
    assert release.key is None or (CONFIGS / "keys" / release.key).is_file()


@pytest.mark.parametrize("artifact", artifacts.ALL, ids=lambda artifact: artifact.name)
def test_every_artifact_can_be_built_from_committed_modules_at_its_pinned_version(artifact: Artifact) -> None:
    folder = CONFIGS / "builds" / artifact.name
    assert (folder / "go.mod").is_file()
    assert artifact.build.packages.keys() == artifact.binaries.keys()
    if artifact.release:
        assert (folder / "go.sum").is_file()
        assert f"v{artifact.version}" in (folder / "go.mod").read_text()


def test_a_build_is_reproducible_and_never_changes_its_pins() -> None:
    assert artifacts.NOMAD.build.flags == (
        "-mod=readonly", "-buildvcs=false", "-trimpath", "-tags", "ui release", "-ldflags", "-s -w",
    )  # fmt: skip
    assert artifacts.LOKI.build.flags[-1] == "-s -w -X github.com/grafana/loki/v3/pkg/util/build.Version=3.7.8"


def test_only_nomad_needs_a_c_compiler() -> None:
    assert [artifact.name for artifact in artifacts.ALL if artifact.build.cgo] == ["nomad"]


def test_a_host_installs_what_its_roles_need(env: Environment) -> None:
    assert names(artifacts.wanted(env, env.host("test-server-1"))) == ["consul", "vault", "nomad", "otelcol"]
    assert names(artifacts.wanted(env, env.host("test-client-1"))) == ["consul", "nomad", "otelcol", "cni"]
    assert names(artifacts.wanted(env, env.monitor)) == ["consul", "vault", "nomad", "loki", "otelcol"]


def test_the_mirror_serves_what_hosts_install_and_what_jobs_fetch(env: Environment) -> None:
    served = artifacts.mirrored(env)
    assert [artifact.name for artifact, _ in served] == [
        *(artifact.name for artifact in artifacts.ALL),
        "controller",
        "controller-libraries",
    ]
    assert {arch for _, arch in served} == {Arch.AMD64}


def test_the_mirror_serves_an_architecture_only_for_the_hosts_that_have_it(env: Environment) -> None:
    arm = Host(name="arm", address="172.30.20.99", roles=frozenset({Role.CLIENT}), arch=Arch.ARM64)
    served = artifacts.mirrored(replace(env, hosts=(*env.hosts, arm)))
    on_arm = [artifact.name for artifact, arch in served if arch is Arch.ARM64]
    assert on_arm == ["consul", "nomad", "traefik", "otelcol", "cni", "web", "controller", "controller-libraries"]


def test_hosts_and_jobs_fetch_from_the_mirror_host_over_tls(env: Environment) -> None:
    url = artifacts.mirror_url(env, artifacts.WEB, Arch.AMD64)
    assert url == f"https://{env.mirror.address}:8443/artifacts/web_{artifacts.WEB.version}_linux_amd64.zip"


def test_the_current_version_has_a_path_that_an_upgrade_does_not_change() -> None:
    assert artifacts.current("cni", "bridge") == "/opt/socle/cni/current/bridge"
    assert artifacts.CNI.folder == f"/opt/socle/cni/{artifacts.CNI.version}"


def test_the_lock_pins_every_server_as_built_by_the_pinned_toolchain() -> None:
    lock = Lock.read()
    for artifact in artifacts.ALL:
        if artifact.release and not artifact.build.cgo:
            pins = lock.built(artifact.file(Arch.AMD64), artifacts.GO_VERSION)
            assert pins is not None
            assert pins.keys() == artifact.binaries.keys()


def test_every_pin_is_a_sha256() -> None:
    text = (CONFIGS / "artifacts.lock.json").read_text()
    sums = [value for built in json.loads(text).values() for pins in built["build"].values() for value in pins.values()]
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in sums)


def test_an_unknown_toolchain_and_an_unknown_file_have_no_pins() -> None:
    lock = Lock({"a.zip": {"release": "1" * 64, "build": {"go1": {"a": "2" * 64}}}})
    assert lock.released("a.zip") == "1" * 64
    assert lock.built("a.zip", "go1") == {"a": "2" * 64}
    assert lock.built("a.zip", "go2") is None
    assert lock.released("b.zip") is None


def test_nginx_listens_where_the_port_table_says_with_the_certificate_of_the_mirror() -> None:
    config, unit = mirror.files()
    text = config.text()
    assert f"listen {ports.MIRROR} ssl;" in text
    assert all(path in text for path in mirror.CERTIFICATES)
    assert f"root {artifacts.MIRRORED.removesuffix('/artifacts')};" in text
    assert "User=www-data" in unit.text()
    assert "NoNewPrivileges=yes" in unit.text()


def test_an_environment_whose_python_is_too_old_has_no_controller(env: Environment) -> None:
    served = artifacts.mirrored(replace(env, client_python=None))
    assert [artifact.name for artifact, _ in served] == [artifact.name for artifact in artifacts.ALL]


def test_the_controllers_libraries_are_made_for_the_clients_python(env: Environment) -> None:
    def file(python: str) -> str:
        return artifacts.python(replace(env, client_python=python))[1].file(Arch.AMD64)

    assert file("3.11").startswith("controller-libraries_3.11-")
    assert file("3.13").startswith("controller-libraries_3.13-")
