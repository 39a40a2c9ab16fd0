"""Jobs in HCL, as Nomad parses and keeps them: nothing is lost, and the imported Python is the same job to Nomad."""

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nomad as nomad_api
import pytest
import requests

from inventory import environments
from jobs import files
from jobs.nomad import document, imported, said, spec
from jobs.nomad.client import Client
from jobs.nomad.document import Block
from tests.integration.servers import Server

_FILES = sorted((Path(__file__).parent / "jobspecs").glob("*.nomad.hcl"))
_KEPT = [path for path in _FILES if path.name != "elsewhere.nomad.hcl"]
_PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

_NOWHERE = spec.Constraint(attribute="${attr.kernel.name}", value="none")
"""The jobs are only kept: nothing of them runs."""


@pytest.fixture(scope="module")
def client(nomad: Server, consul: Server) -> Client:
    """Consul lets an ingress gateway speak HTTP with a service that is said to."""
    entry = {"Kind": "service-defaults", "Name": "api", "Protocol": "http"}
    requests.put(f"{consul.url}/v1/config", json=entry, timeout=5).raise_for_status()
    return Client(nomad_api.Nomad(address=nomad.url))


@pytest.fixture(params=_FILES, ids=lambda path: path.name.partition(".")[0])
def parsed(request: pytest.FixtureRequest, client: Client) -> dict[str, Any]:
    return client.parse(request.param.read_text())


@pytest.fixture(params=_KEPT, ids=lambda path: path.name.partition(".")[0])
def kept(request: pytest.FixtureRequest, client: Client) -> Iterator[dict[str, Any]]:
    """The job as Nomad has it after its registration."""
    read = spec.Job.from_api(client.parse(request.param.read_text()))
    job = dataclasses.replace(read, constraints=(*(read.constraints or ()), _NOWHERE))
    client.register(job, client.plan(job).index)
    yield client.job(job.id)
    client.stop(job.id)


def _loaded(text: str, folder: Path) -> spec.Job:
    path = folder / "imported.py"
    path.write_text(text)
    return files.load(str(path)).job(environments.load("test"))


def test_a_parsed_job_comes_back_with_nothing_lost(parsed: dict[str, Any]) -> None:
    read = spec.Job.from_api(parsed)
    assert read.to_api() == parsed
    assert spec.Job.from_api(read.to_api()) == read


def test_a_job_that_nomad_has_comes_back_with_nothing_lost(kept: dict[str, Any]) -> None:
    read = spec.Job.from_api(kept)
    assert read.to_api() == kept
    assert spec.Job.from_api(read.to_api()) == read


def test_a_job_that_nomad_has_changes_nothing_when_it_is_registered_again(kept: dict[str, Any], client: Client) -> None:
    assert not client.plan(spec.Job.from_api(kept).without_server_fields()).changes


def test_the_imported_file_is_the_same_job_to_nomad(kept: dict[str, Any], client: Client, tmp_path: Path) -> None:
    job = _loaded(imported.python_file(kept), tmp_path)
    assert not client.plan(job).changes


def test_the_imported_file_of_a_parsed_job_renders_to_what_it_says(parsed: dict[str, Any], tmp_path: Path) -> None:
    assert _loaded(imported.python_file(parsed), tmp_path).to_api() == said.only(parsed)


def test_the_imported_file_is_laid_out_as_the_formatter_would(parsed: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "imported.py"
    path.write_text(imported.python_file(parsed))
    subprocess.run(["ruff", "format", "--check", "--config", _PYPROJECT, path], check=True)


def test_every_block_of_nomads_job_is_in_one_of_the_files(client: Client) -> None:
    found = {block for path in _FILES for block in _classes(spec.Job.from_api(client.parse(path.read_text())))}
    offered = {block for name in spec.__all__ if _is_block(block := getattr(spec, name))}
    assert [block.__name__ for block in offered - found] == []


def _classes(value: Any) -> Iterator[type[Block]]:
    """The classes of all blocks in a tree."""
    if isinstance(value, Block):
        yield type(value)
        for field in document.table(type(value)):
            yield from _classes(getattr(value, field.name))
    elif isinstance(value, tuple):
        yield from (each for item in value for each in _classes(item))
    elif isinstance(value, dict):
        yield from (each for item in value.values() for each in _classes(item))


def _is_block(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Block)
