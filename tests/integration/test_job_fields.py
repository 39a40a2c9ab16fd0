"""The list of Nomad's fields is what its own source has: made again by reflection, and compared."""

import json
import re
import subprocess
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.artifacts import NOMAD
from deploy.sources import go
from jobs.nomad import document, drivers, said
from jobs.nomad.document import Block

_PROGRAM = Path(__file__).parent / "job_fields"
_BUILD = Path(__file__).parents[2] / "configs/builds/nomad/go.mod"
_SOURCES = {
    "docker": "docker/config.go",
    "exec": "exec/driver.go",
    "java": "java/driver.go",
    "qemu": "qemu/driver.go",
    "raw_exec": "rawexec/driver.go",
}


@pytest.fixture(scope="module")
def toolchain() -> go.Go:
    return go.find(lambda _: None)


@pytest.fixture(scope="module")
def source(toolchain: go.Go) -> Path:
    """The folder of Nomad's own source, of the version that is built."""
    answer = _go(toolchain, _BUILD.parent, "mod", "download", "-json", "github.com/hashicorp/nomad")
    return Path(json.loads(answer)["Dir"])


def test_the_fields_are_those_of_nomads_source(toolchain: go.Go) -> None:
    made = json.loads(_go(toolchain, _PROGRAM, "run", "-mod=readonly", "."))
    assert made == said.FIELDS, "run `go run . > ../../../jobs/nomad/fields.json` there, and model what is new"


def test_the_source_is_that_of_the_nomad_that_is_installed() -> None:
    [pinned] = [line.split()[-1] for line in (_PROGRAM / "go.mod").read_text().splitlines() if "nomad/api v" in line]
    built = _BUILD.read_text()
    assert f"github.com/hashicorp/nomad v{NOMAD.version}\n" in built
    assert f"=> github.com/hashicorp/nomad/api {pinned}\n" in built


@pytest.mark.parametrize("name", sorted(drivers.BY_NAME))
def test_a_drivers_config_has_the_fields_of_its_source(name: str, source: Path) -> None:
    text = (source / "drivers" / _SOURCES[name]).read_text()
    [body] = re.findall(r"\ttaskConfigSpec = hclspec\.NewObject\(.*?\n(.*?)\n\t}\)\n", text, re.DOTALL)
    theirs = dict(re.findall(r'^\t\t"(\w+)": +(.*?)$', body, re.MULTILINE))
    ours = {field.api: field.hint for field in document.table(drivers.BY_NAME[name])}
    assert set(ours) == set(theirs)
    for field, hint in ours.items():
        kind = re.search(r'NewAttr\("\w+", "(.*?)"', theirs[field])
        assert not kind or _kind(hint) == kind[1], field


def test_dockers_mounts_have_the_fields_of_their_source(source: Path) -> None:
    text = (source / "drivers/docker/config.go").read_text()
    [body] = re.findall(r"\tmountBodySpec = hclspec\.NewObject\(.*?\n(.*?)\n\t}\)\n", text, re.DOTALL)
    assert set(re.findall(r'^\t+"(\w+)":', body, re.MULTILINE)) == set(_names(drivers.DockerMount))


def _go(toolchain: go.Go, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(toolchain.binary), *arguments],
        cwd=folder,
        env=toolchain.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _names(block: type[Block]) -> Iterator[str]:
    """The names of all fields of a block and below it."""
    for field in document.table(block):
        yield field.api
        if inner := document.block_of(field.hint):
            yield from _names(inner)


def _kind(hint: Any) -> str:
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case builtin if builtin is tuple:
            return f"list({_kind(arguments[0])})"
        case abstract if abstract is Mapping:
            return f"map({_kind(arguments[1])})"
    return {bool: "bool", int: "number"}.get(hint, "string")
