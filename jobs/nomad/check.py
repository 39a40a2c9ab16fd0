"""Mistakes in a tree of blocks, all at once, each with the path to its field: `web.group[api].count: ...`.

What is checked follows from the fields' types (`count: int | None`), from notes in them (`Annotated[int, Range(1, 9)]`)
and from what a class itself says of its fields together (`Block.mistakes`). Nothing is refused that Nomad takes.
"""

import functools
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs.nomad import document
from jobs.nomad.document import Block, Field

Mistake = tuple[str, str]
"""The path to a field from where one looks (`.task[app].cpu`), and what is wrong there."""

_Check = Callable[[Any], Iterable[Mistake]]

_NAMED = ("name", "label", "id", "destination_name")


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest that a number may be; without a note it is not negative."""

    low: int
    high: int | None = None

    def fault(self, value: Any) -> str | None:
        """What is wrong with a number."""
        if value < self.low:
            return f"{value} is too small - the least is {self.low}"
        if self.high is not None and value > self.high:
            return f"{value} is too large - the most is {self.high}"
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """What a text must match as a whole, and the same in words."""

    pattern: str
    words: str

    def fault(self, value: Any) -> str | None:
        """What is wrong with a text; one that Nomad interpolates is judged by Nomad."""
        if "${" in value or re.fullmatch(self.pattern, value):
            return None
        return f"{value!r} cannot be - {self.words}"


PORT = Range(0, 65535)
NAME = Text(r"[^\0]+", "give a name, without null characters")


def findings(block: Block, path: str) -> list[str]:
    """Every mistake in a block and below it, as a sentence that begins with its path."""
    return [f"{path}{below}: {words}" for below, words in _of_block(block)]


def _of_block(block: Block) -> Iterable[Mistake]:
    found: list[Mistake] = []
    for name, required, check in _checks(type(block)):
        value = getattr(block, name)
        if value is not None:
            found.extend(check(value))
        elif required:
            found.append((f".{name}", "missing - it must be said"))
    found.extend((f".extra[{name}]{below}", words) for name, below, words in _of_extra(block))
    return [*found, *_of_fields_together(block, judgeable=not found)]


def _of_fields_together(block: Block, *, judgeable: bool) -> Iterable[Mistake]:
    try:
        return list(block.mistakes())
    except (AttributeError, TypeError):
        # Fields that are wrong by themselves are told already.
        if judgeable:
            raise
        return ()


def _of_extra(block: Block) -> Iterable[tuple[str, str, str]]:
    for name, value in block.extra.items():
        if value is not None:
            yield from ((name, below, words) for below, words in _of_json(value))
            if field := document.field_holding(type(block), name, value):
                yield name, "", f"is the field {field} - say it there"


@document.per_class
def _checks(block: type[Any]) -> tuple[tuple[str, bool, _Check], ...]:
    return tuple((field.name, field.required, _check(field)) for field in document.table(block))


def _check(field: Field) -> _Check:
    """The check of a field's value, whose mistakes begin with the field's name."""
    inner = _of_type(field.hint, field.notes)
    arguments = typing.get_args(field.hint)
    if typing.get_origin(field.hint) is tuple and _is_block(arguments[0]):
        return functools.partial(_of_blocks, _singular(field.name), _of_type(arguments[0]))
    return lambda value: [(f".{field.name}{below}", words) for below, words in inner(value)]


def _of_type(hint: Any, notes: tuple[Any, ...] = ()) -> _Check:
    if hint is Any:
        return _of_json
    if _is_block(hint):
        return lambda value: _of_block(value) if isinstance(value, hint) else _wrong(value, hint.__name__)
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return lambda value: () if document.is_one_of(arguments, value) else _unknown(value, arguments)
        case builtin if builtin is tuple:
            return functools.partial(_of_list, _of_type(arguments[0], notes))
        case abstract if abstract is Mapping:
            return functools.partial(_of_mapping, _of_type(arguments[1], notes))
    return _of_scalar(hint, notes)


def _of_scalar(hint: type, notes: tuple[Any, ...]) -> _Check:
    judges = [note for note in notes if isinstance(note, Range | Text)]
    if hint is int and not judges:
        judges = [Range(0)]
    # True is an int to Python, and not to Nomad.
    kinds = hint if hint in (str, timedelta) else ()

    def check(value: Any) -> Iterable[Mistake]:
        if type(value) is not hint and not isinstance(value, kinds):
            return _wrong(value, hint.__name__)
        if isinstance(value, timedelta) and value < timedelta(0):
            return [("", f"{value} is negative - give a time that passes")]
        return [("", fault) for judge in judges if (fault := judge.fault(value))]

    return check


def _of_blocks(name: str, item: _Check, value: Any) -> Iterable[Mistake]:
    """A list of blocks is told by their names, where they have one."""
    if not isinstance(value, tuple):
        return [(f".{name}", words) for _, words in _wrong(value, "tuple")]
    return [
        (f".{name}[{_label(each, index)}]{below}", words)
        for index, each in enumerate(value)
        for below, words in item(each)
    ]


def _of_list(item: _Check, value: Any) -> Iterable[Mistake]:
    if not isinstance(value, tuple):
        return _wrong(value, "tuple")
    return [(f"[{i}]{below}", words) for i, each in enumerate(value) for below, words in item(each)]


def _of_mapping(item: _Check, value: Any) -> Iterable[Mistake]:
    if not isinstance(value, Mapping):
        return _wrong(value, "mapping")
    if isinstance(value, Block):
        return _of_block(value)
    keys = [(f"[{key}]", "is no text - a key is one") for key in value if not isinstance(key, str)]
    return [*keys, *((f"[{key}]{below}", words) for key, each in value.items() for below, words in item(each))]


def _of_json(value: Any) -> Iterable[Mistake]:
    """A free-form value must come back from Nomad as it is: JSON has no tuples, and no durations."""
    match value:
        case None | str() | bool() | int() | float():
            return ()
        case list():
            return [(f"[{i}]{below}", words) for i, each in enumerate(value) for below, words in _of_json(each)]
        case Mapping():
            return _of_mapping(_of_json, value)
        case tuple():
            return [("", "is a tuple - give a list, it is free-form JSON")]
        case timedelta():
            return [("", 'is a timedelta - give the text that is expected here ("5m"), it is free-form JSON')]
    return _wrong(value, "value of JSON")


def _wrong(value: Any, wanted: str) -> Iterable[Mistake]:
    """The value itself is not shown: it may be a secret."""
    return [("", f"is of type {type(value).__name__} - give {_article(wanted)} {wanted}")]


def _unknown(value: Any, words: tuple[str, ...]) -> Iterable[Mistake]:
    return [("", f"{value!r} is not known - give one of {', '.join(words)}")]


def _article(word: str) -> str:
    return "an" if word[0].lower() in "aeiou" else "a"


def _label(item: Any, index: int) -> str:
    return next((str(label) for key in _NAMED if (label := getattr(item, key, None))), str(index))


def _singular(name: str) -> str:
    """One of a list's blocks, as the job specification calls it."""
    name = name.removeprefix("task_")
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def _is_block(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Block)
