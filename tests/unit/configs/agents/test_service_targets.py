"""The list of services for Prometheus."""

from pathlib import Path
from typing import Any

import pytest

from configs.agents import service_targets

ALLOCATION = "11111111-2222-3333-4444-555555555555"


def entry(**changes: Any) -> dict[str, Any]:
    """An instance as Consul's catalog tells it."""
    return {
        "Node": "client-1",
        "Address": "10.0.0.21",
        "ServiceAddress": "10.0.0.99",
        "ServicePort": 20001,
        "ServiceID": f"_nomad-task-{ALLOCATION}-group-web-web-http",
        "ServiceName": "web",
        "ServiceTags": ["metrics"],
        "ServiceMeta": {"external-source": "nomad"},
    } | changes


def test_an_instance_has_the_labels_that_rollouts_select_by() -> None:
    assert service_targets.targets([entry()]) == [
        {
            "targets": ["10.0.0.99:20001"],
            "labels": {"service": "web", "job": "web", "host": "client-1", "half": "stable", "alloc": ALLOCATION},
        }
    ]


def test_an_instance_with_the_tag_canary_is_the_other_half() -> None:
    assert service_targets.labels(entry(ServiceTags=["metrics", "canary"]))["half"] == "canary"


def test_a_service_says_more_by_its_meta() -> None:
    labels = service_targets.labels(
        entry(ServiceMeta={"job": "shop", "metrics_path": "/stats", "metrics_scheme": "https"})
    )
    assert (labels["job"], labels["__metrics_path__"], labels["__scheme__"]) == ("shop", "/stats", "https")


def test_an_instance_without_the_tag_is_not_listed() -> None:
    assert service_targets.targets([entry(ServiceTags=["http"])]) == []


def test_a_service_that_nomad_did_not_register_has_no_allocation() -> None:
    assert "alloc" not in service_targets.labels(entry(ServiceID="mysql", ServiceMeta=None))


def test_an_instance_without_an_address_of_its_own_is_at_its_node_s() -> None:
    assert service_targets.address(entry(ServiceAddress="")) == "10.0.0.21:20001"


def test_the_same_list_is_not_written_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "services.json"
    service_targets.write(path, [])
    before = path.stat().st_mtime_ns
    service_targets.write(path, [])
    assert path.stat().st_mtime_ns == before
    assert "1 targets" not in caplog.text
