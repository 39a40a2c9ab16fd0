"""The list of services for Prometheus, with a real Consul."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from configs.agents import service_targets
from tests.integration import servers
from tests.integration.servers import Server

PROGRAM = Path(service_targets.__file__)


@pytest.fixture
def listed(consul: Server, pki: Path, tmp_path: Path) -> Iterator[Path]:
    """The file that the program keeps."""
    (tmp_path / "token").write_text("no access control here")
    path = tmp_path / "services.json"
    options = {"consul": consul.url, "ca": pki / "ca.pem", "token-file": tmp_path / "token", "file": path}
    command: list[str | Path] = [
        sys.executable,
        "-I",
        PROGRAM,
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    with servers.running(command, tmp_path / "program"):
        yield path


def register(consul: Server, **service: Any) -> None:
    requests.put(f"{consul.url}/v1/agent/service/register", json=service, timeout=5).raise_for_status()


def lists(path: Path, *targets: str) -> None:
    """Wait until the file lists exactly these targets."""

    def there() -> bool:
        assert [t for entry in json.loads(path.read_text()) for t in entry["targets"]] == list(targets)
        return True

    servers.until(f"{path.name}: {targets}", there)


def test_instances_come_and_go_as_they_do_in_the_catalog(consul: Server, listed: Path) -> None:
    lists(listed)
    register(consul, ID="web-1", Name="web", Address="127.0.0.1", Port=20001, Tags=["metrics"])
    lists(listed, "127.0.0.1:20001")
    register(consul, ID="web-2", Name="web", Address="127.0.0.1", Port=20002, Tags=["metrics", "canary"])
    register(consul, ID="db", Name="db", Address="127.0.0.1", Port=20003, Tags=["quiet"])
    lists(listed, "127.0.0.1:20001", "127.0.0.1:20002")
    assert [entry["labels"]["half"] for entry in json.loads(listed.read_text())] == ["stable", "canary"]
    for name in ("web-1", "web-2"):
        requests.put(f"{consul.url}/v1/agent/service/deregister/{name}", timeout=5).raise_for_status()
    lists(listed)


def test_a_moved_instance_is_listed_where_it_is_now(consul: Server, listed: Path) -> None:
    register(consul, ID="api", Name="api", Address="127.0.0.1", Port=20004, Tags=["metrics"])
    lists(listed, "127.0.0.1:20004")
    register(consul, ID="api", Name="api", Address="127.0.0.1", Port=20005, Tags=["metrics"])
    lists(listed, "127.0.0.1:20005")
    requests.put(f"{consul.url}/v1/agent/service/deregister/api", timeout=5).raise_for_status()
