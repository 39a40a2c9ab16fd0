"""The links to tasks' log files, on real folders."""

import os
import time
from pathlib import Path

import pytest

from configs.agents import task_log_links
from configs.agents.task_log_links import Links, Owner

OWNER = Owner("default", "web", "front")
ALLOCATION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "alloc" / ALLOCATION / "alloc" / "logs"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def links(tmp_path: Path) -> Links:
    (tmp_path / "links").mkdir()
    return Links(tmp_path / "alloc", tmp_path / "links")


def linked(links: Links) -> list[str]:
    return sorted(str(p.relative_to(links.links)) for p in links.links.rglob("*") if p.is_file())


def test_each_log_file_is_linked_under_its_owner(links: Links, logs: Path) -> None:
    for name in ("app.stdout.0", "app.stdout.1", "app.stderr.0", "side.car.stdout.0"):
        (logs / name).write_text(name)
    links.add(ALLOCATION, OWNER)
    front = "default/web/front"
    assert linked(links) == [
        f"{front}/app/{ALLOCATION}/stderr.0",
        f"{front}/app/{ALLOCATION}/stdout.0",
        f"{front}/app/{ALLOCATION}/stdout.1",
        f"{front}/side%2Ecar/{ALLOCATION}/stdout.0",
    ]


def test_what_is_no_log_file_is_left_alone(links: Links, logs: Path) -> None:
    for name in (".app.stdout.fifo", "notes.txt", "app.stdout.x", "app.other.0"):
        (logs / name).write_text("")
    os.mkfifo(logs / "app.stdout.7")
    links.add(ALLOCATION, OWNER)
    assert linked(links) == []


def test_a_symbolic_link_that_a_task_made_is_not_followed(links: Links, logs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's")
    (logs / "app.stdout.0").symlink_to(tmp_path / "secret")
    links.add(ALLOCATION, OWNER)
    assert linked(links) == []


def test_a_symbolic_link_in_the_place_of_the_folder_is_not_followed(links: Links, logs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "app.stdout.0").write_text("the host's")
    logs.rmdir()
    logs.symlink_to(other)
    links.add(ALLOCATION, OWNER)
    assert linked(links) == []


def test_a_new_file_is_linked_at_the_next_look(links: Links, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("")
    links.add(ALLOCATION, OWNER)
    (logs / "app.stdout.1").write_text("")
    links.add(ALLOCATION, OWNER)
    assert len(linked(links)) == 2


def test_a_file_that_nomad_made_anew_is_linked_anew(links: Links, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("old")
    links.add(ALLOCATION, OWNER)
    (logs / "app.stdout.0").unlink()
    (logs / "app.stdout.0").write_text("new")
    links.add(ALLOCATION, OWNER)
    (only,) = linked(links)
    assert (links.links / only).read_text() == "new"


def test_a_file_that_nomad_removed_is_kept_for_the_grace_and_then_goes_with_its_folders(
    links: Links, logs: Path
) -> None:
    (logs / "app.stdout.0").write_text("last words")
    links.add(ALLOCATION, OWNER)
    (logs / "app.stdout.0").unlink()
    links.sweep(time.time() - 600)
    assert len(linked(links)) == 1
    links.sweep(time.time() + 1)
    assert list(links.links.iterdir()) == []


def test_a_file_that_nomad_still_has_is_kept_for_ever(links: Links, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("")
    links.add(ALLOCATION, OWNER)
    links.sweep(time.time() + 3600)
    assert len(linked(links)) == 1


@pytest.mark.parametrize("name", ["web", "etl/periodic-1", "..", "../../etc", "50%", "%2F", "a.b"])
def test_any_name_is_one_component_of_a_path_and_comes_back(name: str) -> None:
    encoded = task_log_links.encode(name)
    assert "/" not in encoded
    assert encoded not in (".", "..")
    assert task_log_links.decode(encoded) == name


def test_after_a_restart_owners_are_read_from_the_links(links: Links, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("")
    owner = Owner("default", "etl/periodic-1", "front.end")
    links.add(ALLOCATION, owner)
    assert task_log_links.recorded(links.links) == {ALLOCATION: owner}
