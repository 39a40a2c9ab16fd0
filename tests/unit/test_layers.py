"""Imports go one way: configs, inventory, jobs, deploy; vagrant makes hosts and knows where they are, no more."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "configs": {"configs"},
    "inventory": {"configs", "inventory"},
    "jobs": {"configs", "inventory", "jobs"},
    "deploy": {"configs", "inventory", "jobs", "deploy"},
    "vagrant": {"configs", "inventory", "vagrant"},
}
OURS = {*MAY_IMPORT, "tests"}


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    against = [f"{path}: {name}" for path, name in _imports(package) if name in OURS - MAY_IMPORT[package]]
    assert against == []


def test_configs_does_nothing_but_compute() -> None:
    """No network, no subprocess, no clock, no environment variable; the programs for hosts are not imported by it."""
    effects = {"os", "socket", "subprocess", "time", "requests", "pyinfra", "docker", "random", "secrets"}
    against = [f"{path}: {name}" for path, name in _imports("configs") if name in effects and "agents" not in path]
    assert against == []


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "common", "helpers", "misc", "tools"}
    assert [path for package in OURS for path in (ROOT / package).rglob("*.py") if path.stem in drawers] == []


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_every_module_says_what_it_is(package: str) -> None:
    assert [path.name for path in (ROOT / package).rglob("*.py") if not ast.get_docstring(_tree(path))] == []


def _imports(package: str) -> Iterator[tuple[str, str]]:
    """Each file of a package, and the top-level name of each thing it imports, wherever in it."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(_tree(path)):
            match node:
                case ast.Import(names=names):
                    found = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    found = [module]
                case _:
                    found = []
            yield from ((str(path.relative_to(ROOT)), name.partition(".")[0]) for name in found)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
