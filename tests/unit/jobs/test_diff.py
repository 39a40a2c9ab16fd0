"""Nomad's diff is read as lines."""

from typing import Any

from jobs.nomad import diff
from jobs.nomad.diff import Line


def _field(kind: str, name: str, old: str = "", new: str = "") -> dict[str, Any]:
    return {"Type": kind, "Name": name, "Old": old, "New": new, "Annotations": None}


_DIFF = {
    "Type": "Edited",
    "ID": "web",
    "Fields": [_field("Edited", "Priority", "50", "90"), _field("None", "Region", "global", "global")],
    "Objects": [{"Type": "Added", "Name": "Spread", "Fields": [_field("Added", "Weight", new="100")], "Objects": None}],
    "TaskGroups": [
        {
            "Type": "Edited",
            "Name": "web",
            "Fields": None,
            "Objects": None,
            "Updates": {"ignore": 1, "canary": 1},
            "Tasks": [
                {
                    "Type": "Edited",
                    "Name": "web",
                    "Annotations": ["forces create/destroy update"],
                    "Fields": [_field("Deleted", "Env[A]", old="1")],
                    "Objects": None,
                },
                {"Type": "None", "Name": "still", "Fields": None, "Objects": None, "Annotations": None},
            ],
        },
    ],
}


def test_a_diff_tells_what_changes_and_only_that() -> None:
    assert list(diff.lines(_DIFF)) == [
        Line("~", 0, "job web"),
        Line("~", 1, "Priority: '50' => '90'"),
        Line("+", 1, "Spread"),
        Line("+", 2, "Weight: '100'"),
        Line("~", 1, "group web (1 canary, 1 ignore)"),
        Line("~", 2, "task web (forces create/destroy update)"),
        Line("-", 3, "Env[A]: '1'"),
    ]


def test_colours_are_for_terminals() -> None:
    line = Line("+", 1, "Weight: '100'")
    assert line.show(colour=False) == "+   Weight: '100'"
    assert line.show(colour=True) == "\033[32m+   Weight: '100'\033[0m"
    assert Line(" ", 0, "job web").show(colour=True) == "  job web"


def test_an_edited_block_without_an_edited_field_is_no_change() -> None:
    scaling = {"Type": "Edited", "Name": "Scaling", "Fields": None, "Objects": None}
    group = {"Type": "Edited", "Name": "web", "Fields": None, "Objects": [scaling], "Updates": {"in-place update": 2}}
    assert not diff.changes({"Type": "Edited", "ID": "web", "TaskGroups": [group]})


def test_a_change_is_one_wherever_it_is() -> None:
    assert diff.changes(_DIFF)
    assert diff.changes({"Type": "Edited", "ID": "web", "Fields": [_field("Edited", "Priority", "50", "90")]})
    assert diff.changes({"Type": "Added", "ID": "web", "TaskGroups": []})
    assert not diff.changes({"Type": "None", "ID": "web", "TaskGroups": []})
