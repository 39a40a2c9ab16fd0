"""A planted secret against everything pyinfra prints: names, --diff, -vvv, failures, tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from inventory import redaction

ROOT = Path(__file__).parents[2]
PLANTED = "planted-correct-horse"
PREFACE = f"""
from io import StringIO
from pyinfra.operations import files, server
from inventory import redaction
redaction.remember("{PLANTED}")
"""
CASES = {
    "an operation that shows its arguments": f'server.shell(commands=["echo {PLANTED}"], _sudo=False)',
    "a failing command": f'server.shell(name="fails", commands=["echo {PLANTED} >&2; exit 1"], _sudo=False)',
    "an exception": f'raise ValueError("{PLANTED}")',
    "a file in a diff": f'files.put(name="put", src=StringIO("{PLANTED}"), dest="{{folder}}/file", _sudo=False)',
}


@pytest.mark.parametrize("case", CASES)
def test_pyinfra_prints_no_planted_secret(case: str, tmp_path: Path) -> None:
    (tmp_path / "deploy.py").write_text(PREFACE + CASES[case].replace("{folder}", str(tmp_path)))
    command = [str(Path(sys.executable).with_name("pyinfra")), "-y", "-vvv", "--diff", "@local"]
    done = subprocess.run(
        [*command, str(tmp_path / "deploy.py")], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    printed = done.stdout + done.stderr
    assert PLANTED not in printed
    assert redaction.MASK in printed
