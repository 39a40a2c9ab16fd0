"""Which nodes are gone for good."""

from typing import Any

import pytest

from deploy.operations.departed import gone

NAMES = {"client-1", "client-2"}


def node(name: str, status: str, created: int) -> dict[str, Any]:
    return {"ID": f"{name}@{created}", "Name": name, "Status": status, "CreateIndex": created}


def forgotten(*nodes: dict[str, Any]) -> list[str]:
    return [found["ID"] for found in gone(nodes, NAMES)]


@pytest.mark.parametrize("status", ["ready", "down", "disconnected", "initializing"])
def test_a_rebuilt_hosts_old_node_is_forgotten_whatever_is_known_of_it(status: str) -> None:
    assert forgotten(node("client-1", status, 10), node("client-1", "ready", 20)) == ["client-1@10"]


def test_no_node_of_another_name_is_touched() -> None:
    old, rebuilt = node("client-2", "ready", 5), node("client-1", "ready", 20)
    assert forgotten(old, node("client-2", "down", 4), rebuilt) == ["client-2@4"]


def test_a_node_is_kept_until_the_next_of_its_host_is_ready() -> None:
    assert forgotten(node("client-1", "down", 10), node("client-1", "initializing", 20)) == []


def test_a_host_that_left_the_inventory_is_forgotten_once_it_is_down() -> None:
    assert forgotten(node("client-9", "ready", 1)) == []
    assert forgotten(node("client-9", "down", 1)) == ["client-9@1"]
