"""What a job document says, less what Go writes for what is not said.

Nomad's API answers with every field: null, or Go's zero, where nothing was said. To its decoder absence is the same:
for null always, for zero (false, 0, an empty text) unless the field is a pointer. `fields.json` knows which are: it is
made from package api of Nomad 1.11.3 by tests/integration/job_fields/main.go.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FIELDS: Final[Mapping[str, Mapping[str, str]]] = json.loads((Path(__file__).parent / "fields.json").read_text())
"""Every structure of Nomad's job: the kind of each field; "?" marks a pointer."""

_SCALARS: Final = {"bool", "integer", "string", "duration"}

_SAID: Final[Mapping[str, Mapping[str, Any]]] = {
    "Affinity": {"Operand": "="},
    "Constraint": {"Operand": "="},
    "Service": {"Provider": "consul"},
    "Vault": {"Env": True, "DisableFile": False, "ChangeMode": "restart"},
}
"""Nomad's own defaults where a class of ours has a default too, so that they are told apart."""


def only(document: Mapping[str, Any], structure: str = "Job") -> dict[str, Any]:
    """The same document of a structure for Nomad, without what says nothing."""
    kinds = FIELDS.get(structure, {})
    kept = {name: _value(value, kinds.get(name, "any")) for name, value in document.items() if value is not None}
    spoken = {name: value for name, value in kept.items() if value or kinds.get(name) not in _SCALARS}
    return {**_SAID.get(structure, {}), **spoken}


def _value(value: Any, kind: str) -> Any:
    inner = kind.rpartition(" ")[2]
    if inner not in FIELDS:
        return value
    match value:
        case list():
            return [_value(each, inner) for each in value]
        case Mapping() if kind.startswith("map of "):
            return {name: _value(each, inner) for name, each in value.items()}
        case Mapping():
            return only(value, inner)
    return value
