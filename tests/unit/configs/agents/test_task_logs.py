"""The copies of tasks' output, on real folders."""

import os
import time
from pathlib import Path

import pytest

from configs.agents import task_logs
from configs.agents.task_logs import Copies, Owner

OWNER = Owner("default", "web", "front")
ALLOCATION = "11111111-2222-3333-4444-555555555555"
GRACE = 600.0


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "alloc" / ALLOCATION / "alloc" / "logs"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return made(tmp_path)


def made(folder: Path) -> Copies:
    (folder / "copies").mkdir(exist_ok=True)
    return Copies(folder / "alloc", folder / "copies", GRACE)


def names(copies: Copies) -> list[str]:
    return sorted(str(p.relative_to(copies.copies)) for p in copies.copies.rglob("*") if p.is_file())


def said(copies: Copies) -> str:
    """All that was copied, in order of files and bytes, without the first lines."""
    folders = {path.with_suffix("") for path in copies.copies.rglob("*") if path.is_file()}
    parts = [part.read_text() for copy in sorted(folders) for part in task_logs.segments(copy)]
    return "".join(part.partition("\n")[2] for part in parts)


def test_each_log_file_is_copied_under_its_owner(copies: Copies, logs: Path) -> None:
    for name in ("app.stdout.0", "app.stdout.1", "app.stderr.0", "side.car.stdout.0"):
        (logs / name).write_text("a line\n")
    copies.follow(ALLOCATION, OWNER)
    front = "default/web/front"
    assert names(copies) == [
        f"{front}/app/{ALLOCATION}/stderr.0.0",
        f"{front}/app/{ALLOCATION}/stdout.0.0",
        f"{front}/app/{ALLOCATION}/stdout.1.0",
        f"{front}/side%2Ecar/{ALLOCATION}/stdout.0.0",
    ]


def test_no_two_copies_begin_alike(copies: Copies, logs: Path) -> None:
    for name in ("app.stdout.0", "app.stderr.0"):
        (logs / name).write_text("the same words\n")
    copies.follow(ALLOCATION, OWNER)
    firsts = {path.read_text().partition("\n")[0] for path in copies.copies.rglob("*") if path.is_file()}
    assert len(firsts) == 2
    assert all(first.startswith(task_logs.MARK) for first in firsts)


def test_what_is_no_log_file_is_left_alone(copies: Copies, logs: Path) -> None:
    for name in (".app.stdout.fifo", "notes.txt", "app.stdout.x", "app.other.0"):
        (logs / name).write_text("a line\n")
    os.mkfifo(logs / "app.stdout.7")
    copies.follow(ALLOCATION, OWNER)
    assert names(copies) == []


def test_a_symbolic_link_that_a_task_made_is_not_followed(copies: Copies, logs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's\n")
    (logs / "app.stdout.0").symlink_to(tmp_path / "secret")
    copies.follow(ALLOCATION, OWNER)
    assert names(copies) == []


def test_a_symbolic_link_in_the_place_of_the_folder_is_not_followed(copies: Copies, logs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "app.stdout.0").write_text("the host's\n")
    logs.rmdir()
    logs.symlink_to(other)
    copies.follow(ALLOCATION, OWNER)
    assert names(copies) == []


def test_what_was_said_is_copied_once_also_by_a_program_that_was_started_anew(
    copies: Copies, logs: Path, tmp_path: Path
) -> None:
    path = logs / "app.stdout.0"
    path.write_text("one\n")
    copies.follow(ALLOCATION, OWNER)
    copies.follow(ALLOCATION, OWNER)
    path.write_text("one\ntwo\n")
    made(tmp_path).follow(ALLOCATION, OWNER)
    assert said(copies) == "one\ntwo\n"


def test_a_line_is_copied_when_it_is_whole(copies: Copies, logs: Path) -> None:
    path = logs / "app.stdout.0"
    path.write_text("one\nhal")
    copies.follow(ALLOCATION, OWNER)
    assert said(copies) == "one\n"
    path.write_text("one\nhalf\n")
    copies.follow(ALLOCATION, OWNER)
    assert said(copies) == "one\nhalf\n"


def test_last_words_without_an_end_of_line_are_copied_once_nothing_more_comes(copies: Copies, logs: Path) -> None:
    path = logs / "app.stdout.0"
    path.write_text("killed while wri")
    os.utime(path, (time.time() - 10, time.time() - 10))
    copies.follow(ALLOCATION, OWNER)
    assert said(copies) == "killed while wri"


def test_a_full_copy_is_continued_in_a_new_one(
    copies: Copies, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_logs, "FULL", 10)
    path = logs / "app.stdout.0"
    for count in range(1, 5):
        path.write_text("12345678\n" * count)
        made(tmp_path).follow(ALLOCATION, OWNER)
    assert [name.rsplit(".", 1)[1] for name in names(copies)] == ["0", "18"]
    assert said(copies) == "12345678\n" * 4


def test_much_at_once_arrives_whole(copies: Copies, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_logs, "CHUNK", 100)
    text = "".join(f"line {number}\n" for number in range(500)) + "x" * 250 + "\nend\n"
    (logs / "app.stdout.0").write_text(text)
    copies.follow(ALLOCATION, OWNER)
    assert said(copies) == text


def test_a_copy_goes_with_its_folders_once_nomad_s_file_has_been_gone_for_the_grace(copies: Copies, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("last words\n")
    copies.follow(ALLOCATION, OWNER)
    (logs / "app.stdout.0").unlink()
    now = time.time()
    copies.sweep(now)
    copies.sweep(now + GRACE - 1)
    assert said(copies) == "last words\n"
    copies.sweep(now + GRACE)
    assert list(copies.copies.iterdir()) == []


def test_the_last_copy_of_a_file_that_nomad_has_is_kept_and_those_before_it_for_a_while(
    copies: Copies, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_logs, "FULL", 1)
    for count in range(1, 4):
        (logs / "app.stdout.0").write_text("a\n" * count)
        copies.follow(ALLOCATION, OWNER)
    copies.sweep(time.time() + GRACE)
    assert len(names(copies)) == 3
    copies.sweep(time.time() + 6 * GRACE + 60)
    assert [name.rsplit(".", 1)[1] for name in names(copies)] == ["4"]


@pytest.mark.parametrize("name", ["web", "etl/periodic-1", "..", "../../etc", "50%", "%2F", "a.b"])
def test_any_name_is_one_component_of_a_path_and_comes_back(name: str) -> None:
    encoded = task_logs.encode(name)
    assert "/" not in encoded
    assert encoded not in (".", "..")
    assert task_logs.decode(encoded) == name


def test_after_a_restart_owners_are_read_from_the_copies(copies: Copies, logs: Path) -> None:
    (logs / "app.stdout.0").write_text("a line\n")
    owner = Owner("default", "etl/periodic-1", "front.end")
    copies.follow(ALLOCATION, owner)
    assert task_logs.recorded(copies.copies) == {ALLOCATION: owner}
