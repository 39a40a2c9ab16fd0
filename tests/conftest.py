"""What all tests share: golden outputs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Golden = Callable[[str, Any], None]

FOLDER = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites the golden outputs; review reads the difference."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from the present outputs")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a document with tests/golden/<name>.json."""

    def compare(name: str, document: Any) -> None:
        path = FOLDER / f"{name}.json"
        text = json.dumps(document, indent=2, sort_keys=True) + "\n"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.is_file(), f"{path}: missing - run pytest with --update-golden and review it"
        assert path.read_text() == text, f"{path}: differs - run pytest with --update-golden and review the difference"

    return compare
