"""Nomad's diff of a job, as lines to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MARKS = {"Added": "+", "Deleted": "-", "Edited": "~", "None": " "}
_COLOURS = {"+": "\033[32m", "-": "\033[31m", "~": "\033[33m"}
_RESET = "\033[0m"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff; `mark` is one of `+ - ~` or a space."""

    mark: str
    depth: int
    text: str

    def show(self, *, colour: bool) -> str:
        """The line, in the colour of its mark where there is a terminal to show it."""
        plain = f"{self.mark} {'  ' * self.depth}{self.text}"
        return f"{_COLOURS[self.mark]}{plain}{_RESET}" if colour and self.mark in _COLOURS else plain


def changes(item: Mapping[str, Any]) -> bool:
    """Whether a diff, or a part of one, tells of any change.

    Nomad 1.11 calls each scaling block edited, without a field that is: it compares its own modify index with none.
    """
    if item["Type"] != "Edited":
        return bool(item["Type"] != "None")
    if any(field["Type"] != "None" for field in item.get("Fields") or ()):
        return True
    return any(changes(part) for name in ("Objects", "TaskGroups", "Tasks") for part in item.get(name) or ())


def lines(diff: Mapping[str, Any]) -> Iterator[Line]:
    """The diff of a whole job, what is unchanged left out."""
    yield Line(_MARKS[diff["Type"]], 0, f"job {diff['ID']}")
    yield from _contents(diff, 1)
    for group in diff.get("TaskGroups") or ():
        if changes(group) or group.get("Updates"):
            yield Line(_MARKS[group["Type"]], 1, f"group {group['Name']}{_updates(group)}")
            yield from _contents(group, 2)
            yield from _tasks(group)


def _tasks(group: Mapping[str, Any]) -> Iterator[Line]:
    for task in group.get("Tasks") or ():
        if changes(task):
            yield Line(_MARKS[task["Type"]], 2, f"task {task['Name']}{_notes(task)}")
            yield from _contents(task, 3)


def _contents(item: Mapping[str, Any], depth: int) -> Iterator[Line]:
    for field in item.get("Fields") or ():
        if field["Type"] != "None":
            yield Line(_MARKS[field["Type"]], depth, f"{field['Name']}: {_change(field)}{_notes(field)}")
    for block in item.get("Objects") or ():
        if changes(block):
            yield Line(_MARKS[block["Type"]], depth, f"{block['Name']}{_notes(block)}")
            yield from _contents(block, depth + 1)


def _change(field: Mapping[str, Any]) -> str:
    match field["Type"]:
        case "Added":
            return repr(field["New"])
        case "Deleted":
            return repr(field["Old"])
        case _:
            return f"{field['Old']!r} => {field['New']!r}"


def _updates(group: Mapping[str, Any]) -> str:
    told = ", ".join(f"{count} {what}" for what, count in sorted((group.get("Updates") or {}).items()))
    return f" ({told})" if told else ""


def _notes(item: Mapping[str, Any]) -> str:
    return f" ({', '.join(item['Annotations'])})" if item.get("Annotations") else ""
