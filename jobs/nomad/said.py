"""What a job document says, less what Go writes for what is not said.

Nomad's API answers with every field: null, or Go's zero, where nothing was said. To its decoder absence is the same:
for null always, for zero (false, 0, an empty text) unless the field is a pointer. `fields.json` knows which are: it is
made from package api of Nomad 1.11.3 by tests/integration/job_fields/main.go. Nor does the decoder ask for the case of
a name, in which Nomad's answers differ from its API (`Url`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jobs.nomad import spec
from jobs.nomad.document import Block, Field, block_of, table

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


def only(document: Mapping[str, Any], block: type[Block] = spec.Job, structure: str = "Job") -> dict[str, Any]:
    """The same document of a block for Nomad, without what says nothing; what the block requires is kept."""
    kinds = FIELDS.get(structure, {})
    fields = {field.api: field for field in table(block)}
    required = {name for name, field in fields.items() if field.required}
    cased = {name.lower(): name for name in kinds}
    kept = {
        name: _value(value, fields.get(name), kinds.get(name, "any"))
        for name, value in ((cased.get(key.lower(), key), value) for key, value in document.items())
        if value is not None and (value or kinds.get(name) not in _SCALARS or name in required)
    }
    return {**_SAID.get(structure, {}), **kept}


def _value(value: Any, field: Field | None, kind: str) -> Any:
    inner = block_of(field.hint) if field else None
    if inner is None:
        return value
    structure = kind.rpartition(" ")[2]
    match value:
        case list():
            return [_value(each, field, structure) for each in value]
        case Mapping() if kind.startswith("map of "):
            return {name: _value(each, field, structure) for name, each in value.items()}
        case Mapping():
            return only(value, inner, structure)
    return value
