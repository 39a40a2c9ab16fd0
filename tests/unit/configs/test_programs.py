"""Our programs in Python are named by what they are made from."""

import pytest

from configs import artifacts, programs
from configs.programs import Sources, Wheels


def test_a_program_has_its_sources_and_no_secret_nor_what_python_makes_of_them() -> None:
    files = Sources(patterns=("configs/*.py", "inventory/**/*.py")).files()
    assert "configs/programs.py" in files
    assert "inventory/https.py" in files
    assert not [name for name in files if "__pycache__" in name or name.endswith(".age")]


def test_a_changed_source_is_another_version() -> None:
    assert Sources(patterns=("configs/*.py",)).version() != Sources(patterns=("configs/e*.py",)).version()
    assert Sources(patterns=("configs/*.py",)).version() == Sources(patterns=("configs/*.py",)).version()


def test_libraries_are_pinned_by_the_lock_with_their_sums() -> None:
    pins = Wheels(packages=("requests", "idna"), python="3.11").pins()
    assert [line.partition("==")[0] for line in pins.splitlines() if "==" in line] == ["idna", "requests"]
    assert pins.count("--hash=sha256:") >= 4


def test_every_library_of_the_controller_is_in_the_lock() -> None:
    pins = Wheels(packages=artifacts.LIBRARIES, python="3.11").pins()
    assert len([line for line in pins.splitlines() if "==" in line]) == len(artifacts.LIBRARIES)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_libraries_for_another_python_are_another_version(python: str) -> None:
    version = Wheels(packages=("numpy",), python=python).version()
    assert version.startswith(f"{python}-")
    assert version != Wheels(packages=("scipy",), python=python).version()


def test_the_root_is_the_repositorys() -> None:
    assert (programs.ROOT / "requirements.lock").samefile(programs.LOCK)
