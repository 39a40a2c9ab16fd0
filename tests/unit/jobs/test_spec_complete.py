"""The spec is Nomad's whole job: every field of the API, of the same kind, nothing missing and nothing invented.

jobs/nomad/fields.json is what Go's reflection finds in Nomad's package api; tests/integration/test_job_fields.py makes
it again and compares.
"""

import typing
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from jobs.nomad import document, said, spec
from jobs.nomad.document import Block
from jobs.nomad.spec import scaling

_KINDS = {bool: "bool", int: "integer", str: "string", timedelta: "duration", Any: "any"}
_SERVER_FIELDS = {"Job": spec.SERVER_FIELDS, "ScalingPolicy": scaling.SERVER_FIELDS}


def test_every_field_of_nomads_job_is_modelled_as_it_is() -> None:
    assert sorted(_differences(spec.Job, "Job")) == []


def test_every_structure_of_nomads_job_has_a_class() -> None:
    modelled = {structure for _, structure in _pairs(spec.Job, "Job", {})}
    assert modelled | {"JobVersionTag"} == set(said.FIELDS)


def test_every_class_is_offered_by_the_package() -> None:
    classes = {block.__name__ for block, _ in _pairs(spec.Job, "Job", {})}
    assert classes - set(spec.__all__) == set()


def _differences(root: type[Block], name: str) -> Iterator[str]:
    for block, structure in _pairs(root, name, {}):
        fields = dict(said.FIELDS[structure])
        for field in document.table(block):
            found, modelled = fields.pop(field.api, "nothing"), _kind(field.hint)
            if modelled.replace("block", found.rpartition(" ")[2]) != found.removesuffix("?"):
                yield f"{structure}.{field.api}: {found}, and {block.__name__}.{field.name} is {modelled}"
        for left in set(fields) - _SERVER_FIELDS.get(structure, set()):
            yield f"{structure}.{left}: not modelled by {block.__name__}"


def _pairs(block: type[Block], structure: str, seen: dict[type[Block], str]) -> Iterator[tuple[type[Block], str]]:
    """Each class and the structure that it models; a class models one structure."""
    if block in seen:
        assert seen[block] == structure
        return
    seen[block] = structure
    yield block, structure
    fields = said.FIELDS[structure]
    for field in document.table(block):
        inner = document.block_of(field.hint)
        if inner is not None and field.api in fields:
            yield from _pairs(inner, fields[field.api].rpartition(" ")[2], seen)


def _kind(hint: Any) -> str:
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return "string"
        case builtin if builtin is tuple:
            return f"list of {_kind(arguments[0])}"
        case abstract if abstract is Mapping:
            return f"map of {_kind(arguments[1])}"
    return _KINDS.get(hint) or "block"
