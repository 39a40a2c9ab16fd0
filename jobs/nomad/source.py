"""Values as Python source, laid out as the formatter would: on one line where it fits, else one item a line."""

import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Any, Final

from jobs.nomad import document
from jobs.nomad.document import Block

WIDTH: Final = 120
_INDENT: Final = "    "
_UNITS: Final = ("days", "hours", "minutes", "seconds", "milliseconds", "microseconds")


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets; `single` closes a tuple of one with a comma."""

    opening: str
    items: tuple[tuple[str, "Node"], ...]
    closing: str
    single: str = ""

    def flat(self) -> str:
        """All on one line."""
        return (
            f"{self.opening}{', '.join(prefix + _flat(item) for prefix, item in self.items)}{self.single}{self.closing}"
        )


Node = str | Group
"""Source that is one word, or a group."""


@dataclass(kw_only=True, slots=True)
class Writer:
    """Source of a tree of blocks.

    Attributes:
        module: the module that a class is written as a member of.
        moved: what stands in functions of its own, by identity: the source that is written in its place.
        constants: texts of several lines, by the names that are written in their place.
    """

    module: Callable[[type[Block]], str]
    moved: dict[int, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    def block(self, block: Block) -> Node:
        """A call of its class, with what is not its default."""
        items = [(f.name, getattr(block, f.name)) for f in fields(block) if f.name != "extra"]
        defaults = {f.name: f.default for f in fields(block) if f.default is not MISSING}
        about = getattr(block, "destination", None)
        said = [
            (f"{name}=", self.value(value, about or name))
            for name, value in items
            if name not in defaults or value != defaults[name]
        ]
        extra = [("extra=", self.value(dict(block.extra), "extra"))] if block.extra else []
        return Group(f"{self.module(type(block))}.{type(block).__name__}(", (*said, *extra), ")")

    def value(self, value: Any, about: str) -> Node:
        """Any value; `about` gives a text of several lines its name."""
        match value:
            case Block():
                return self.moved.get(id(value)) or self.block(value)
            case timedelta():
                return _duration(value)
            case str():
                return self._constant(value, about) if "\n" in value.strip("\n") else _text(value)
            case dict() | tuple() | list():
                return self._items(value, about)
        return repr(value)

    def _items(self, values: Any, about: str) -> Group:
        if isinstance(values, dict):
            return Group("{", tuple((f"{_text(key)}: ", self.value(each, key)) for key, each in values.items()), "}")
        items = tuple(("", self.value(each, about)) for each in values)
        single = "," if len(items) == 1 else ""
        return Group("(", items, ")", single) if isinstance(values, tuple) else Group("[", items, "]")

    def _constant(self, value: str, about: str) -> str:
        name = free_name(f"_{name_of(about).upper()}", self.constants)
        self.constants[name] = _lines(value)
        return name


def lay_out(node: Node, indent: str = "", before: str = "") -> str:
    """Source of a node, after `before` on its first line; later lines begin with `indent`."""
    flat = _flat(node)
    if isinstance(node, str) or not node.items or len(indent) + len(before) + len(flat) < WIDTH:
        return f"{before}{flat}"
    inner = f"{indent}{_INDENT}"
    lines = [f"{inner}{lay_out(item, inner, prefix)},\n" for prefix, item in node.items]
    return f"{before}{node.opening}\n{''.join(lines)}{indent}{node.closing}"


def name_of(text: str) -> str:
    """A name for Python made of the last part of a path or name."""
    return re.sub(r"\W+", "_", text.rpartition("/")[2], flags=re.ASCII).strip("_").lower() or "it"


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, or with a number when it is taken."""
    names, number, name = set(taken), 1, wanted
    while name in names:
        number += 1
        name = f"{wanted}_{number}"
    return name


def plain(block: Block) -> bool:
    """Whether a tree says nothing but by its fields."""
    inner = (getattr(block, each.name) for each in document.table(type(block)))
    return not block.extra and all(plain(each) for value in inner for each in _blocks(value))


def _blocks(value: Any) -> list[Block]:
    return [each for each in (value if isinstance(value, tuple) else [value]) if isinstance(each, Block)]


def _flat(node: Node) -> str:
    return node if isinstance(node, str) else node.flat()


def _duration(value: timedelta) -> str:
    for unit in _UNITS:
        if value and not value % timedelta(**{unit: 1}):
            return f"timedelta({unit}={value // timedelta(**{unit: 1})})"
    return "timedelta(0)"


def _text(value: str) -> str:
    written = repr(value)
    return written if '"' in value else f'"{written[1:-1]}"'


def _lines(value: str) -> str:
    """A text of several lines between triple quotes; what cannot be seen, or would end it, as escapes."""
    seen = "".join(each if _seen(each) else _text(each)[1:-1] for each in value)
    quoted = re.sub(r'"(?=""|\Z)', r"\"", seen)
    return f'"""\\\n{quoted}"""'


def _seen(character: str) -> bool:
    return character in "\n\t" or (character.isprintable() and character != "\\")
