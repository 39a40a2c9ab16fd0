"""Files are written when they differ, through stdin, in one atomic step."""

import dataclasses
import hashlib

import pytest

from configs.errors import SecretsError
from configs.files import File
from deploy.facts.state import FileState, State
from deploy.operations import files
from tests.unit.deploy.simulated import sent

SECRET = "hunter2hunter2"
FILE = File(path="/etc/a/secret", content=SECRET, group="consul", mode="0640")
THERE = f"F 640 root consul {hashlib.sha256(SECRET.encode()).hexdigest()} /etc/a/secret"


def test_the_state_wanted_is_told_as_the_host_tells_it() -> None:
    assert files.wanted(FILE, SECRET) == FileState(
        mode="640", user="root", group="consul", sha256=hashlib.sha256(SECRET.encode()).hexdigest()
    )


def test_a_file_that_is_as_wanted_is_left_alone() -> None:
    assert sent(files.present, {"echo END": f"{THERE}\nEND"}, files=[FILE]) == []


@pytest.mark.parametrize(
    "there",
    [
        "END",
        f"{THERE.replace('F 640', 'F 644')}\nEND",
        f"{THERE.replace('root consul', 'root root')}\nEND",
        f"{THERE.replace(' root', ' nomad', 1)}\nEND",
        f"F 640 root consul {'0' * 64} /etc/a/secret\nEND",
    ],
)
def test_content_owner_and_mode_are_each_mended(there: str) -> None:
    (command,) = sent(files.present, {"echo END": there}, files=[FILE])
    assert "/etc/a/secret" in command


def test_no_content_is_in_a_command() -> None:
    assert SECRET not in "".join(sent(files.present, {"echo END": "END"}, files=[FILE]))


def test_the_new_file_is_closed_from_birth_and_takes_the_old_ones_place_last() -> None:
    (command,) = sent(files.present, {"echo END": "END"}, files=[FILE])
    steps = ["umask 077", 'head -c "$size" > "$new"', 'chown "$owner" "$new"', 'chmod "$mode" "$new"', 'mv -f "$new"']
    assert sorted(steps, key=command.index) == steps


def test_what_was_cut_off_on_its_way_never_takes_a_files_place() -> None:
    (command,) = sent(files.present, {"echo END": "END"}, files=[FILE])
    assert f"/etc/a/secret {len(SECRET)} root:consul" in command
    assert command.index('test "$(stat -c %s "$new")" = "$size"') < command.index("mv -f")


def test_the_program_that_reads_a_file_must_accept_it_first() -> None:
    checked = dataclasses.replace(FILE, check='promtool check rules "$1"')
    (command,) = sent(files.present, {"echo END": "END"}, files=[checked])
    assert command.endswith("""'promtool check rules "$1"'""")
    assert command.index('sh -c "$check" sh "$new"') < command.index("mv -f")


def test_what_must_be_gone_is_removed_only_where_it_is() -> None:
    assert sent(files.present, {"echo END": f"{THERE}\nEND"}, files=[], absent=["/etc/a/secret"]) == [
        "rm -f /etc/a/secret"
    ]
    assert sent(files.present, {"echo END": "END"}, files=[], absent=["/etc/a/secret"]) == []


def test_a_host_that_cannot_be_asked_is_not_written_to() -> None:
    assert sent(files.present, {"echo END": ""}, files=[FILE]) == []


def test_a_content_that_comes_from_a_function_is_asked_for_when_it_is_needed() -> None:
    made = dataclasses.replace(FILE, content=lambda: SECRET)
    assert list(files.writes([made], State(files={FILE.path: files.wanted(FILE, SECRET)}))) == []


def test_a_secret_that_cannot_be_had_ends_the_run_and_writes_nothing() -> None:
    def missing() -> str:
        raise SecretsError("nobody can open it")

    with pytest.raises(SecretsError):
        sent(files.present, {"echo END": "END"}, files=[dataclasses.replace(FILE, content=missing)])
