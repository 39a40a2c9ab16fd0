"""Artifacts acquired from each source, whole and right, or not at all."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from configs import artifacts
from configs.artifacts import Artifact
from configs.environment import Arch, Artifacts
from configs.errors import ArtifactError
from deploy import artifact_sources
from deploy.sources import download
from inventory import artifact_cache
from inventory.artifact_cache import Cache, Entry
from inventory.artifact_lock import Lock
from tests.integration import vendor
from tests.integration.vendor import FILE, SUMS, Key, Site


@dataclass
class Operator:
    """An operator's machine: a cache, and what was said."""

    cache: Cache
    said: list[str] = field(default_factory=list)

    def acquire(
        self,
        artifact: Artifact,
        *sources: str,
        mirror: str | None = None,
        lock: Lock | None = None,
        arch: Arch = Arch.AMD64,
    ) -> Entry:
        """Acquire one artifact from these sources."""
        settings = Artifacts(sources=sources, mirror=mirror)
        acquisition = artifact_sources.Acquisition(settings, self.said.append, cache=self.cache, lock=lock or Lock({}))
        return acquisition.all([(artifact, arch)])[artifact.file(arch)]

    def files(self) -> set[str]:
        """What is in the cache's folder."""
        return {path.name for path in self.cache.folder.iterdir()} - {".lock"}


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(Cache(tmp_path / "artifacts"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with vendor.serving() as site:
        site.publish(vendor.archive(tmp_path))
        yield site


@pytest.fixture(scope="module")
def key() -> Iterator[Key]:
    with vendor.new_key() as key:
        yield key


@pytest.fixture(scope="module")
def another_key() -> Iterator[Key]:
    with vendor.new_key() as key:
        yield key


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_release_is_acquired_once_and_then_comes_from_the_cache(operator: Operator, site: Site) -> None:
    tool = vendor.artifact(site.address)
    first = operator.acquire(tool, "release")
    asked = len(site.requests)
    assert operator.acquire(tool, "release") == first
    assert len(site.requests) == asked
    assert first.sha256 == sha256(site.files[f"/tool/{FILE}"])
    assert operator.files() == {FILE, f"{FILE}.sha256", f"{FILE}.json"}


def test_the_cache_is_a_folder_that_sha256sum_can_check(operator: Operator, site: Site) -> None:
    operator.acquire(vendor.artifact(site.address), "release")
    subprocess.run(["sha256sum", "--check", "--strict", f"{FILE}.sha256"], cwd=operator.cache.folder, check=True)


def test_a_release_whose_sum_is_wrong_is_refused(operator: Operator, site: Site, tmp_path: Path) -> None:
    site.files[f"/tool/{FILE}"] = vendor.archive(tmp_path, "#!/bin/false\n")
    with pytest.raises(ArtifactError, match=rf"{FILE}: refused from release: .* the vendor's sums say"):
        operator.acquire(vendor.artifact(site.address), "release", "mirror", "build")
    assert operator.files() == set()


def test_a_wrong_sum_ends_the_search_so_that_another_source_cannot_hide_it(operator: Operator, site: Site) -> None:
    site.files[f"/tool/{FILE}"] += b"more"
    with pytest.raises(ArtifactError):
        operator.acquire(vendor.artifact(site.address), "release", "mirror")
    assert not any("trying mirror" in text for text in operator.said)


def test_a_release_that_the_lock_pins_otherwise_is_refused_before_it_is_fetched(operator: Operator, site: Site) -> None:
    with pytest.raises(ArtifactError, match=rf"artifacts.lock.json pins {'9' * 64}"):
        operator.acquire(vendor.artifact(site.address), "release", lock=Lock({FILE: {"release": "9" * 64}}))
    assert f"/tool/{FILE}" not in site.requests


def test_a_signed_release_is_acquired(operator: Operator, site: Site, key: Key) -> None:
    site.publish(site.files[f"/tool/{FILE}"], key)
    assert operator.acquire(vendor.artifact(site.address, key), "release").origin.source == "release"


def test_sums_signed_by_another_key_are_refused(operator: Operator, site: Site, key: Key, another_key: Key) -> None:
    site.publish(site.files[f"/tool/{FILE}"], another_key)
    with pytest.raises(ArtifactError, match=r"its signature is not good \(.*NO_PUBKEY.*not the vendor's"):
        operator.acquire(vendor.artifact(site.address, key), "release")
    assert f"/tool/{FILE}" not in site.requests


def test_sums_altered_after_they_were_signed_are_refused(operator: Operator, site: Site, key: Key) -> None:
    site.publish(site.files[f"/tool/{FILE}"], key)
    site.files[f"/tool/{SUMS}"] += b"\n"
    with pytest.raises(ArtifactError, match=r"BADSIG"):
        operator.acquire(vendor.artifact(site.address, key), "release")


def test_a_key_file_with_another_key_than_the_named_one_proves_nothing(
    operator: Operator, site: Site, key: Key, another_key: Key
) -> None:
    site.publish(site.files[f"/tool/{FILE}"], another_key)
    swapped = replace(another_key, fingerprint=key.fingerprint)
    with pytest.raises(ArtifactError, match=r"is not the vendor's present key"):
        operator.acquire(vendor.artifact(site.address, swapped), "release")


def test_a_signed_vendor_without_a_signature_has_no_release(operator: Operator, site: Site, key: Key) -> None:
    with pytest.raises(ArtifactError, match=r"SHA256SUMS\.sig: HTTP 404"):
        operator.acquire(vendor.artifact(site.address, key), "release")


def test_the_key_of_hashicorp_is_the_one_its_fingerprint_names(tmp_path: Path) -> None:
    key = Path(artifacts.__file__).parent / "keys/hashicorp.asc"
    shown = subprocess.run(
        ["gpg", "--homedir", tmp_path, "--show-keys", "--with-colons", key], capture_output=True, text=True, check=True
    )
    primary = next(line.split(":")[9] for line in shown.stdout.splitlines() if line.startswith("fpr"))
    assert artifacts.CONSUL.release is not None
    assert primary == artifacts.CONSUL.release.fingerprint


def test_a_download_that_breaks_off_never_becomes_an_artifact(operator: Operator, site: Site) -> None:
    site.cut.add(f"/tool/{FILE}")
    with pytest.raises(
        ArtifactError, match=r"no source has it - mend one of those tried:\n  release: .*IncompleteRead"
    ):
        operator.acquire(vendor.artifact(site.address), "release")
    assert operator.files() == set()
    site.cut.clear()
    assert operator.acquire(vendor.artifact(site.address), "release").origin.source == "release"


def test_a_killed_run_leaves_nothing_that_the_next_one_takes_for_whole(operator: Operator, site: Site) -> None:
    site.stalled.add(f"/tool/{FILE}")
    process = subprocess.Popen([sys.executable, "-c", _ACQUIRE, site.address, str(operator.cache.folder)])
    assert site.stalls.wait(30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not operator.cache.path(vendor.artifact(site.address), Arch.AMD64).exists()
    assert operator.files() != set()
    site.stalled.clear()
    operator.acquire(vendor.artifact(site.address), "release")
    assert operator.files() == {FILE, f"{FILE}.sha256", f"{FILE}.json"}


_ACQUIRE = """
import sys
from pathlib import Path
from configs.environment import Arch, Artifacts
from deploy.artifact_sources import Acquisition
from inventory.artifact_cache import Cache
from tests.integration import vendor
acquisition = Acquisition(Artifacts(sources=("release",)), print, cache=Cache(Path(sys.argv[2])))
acquisition.all([(vendor.artifact(sys.argv[1]), Arch.AMD64)])
"""


def test_two_runs_at_once_fetch_once(operator: Operator, site: Site) -> None:
    site.stalled.add(f"/tool/{FILE}")
    second = Operator(operator.cache)
    tool = vendor.artifact(site.address)
    runs = [threading.Thread(target=run.acquire, args=(tool, "release")) for run in (operator, second)]
    runs[0].start()
    assert site.stalls.wait(30)
    runs[1].start()
    while not second.said:
        runs[1].join(0.05)
    site.go_on.set()
    for run in runs:
        run.join(30)
    assert "another run is acquiring artifacts" in second.said[0]
    assert site.requests.count(f"/tool/{FILE}") == 1


def test_a_damaged_file_in_the_cache_is_seen_and_acquired_anew(operator: Operator, site: Site) -> None:
    tool = vendor.artifact(site.address)
    whole = operator.acquire(tool, "release")
    operator.cache.path(tool, Arch.AMD64).write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match=r"is not as it was acquired - run `python -m deploy.artifact_sources ENV`"):
        operator.cache.sha256(tool, Arch.AMD64)
    assert operator.acquire(tool, "release").sha256 == whole.sha256


def test_a_file_that_was_only_touched_is_still_good(operator: Operator, site: Site) -> None:
    tool = vendor.artifact(site.address)
    operator.acquire(tool, "release")
    os.utime(operator.cache.path(tool, Arch.AMD64))
    assert operator.cache.sha256(tool, Arch.AMD64) == sha256(site.files[f"/tool/{FILE}"])


def test_the_cache_says_what_to_do_about_an_artifact_that_was_never_acquired(operator: Operator) -> None:
    with pytest.raises(ArtifactError, match=r"web_[0-9.]+_linux_amd64.zip: is not there - run `python -m"):
        operator.cache.sha256(artifacts.WEB, Arch.AMD64)


def test_the_cache_of_another_machine_is_a_mirror(operator: Operator, site: Site, tmp_path: Path) -> None:
    tool = vendor.artifact(site.address)
    operator.acquire(tool, "release")
    isolated = Operator(Cache(tmp_path / "isolated"))
    entry = isolated.acquire(tool, "mirror", mirror=str(operator.cache.folder))
    assert entry.origin.source == "mirror"
    assert entry.sha256 == operator.cache.sha256(tool, Arch.AMD64)


def test_a_mirror_can_be_an_address(operator: Operator, site: Site) -> None:
    content = site.files[f"/tool/{FILE}"]
    site.files |= {f"/m/{FILE}": content, f"/m/{FILE}.sha256": f"{sha256(content)}  {FILE}\n".encode()}
    entry = operator.acquire(vendor.artifact(site.address), "mirror", mirror=f"{site.address}/m/")
    assert entry.origin.detail == f"{site.address}/m/{FILE}"


def test_a_mirror_whose_file_is_not_what_its_sum_says_is_refused(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(vendor.archive(tmp_path) + b"more")
    (tmp_path / f"{FILE}.sha256").write_text(f"{'5' * 64}  {FILE}\n")
    with pytest.raises(ArtifactError, match=rf"refused from mirror: .* says {'5' * 64} - do not use it"):
        operator.acquire(vendor.artifact("https://vendor.invalid"), "mirror", mirror=str(tmp_path))


def test_sources_are_tried_in_the_order_of_the_settings(operator: Operator, site: Site, tmp_path: Path) -> None:
    entry = operator.acquire(vendor.artifact(site.address), "mirror", "release", mirror=str(tmp_path / "empty"))
    assert entry.origin.source == "release"
    assert [text.split("trying ")[1] for text in operator.said if "trying" in text] == ["mirror", "release"]


def test_no_source_is_one_error_that_names_everything_tried_for_every_artifact(operator: Operator, site: Site) -> None:
    site.files.clear()
    tool = vendor.artifact(site.address)
    other = replace(tool, name="other")
    settings = Artifacts(sources=("release", "mirror", "build"), mirror="/nowhere")
    acquisition = artifact_sources.Acquisition(settings, operator.said.append, cache=operator.cache, lock=Lock({}))
    with pytest.raises(ArtifactError) as raised:
        acquisition.all([(tool, Arch.AMD64), (other, Arch.AMD64)])
    text = str(raised.value)
    assert (
        f"{FILE}: no source has it - mend one of those tried:\n  release: {site.address}/tool/{SUMS}: HTTP 404" in text
    )
    assert f"  mirror: /nowhere/{FILE}: No such file or directory" in text
    assert "  build: configs/builds/tool: there is no such build" in text
    assert "other_1.0.0_linux_amd64.zip: no source has it" in text


def test_an_address_that_cannot_be_reached_is_tried_once(operator: Operator) -> None:
    tool = vendor.artifact("https://127.0.0.1:9")
    settings = Artifacts(sources=("release",))
    acquisition = artifact_sources.Acquisition(settings, operator.said.append, cache=operator.cache, lock=Lock({}))
    with pytest.raises(ArtifactError) as raised:
        acquisition.all([(tool, Arch.AMD64), (replace(tool, name="other"), Arch.AMD64)])
    assert str(raised.value).count("Connection refused") == 2


def test_plain_http_is_refused_but_on_loopback(operator: Operator) -> None:
    with pytest.raises(ArtifactError, match=r"http://vendor.example: is not https|http://vendor.example/tool: is not"):
        operator.acquire(vendor.artifact("http://vendor.example"), "release")


def test_a_redirect_to_plain_http_is_refused(operator: Operator, site: Site) -> None:
    site.redirects[f"/tool/{FILE}"] = "http://vendor.example/elsewhere.zip"
    with pytest.raises(ArtifactError, match=r"http://vendor.example/elsewhere.zip: is not https"):
        operator.acquire(vendor.artifact(site.address), "release")


def test_a_file_of_sums_without_end_is_not_read_to_the_end(site: Site) -> None:
    site.files["/sums"] = b"0" * (3 << 20)
    with pytest.raises(ArtifactError, match=r"is larger than 1 MiB"):
        download.Downloader(print).text(f"{site.address}/sums")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator(Cache(tmp_path_factory.mktemp("built")))
    operator.acquire(artifacts.CNI, "build", lock=Lock.read())
    return operator


def test_a_build_gives_the_bytes_that_the_lock_pins(built: Operator) -> None:
    entry = built.cache.entry(artifacts.CNI, Arch.AMD64)
    assert entry is not None
    assert entry.origin.binaries == Lock.read().built(artifacts.CNI.file(Arch.AMD64), artifacts.GO_VERSION)
    assert not any("no pin" in text for text in built.said)


def test_a_build_is_packed_like_the_release_of_the_vendor(built: Operator, tmp_path: Path) -> None:
    shutil.unpack_archive(built.cache.path(artifacts.CNI, Arch.AMD64), tmp_path, "gztar", filter="data")
    bridge = subprocess.run([tmp_path / "bridge", "--version"], capture_output=True, text=True, check=False)
    assert "v1.9.1" in bridge.stdout + bridge.stderr


def test_a_build_for_the_other_architecture_is_of_that_architecture(operator: Operator, tmp_path: Path) -> None:
    operator.acquire(artifacts.CNI, "build", arch=Arch.ARM64, lock=Lock.read())
    assert not any("no pin" in text for text in operator.said)
    shutil.unpack_archive(operator.cache.path(artifacts.CNI, Arch.ARM64), tmp_path, "gztar", filter="data")
    machine = (tmp_path / "bridge").read_bytes()[18:20]
    assert machine == b"\xb7\x00"  # EM_AARCH64, elf(5)


def test_a_build_ignores_what_the_users_environment_says(
    operator: Operator, built: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor -ldflags=-X=main.x=y")
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("CGO_ENABLED", "1")
    entry = operator.acquire(artifacts.CNI, "build", lock=Lock.read())
    assert entry.sha256 == built.cache.sha256(artifacts.CNI, Arch.AMD64)


def test_a_build_that_gives_other_bytes_than_its_toolchain_must_is_refused(operator: Operator) -> None:
    pins = {artifacts.WEB.file(Arch.AMD64): {"build": {artifacts.GO_VERSION: {"web": "7" * 64}}}}
    with pytest.raises(ArtifactError, match=rf"refused from build: web has SHA-256 .* pinned is {'7' * 64}"):
        operator.acquire(artifacts.WEB, "build", lock=Lock(pins))
    assert operator.files() == set()


def test_a_toolchain_without_pins_is_said_and_remembered_beside_the_archive(operator: Operator) -> None:
    entry = operator.acquire(artifacts.CNI, "build", lock=Lock({}))
    assert any("no pin for 'go1.26.8' yet; built bridge " in text for text in operator.said)
    assert entry.origin.binaries is not None
    assert entry.origin.binaries.keys() == artifacts.CNI.binaries.keys()


def test_a_build_whose_recipe_has_changed_is_made_anew(operator: Operator) -> None:
    operator.acquire(artifacts.WEB, "build")
    changed = replace(artifacts.WEB, build=replace(artifacts.WEB.build, variables={"main.version": "changed"}))
    before = len(operator.said)
    operator.acquire(changed, "build")
    assert any("its recipe changed" in text for text in operator.said[before:])
    operator.said.clear()
    operator.acquire(changed, "build")
    assert operator.said == []


def test_a_machine_without_go_is_told_what_to_install(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"build: Go is not installed - run `apt-get install golang-go gcc"):
        operator.acquire(artifacts.WEB, "build")


def test_nomad_needs_a_c_compiler_and_says_so(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"gcc is not installed - run `apt-get install gcc libc6-dev`"):
        operator.acquire(artifacts.NOMAD, "build")


def test_the_command_names_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert artifact_sources.main(["test", "consult"]) == 2
    assert "consult: the environment has no such artifact - use cni, consul" in capsys.readouterr().err


def test_what_the_module_level_functions_read_is_the_operators_cache() -> None:
    assert artifact_cache.path(artifacts.WEB, Arch.AMD64) == Cache().path(artifacts.WEB, Arch.AMD64)
