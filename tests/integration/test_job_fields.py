"""The list of Nomad's fields is what its own source has: made again by reflection, and compared."""

import json
import subprocess
from pathlib import Path

from configs.artifacts import NOMAD
from deploy.sources import go
from jobs.nomad import said

_PROGRAM = Path(__file__).parent / "job_fields"
_BUILD = Path(__file__).parents[2] / "configs/builds/nomad/go.mod"


def test_the_fields_are_those_of_nomads_source() -> None:
    toolchain = go.find(lambda _: None)
    made = subprocess.run(
        [toolchain.binary, "run", "-mod=readonly", "."],
        cwd=_PROGRAM,
        env=toolchain.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(made.stdout) == said.FIELDS


def test_the_source_is_that_of_the_nomad_that_is_installed() -> None:
    [pinned] = [line.split()[-1] for line in (_PROGRAM / "go.mod").read_text().splitlines() if "nomad/api v" in line]
    built = _BUILD.read_text()
    assert f"github.com/hashicorp/nomad v{NOMAD.version}\n" in built
    assert f"=> github.com/hashicorp/nomad/api {pinned}\n" in built
