"""Each alert fires when it must and keeps quiet when it must, by promtool."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs import prometheus
from tests.integration.conftest import Binary

FOLDER = Path(__file__).parent / "rules"
RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"
ALWAYS = {"Watchdog"}


def alerts(document: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(document)["groups"] for rule in group["rules"]]


def expectations(path: Path) -> set[tuple[str, bool]]:
    """Which alerts a file of tests expects to fire, and which to keep quiet."""
    cases = [case for test in yaml.safe_load(path.read_text())["tests"] for case in test["promql_expr_test"]]
    names = [re.search(r'alertname="(\w+)"', case["expr"]) for case in cases]
    return {(name[1], bool(case["exp_samples"])) for name, case in zip(names, cases, strict=True) if name}


@pytest.mark.parametrize("name", sorted(prometheus.rules()))
def test_every_alert_fires_and_keeps_quiet_when_it_must(name: str, tool: Binary) -> None:
    done = subprocess.run(
        [tool("promtool"), "test", "rules", FOLDER / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "document"), sorted(prometheus.rules().items()))
def test_every_alert_is_tested_both_ways(name: str, document: str) -> None:
    wanted = {(rule["alert"], fires) for rule in alerts(document) for fires in (True, False)}
    assert wanted - {(alert, False) for alert in ALWAYS} == expectations(FOLDER / name)


@pytest.mark.parametrize(("name", "document"), sorted(prometheus.rules().items()))
def test_every_alert_has_a_severity_and_a_section_of_the_runbook(name: str, document: str) -> None:
    headings = {line.lstrip("# ").lower() for line in RUNBOOK.read_text().splitlines() if line.startswith("#")}
    for rule in alerts(document):
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}, f"{name}: {rule['alert']}"
        assert rule["annotations"]["summary"], f"{name}: {rule['alert']}"
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in headings, f"docs/operations.md: no section {rule['alert']}"
