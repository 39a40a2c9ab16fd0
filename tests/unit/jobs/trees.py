"""Random blocks of every class, made from the types of their fields; JSON as Nomad has it around them."""

import typing
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from jobs.nomad import document, spec
from jobs.nomad.check import Range, Text
from jobs.nomad.document import Block, Field

SAID = 4
"""At most so many optional fields are said in a block: trees stay small."""

_ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
JSON = st.recursive(
    _ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
UNKNOWN = st.dictionaries(st.from_regex(r"Future[a-z]{1,5}", fullmatch=True), JSON, max_size=2)

_NAMES = st.uuids().map(lambda uuid: f"n{uuid.hex[:8]}")
_DURATIONS = st.integers(0, 10**15).map(lambda microseconds: timedelta(microseconds=microseconds))
_UNNAMED = {(spec.Task, "volume_mounts"), (spec.TaskGroup, "volumes")}
"""What must fit together has a test of its own."""


def blocks(block: type[Block]) -> st.SearchStrategy[Block]:
    """Blocks of a class without mistakes."""
    return _blocks(block).filter(lambda made: not list(made.mistakes()))


@st.composite
def _blocks(draw: st.DrawFn, block: type[Block]) -> Block:
    fields = [field for field in document.table(block) if (block, field.name) not in _UNNAMED]
    must = [field for field in fields if field.required or field.list]
    may = [field for field in fields if field not in must]
    said = draw(st.lists(st.sampled_from(may), max_size=SAID, unique_by=lambda field: field.name)) if may else []
    return block(**{field.name: draw(_values(field)) for field in (*must, *said)}, extra=draw(UNKNOWN))


def _values(field: Field) -> st.SearchStrategy[Any]:
    return _of_type(field.hint, field.notes, least=1 if field.list else 0)


def _of_type(hint: Any, notes: tuple[Any, ...], least: int = 0) -> st.SearchStrategy[Any]:
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return st.sampled_from(arguments)
        case builtin if builtin is tuple:
            return st.lists(_of_type(arguments[0], notes), min_size=least, max_size=2).map(tuple)
        case abstract if abstract is Mapping:
            return st.dictionaries(st.text(max_size=5), _of_type(arguments[1], notes), max_size=2)
    return _of_class(hint, notes)


def _of_class(hint: Any, notes: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if hint is Any:
        return JSON
    if issubclass(hint, Block):
        return blocks(hint)
    ranges = [note for note in notes if isinstance(note, Range)] or [Range(0)]
    if any(isinstance(note, Text) for note in notes):
        return _NAMES
    plain = {
        bool: st.booleans(),
        str: st.text(max_size=8),
        timedelta: _DURATIONS,
        int: st.integers(ranges[0].low, ranges[0].high if ranges[0].high is not None else 2**31),
    }
    return plain[hint]
