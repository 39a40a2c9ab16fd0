"""The keys of local hosts, on disk."""

import io
import stat
import tarfile
from pathlib import Path

import pytest

from inventory import local
from vagrant import keys


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local, "CACHE", tmp_path)


def test_the_private_key_is_made_once_and_is_private() -> None:
    public = keys.ensure("lab")
    assert public.startswith("ssh-ed25519 AAAA")
    assert public.endswith(" socle-lab\n")
    assert keys.ensure("lab") == public
    assert stat.S_IMODE(local.key("lab").stat().st_mode) == 0o600
    assert stat.S_IMODE(local.folder("lab").stat().st_mode) == 0o700


def test_a_host_key_replaces_the_one_before() -> None:
    keys.ensure("lab")
    keys.remember_host("lab", "lab-1", "192.0.2.1", "ssh-ed25519 OLD root@lab-1\n")
    keys.remember_host("lab", "lab-10", "192.0.2.10", "ssh-ed25519 TEN root@lab-10\n")
    keys.remember_host("lab", "lab-1", "192.0.2.1", "ssh-ed25519 NEW root@lab-1\n")
    assert local.known_hosts("lab").read_text().splitlines() == [
        "lab-10,192.0.2.10 ssh-ed25519 TEN",
        "lab-1,192.0.2.1 ssh-ed25519 NEW",
    ]


def test_forgetting_a_host_leaves_the_others() -> None:
    keys.ensure("lab")
    keys.forget_host("lab", "lab-1")
    keys.remember_host("lab", "lab-1", "192.0.2.1", "ssh-ed25519 ONE")
    keys.remember_host("lab", "lab-2", "192.0.2.2", "ssh-ed25519 TWO")
    keys.forget_host("lab", "lab-1")
    assert local.known_hosts("lab").read_text() == "lab-2,192.0.2.2 ssh-ed25519 TWO\n"


def test_the_archive_gives_sshd_the_owners_and_modes_it_insists_on() -> None:
    with tarfile.open(fileobj=io.BytesIO(keys.authorized("ssh-ed25519 KEY\n"))) as tar:
        folder, file = tar.getmembers()
        assert (folder.name, folder.mode, folder.uid, folder.isdir()) == (".ssh", 0o700, 1000, True)
        assert (file.name, file.mode, file.uid) == (".ssh/authorized_keys", 0o600, 1000)
        content = tar.extractfile(file)
        assert content
        assert content.read() == b"ssh-ed25519 KEY\n"
