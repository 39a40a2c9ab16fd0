"""Typed blocks to the documents of Nomad's API and back: one rule for every block, driven by its fields.

A field's name in the API is its own name in capitals (`kill_timeout` is `KillTimeout`), unless its type says otherwise:
`attribute: Annotated[str, Api("LTarget")]`. What is None is left out.

On the way back, what a block's fields cannot hold stays in its `extra` as it is: fields that the class does not have,
null (Go writes it for what is not said), an empty text where one of several words belongs. So nothing is lost.
"""

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar, cast

_CAPITALS: Final = {"cni", "csi", "cidr", "cpu", "dns", "grpc", "id", "ip", "numa", "sds", "sni", "tls", "ttl", "ui"}
"""Words that Go's style writes in capitals; Nomad's exceptions (`Uid` and `Gid` of a template) are not among them."""

_MICROSECOND: Final = timedelta(microseconds=1)

B = TypeVar("B", bound="Block")
T = TypeVar("T")

Decoder = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Api:
    """A field's name in Nomad's API, where it does not follow from the field's own."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of a job; `extra` holds fields of the API that the class does not have, by the API's names."""

    api_case: ClassVar[bool] = True
    """Whether the API writes the fields' names in capitals; a driver's configuration has them as they are."""

    extra: Mapping[str, Any] = field(default_factory=dict)

    def mistakes(self) -> typing.Iterable[tuple[str, str]]:
        """What is wrong between fields: the path to each from here (`.canary`), and what is wrong in words."""
        return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A modelled field.

    Attributes:
        name: its name in the class.
        api: its name in the API.
        hint: its type, without None and annotations.
        notes: what its type is annotated with.
        required: whether it must be said.
        list: whether it is a list that is empty, rather than None, when nothing is said.
    """

    name: str
    api: str
    hint: Any
    notes: tuple[Any, ...]
    required: bool
    list: bool


class CannotHoldError(Exception):
    """A value of a document that a field's type cannot hold."""


def per_class(make: Callable[[type[Any]], T]) -> Callable[[type[Any]], T]:
    """What is made of a class, made once; mypy does not grant that classes can be hashed."""
    return cast("Callable[[type[Any]], T]", functools.cache(make))


@per_class
def table(block: type[Any]) -> tuple[Field, ...]:
    """The modelled fields of a class, by which it is encoded, decoded and checked."""
    hints = typing.get_type_hints(block, include_extras=True)
    return tuple(_field(block, f.name, hints[f.name], f.default) for f in fields(block) if f.name != "extra")


def block_of(hint: Any) -> type[Block] | None:
    """The class of block in a field's type: itself, or what its lists or mappings hold."""
    if isinstance(hint, type) and issubclass(hint, Block):
        return hint
    arguments = typing.get_args(hint) if typing.get_origin(hint) is not typing.Literal else ()
    return next((block for each in arguments if (block := block_of(each))), None)


def encode(value: Any) -> Any:
    """A typed value as the API's JSON; durations become nanoseconds."""
    match value:
        case str() | int() | float() | None:
            return value
        case Block():
            return _block(value)
        case timedelta():
            return value // _MICROSECOND * 1_000
        case Mapping():
            return {str(key): encode(item) for key, item in value.items()}
        case tuple() | list():
            return [encode(item) for item in value]
        case _:
            return value


def decode(block: type[B], document: Mapping[str, Any]) -> B:
    """A block from the API's JSON: `encode` of it is the same document again."""
    left = dict(document)
    said: dict[str, Any] = {}
    for known, decoder in _decoders(block):
        said[known.name] = () if known.list else None
        if known.api in left:
            try:
                said[known.name] = decoder(left[known.api])
            except CannotHoldError:
                if not known.required:
                    continue
                said[known.name] = left[known.api]
            del left[known.api]
    return block(**said, extra=left)


def field_holding(block: type[Block], name: str, value: Any) -> str | None:
    """The field of a class that holds a value under the API's name; None where it belongs in `extra`."""
    for known, decoder in _decoders(block):
        if known.api == name:
            try:
                decoder(value)
            except CannotHoldError:
                return None
            return known.name
    return None


def _block(block: Block) -> dict[str, Any]:
    encoded: dict[str, Any] = encode(block.extra)
    for name, api, unsaid_if_empty in _names(type(block)):
        item = getattr(block, name)
        if item or (item is not None and not unsaid_if_empty):
            encoded[api] = encode(item)
    return encoded


@per_class
def _names(block: type[Any]) -> tuple[tuple[str, str, bool], ...]:
    return tuple((each.name, each.api, each.list) for each in table(block))


@per_class
def _decoders(block: type[Any]) -> tuple[tuple[Field, Decoder], ...]:
    return tuple((each, _not_empty(_decoder(each.hint)) if each.list else _decoder(each.hint)) for each in table(block))


def _field(block: type[Block], name: str, hint: Any, default: Any) -> Field:
    notes = getattr(hint, "__metadata__", ())
    said = [note.name for note in notes if isinstance(note, Api)]
    api = said[0] if said else _capitals(name) if block.api_case else name
    return Field(name=name, api=api, hint=_bare(hint), notes=notes, required=default is MISSING, list=default == ())


def _capitals(name: str) -> str:
    return "".join(word.upper() if word in _CAPITALS else word.capitalize() for word in name.split("_"))


def _bare(hint: Any) -> Any:
    """A type without its annotations and without None."""
    while hasattr(hint, "__metadata__"):
        hint = hint.__origin__
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (each for each in typing.get_args(hint) if each is not types.NoneType)
    return hint


def _decoder(hint: Any) -> Decoder:
    """What makes a value of a type from JSON, or raises CannotHoldError."""
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return lambda value: _one_of(arguments, value)
        case builtin if builtin is tuple:
            item = _decoder(arguments[0])
            return lambda value: tuple([item(each) for each in _exactly(list, value)])
        case abstract if abstract is Mapping:
            item = _decoder(arguments[1])
            return lambda value: {key: item(each) for key, each in _exactly(dict, value).items()}
    return _plain_decoder(hint)


def _plain_decoder(hint: Any) -> Decoder:
    if hint is Any:
        return lambda value: value
    if hint is timedelta:
        return _duration
    if issubclass(hint, Block):
        return lambda value: decode(hint, _exactly(dict, value))
    return functools.partial(_exactly, hint)


def _not_empty(decoder: Decoder) -> Decoder:
    """A list that is empty when nothing is said cannot also hold that an empty one was."""

    def decode_list(value: Any) -> Any:
        if value == []:
            raise CannotHoldError
        return decoder(value)

    return decode_list


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise CannotHoldError
    return value


def _duration(value: Any) -> timedelta:
    nanoseconds = _exactly(int, value)
    if nanoseconds % 1_000:
        raise CannotHoldError
    try:
        return timedelta(microseconds=nanoseconds // 1_000)
    except OverflowError:
        raise CannotHoldError from None


def _one_of(words: tuple[str, ...], value: Any) -> str:
    if not is_one_of(words, value):
        raise CannotHoldError
    return str(value)


def is_one_of(words: tuple[str, ...], value: Any) -> bool:
    """Whether a value is one of some words; Nomad reads some in any case (a check's type)."""
    return isinstance(value, str) and value.lower() in [word.lower() for word in words]
