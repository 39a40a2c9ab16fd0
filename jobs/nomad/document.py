"""From typed blocks to the documents of Nomad's API: one rule for every block, driven by its fields.

A field's name in the API is its own name in capitals (`kill_timeout` is `KillTimeout`), unless its type says otherwise:
`attribute: Annotated[str, Api("LTarget")]`. What is None is left out.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

_CAPITALS: Final = {"cni", "csi", "cidr", "cpu", "dns", "grpc", "id", "ip", "numa", "tls", "ttl", "ui", "url"}
"""Words that Go's style writes in capitals; Nomad's exceptions (`Uid` and `Gid` of a template) are not among them."""


@dataclass(frozen=True, slots=True)
class Api:
    """A field's name in Nomad's API, where it does not follow from the field's own."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of a job; `extra` holds fields of the API that the class does not have, by the API's names."""

    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def encode(value: Any) -> Any:
    """A typed value as the API's JSON; durations become nanoseconds."""
    match value:
        case Block():
            return _block(value)
        case timedelta():
            return value // timedelta(microseconds=1) * 1_000
        case Mapping():
            return {str(key): encode(item) for key, item in value.items()}
        case tuple() | list():
            return [encode(item) for item in value]
        case _:
            return value


def names(block: type[Block]) -> Mapping[str, str]:
    """The API's name of each modelled field of a class."""
    hints = typing.get_type_hints(block, include_extras=True)
    return {f.name: _name(f.name, hints[f.name]) for f in fields(block) if f.name != "extra"}


def _block(block: Block) -> dict[str, Any]:
    known = {api: encode(getattr(block, name)) for name, api in names(type(block)).items()}
    return {**encode(block.extra), **{api: item for api, item in known.items() if item is not None}}


def _name(name: str, hint: Any) -> str:
    for note in getattr(hint, "__metadata__", ()):
        if isinstance(note, Api):
            return note.name
    return "".join(word.upper() if word in _CAPITALS else word.capitalize() for word in name.split("_"))
