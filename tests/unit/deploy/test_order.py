"""Operations keep the places that pyinfra itself would give them."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyinfra
import pytest
from pyinfra import version
from pyinfra.api import util

from deploy import order


def both(state: Any) -> tuple[list[int], list[int]]:
    """Our answer and pyinfra's, asked from the same line."""
    return order.of_stack(state), util.get_operation_order_from_stack(state)


def called(state: Any, depth: int) -> tuple[list[int], list[int]]:
    """Both answers from below several callers."""
    return called(state, depth - 1) if depth else both(state)


@pytest.mark.parametrize("in_cli", [True, False])
@pytest.mark.parametrize("deploy_file", [__file__, None, "/nowhere/deploy.py"])
def test_the_order_is_the_one_that_pyinfra_computes(
    monkeypatch: pytest.MonkeyPatch, deploy_file: str | None, in_cli: bool
) -> None:
    monkeypatch.setattr(pyinfra, "is_cli", in_cli)
    state = SimpleNamespace(current_deploy_filename=deploy_file, current_op_file_number=7)
    ours, theirs = called(state, 3)
    assert ours == theirs
    assert (len(ours) > 4) is (deploy_file != "/nowhere/deploy.py")


def test_a_deploy_file_that_has_no_module_counts_from_its_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "deploy.py"
    state = SimpleNamespace(current_deploy_filename=str(path), current_op_file_number=0)
    path.write_text("\n\nanswers = called(state, 1)")
    ours, theirs = runpy.run_path(str(path), {"called": called, "state": state})["answers"]
    assert ours == theirs
    assert 3 in ours


def test_another_version_of_pyinfra_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["pyinfra.api.operation"]
    monkeypatch.setattr(module, "get_operation_order_from_stack", util.get_operation_order_from_stack)
    monkeypatch.setattr(version, "__version__", "3.10.1")
    order.install()
    assert module.get_operation_order_from_stack is util.get_operation_order_from_stack
    monkeypatch.setattr(version, "__version__", order.KNOWN)
    order.install()
    assert module.get_operation_order_from_stack is order.of_stack
