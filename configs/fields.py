"""Whether a dataclass holds what it is declared to hold: an inventory is plain Python that nobody type-checks."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints


def mistyped(value: Any, where: str = "") -> Iterator[str]:
    """One finding for each field, of it and of the dataclasses in it, that holds another type.

    A text is taken where a StrEnum is declared: whether it is one of its members is for its user to find.
    """
    hints = get_type_hints(type(value))
    for field in dataclasses.fields(value):
        yield from _within(getattr(value, field.name), hints[field.name], f"{where}{field.name}")


def _within(value: Any, declared: Any, where: str) -> Iterator[str]:
    choices = get_args(declared) if _origin(declared) in (Union, types.UnionType) else (declared,)
    if not any(_is(value, choice) for choice in choices):
        yield _finding(value, declared, where)
    elif dataclasses.is_dataclass(value):
        yield from mistyped(value, f"{where}.")
    else:
        for item, place in _items(value, declared, where):
            yield from _within(item, get_args(declared)[-1 if _origin(declared) is Mapping else 0], place)


def _items(value: Any, declared: Any, where: str) -> list[tuple[Any, str]]:
    """What is in a collection, each with its place: a host's is its name."""
    origin = _origin(declared)
    if origin is tuple:
        return [(item, f"{where}[{getattr(item, 'name', i)}]") for i, item in enumerate(value)]
    if origin is frozenset:
        return [(item, where) for item in value]
    return [(item, f"{where}[{key!r}]") for key, item in value.items()] if origin is Mapping else []


def _origin(declared: Any) -> Any:
    return get_origin(declared) or declared


def _is(value: Any, declared: Any) -> bool:
    kind = _origin(declared)
    if kind is Any:
        return True
    if kind is None:
        return value is None
    if issubclass(kind, StrEnum):
        kind = str
    if isinstance(value, bool) and kind is not bool:
        return False
    return isinstance(value, (int, float) if kind is float else (frozenset, set) if kind is frozenset else kind)


def _finding(value: Any, declared: Any, where: str) -> str:
    return f"{where}: {value!r} is not {_named(declared)} - {_instead(declared)}"


def _named(declared: Any) -> str:
    """A type in an operator's words."""
    origin, inner = _origin(declared), get_args(declared)
    if origin in (Union, types.UnionType):
        return " or ".join(_named(choice) for choice in inner)
    names = {str: "a text", int: "a whole number", float: "a number", bool: "True or False", type(None): "None"}
    groups = {tuple: "a tuple", frozenset: "a frozenset", Mapping: "a dict"}
    return (
        names.get(origin) or groups.get(origin) or f"{'an' if origin.__name__[0] in 'AEIO' else 'a'} {origin.__name__}"
    )


def _instead(declared: Any) -> str:
    origin, inner = _origin(declared), get_args(declared)
    if origin is tuple:
        return f"write ({_example(inner[0])},)"
    if origin is frozenset:
        return f"write frozenset({{{_example(inner[0])}}})"
    return f"write {_example(declared)}"


def _example(declared: Any) -> str:
    origin, inner = _origin(declared), get_args(declared)
    if origin in (Union, types.UnionType):
        return _example(inner[0])
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return f"{origin.__name__}.{next(iter(origin)).name}"
    return {str: '"..."', int: "3", float: "2.0", bool: "True", Mapping: '{"...": ...}'}.get(
        origin, f"{origin.__name__}(...)"
    )
