"""The copies of tasks' output, with a real Nomad."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from configs.agents import task_logs
from tests.integration import servers
from tests.integration.servers import Server

PROGRAM = Path(task_logs.__file__)


@pytest.fixture
def copies(nomad: Server, pki: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder that the program keeps."""
    (tmp_path / "token").write_text("no access control here")
    folder = tmp_path / "copies"
    folder.mkdir()
    data = nomad.folder / "data"
    options = {
        "nomad": nomad.url,
        "ca": pki / "ca.pem",
        "token-file": tmp_path / "token",
        "node-id-file": data / "client" / "client-id",
        "allocations": data / "alloc",
        "copies": folder,
        "interval": 0.05,
    }
    command: list[str | Path] = [
        sys.executable,
        "-I",
        PROGRAM,
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    with servers.running(command, tmp_path / "program"):
        yield folder


def run(nomad: Server, job: str, script: str) -> str:
    """Run a job of one task that says something; the ID of its allocation."""
    task = {"Name": "talk", "Driver": "raw_exec", "Config": {"command": "/bin/sh", "args": ["-c", script]}}
    group = {"Name": "front", "Tasks": [task], "RestartPolicy": {"Attempts": 0, "Mode": "fail"}}
    document = {"Job": {"ID": job, "Type": "batch", "Datacenters": ["*"], "TaskGroups": [group]}}
    requests.post(f"{nomad.url}/v1/jobs", json=document, timeout=10).raise_for_status()
    return servers.until(f"{job} is placed", lambda: placed(nomad, job))


def placed(nomad: Server, job: str) -> str:
    return next((a["ID"] for a in nomad.get("/v1/allocations") if a["JobID"] == job), "")


def says(path: Path, text: str) -> Callable[[], bool]:
    """Whether a copy says this, after its first line."""
    return lambda: path.exists() and path.read_text().partition("\n")[2] == text


def test_a_task_s_output_is_found_under_all_its_names(nomad: Server, copies: Path) -> None:
    allocation = run(nomad, "shop/talk", "echo hello; echo trouble >&2")
    folder = copies / "default" / "shop%2Ftalk" / "front" / "talk" / allocation
    servers.until("what it said", says(folder / "stdout.0.0", "hello\n"))
    servers.until("what it complained about", says(folder / "stderr.0.0", "trouble\n"))


def test_what_a_task_said_last_outlives_its_allocation_s_folder(nomad: Server, copies: Path) -> None:
    allocation = run(nomad, "brief", "echo last words")
    path = copies / "default" / "brief" / "front" / "talk" / allocation / "stdout.0.0"
    servers.until("what it said", says(path, "last words\n"))
    requests.delete(f"{nomad.url}/v1/job/brief?purge=true", timeout=10).raise_for_status()
    requests.put(f"{nomad.url}/v1/system/gc", timeout=10).raise_for_status()
    servers.until("Nomad removed the folder", lambda: not (nomad.folder / "data" / "alloc" / allocation).exists())
    assert says(path, "last words\n")()
