"""One document laid over another."""

from collections.abc import Mapping
from typing import Any


def merge(document: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The document with `extra` laid over it: mappings are merged at every depth, anything else is replaced."""
    merged = dict(document)
    for key, value in extra.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
