"""One document laid over another."""

import pytest

from configs.merge import merge


@pytest.mark.parametrize(
    ("document", "extra", "merged"),
    [
        ({}, {}, {}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": {"p": 1, "q": 2}}}, {"a": {"x": {"q": 3}}}, {"a": {"x": {"p": 1, "q": 3}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": "text"}, {"a": "text"}),
        ({"a": "text"}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": 1}, {"a": None}, {"a": None}),
    ],
)
def test_mappings_are_merged_at_every_depth_and_anything_else_is_replaced(
    document: dict[str, object], extra: dict[str, object], merged: dict[str, object]
) -> None:
    assert merge(document, extra) == merged


def test_neither_document_is_changed() -> None:
    below, over = {"a": {"x": 1}}, {"a": {"y": 2}}
    merge(below, over)
    assert (below, over) == ({"a": {"x": 1}}, {"a": {"y": 2}})
