"""What pyinfra's JSON report tells of a run."""

from typing import Any

from tests.cluster.convergence import Convergence


def operation(name: str, **hosts: list[str]) -> dict[str, Any]:
    none: dict[str, Any] = {"success": [], "error": [], "no_change": []}
    return none | hosts | {"name": name}


def test_changes_and_errors_are_told_by_operation_and_host() -> None:
    operations = [
        operation("Base | Users", success=["a", "b"]),
        operation("Base | Time", no_change=["a", "b"]),
        operation("Consul | Run", success=["a"], error=["b"]),
    ]
    done = Convergence(status=1, report={"results": {"operations": operations}}, log="")
    assert done.changes == {"Base | Users": ["a", "b"], "Consul | Run": ["a"]}
    assert done.errors == {"Consul | Run": ["b"]}
    assert done.changes_by_host == {"a": 2, "b": 1}


def test_an_aborted_run_and_a_dry_run_have_no_results() -> None:
    assert Convergence(status=1, report={}, log="").changes == {}
    assert Convergence(status=0, report={"plan": [], "results": None}, log="").changes == {}
