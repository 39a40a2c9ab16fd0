"""Why a job does not run: what Nomad knows of it, in sentences."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

EVENTS = 4
"""How many of a failing task's last events are told."""

_FAILING = ("failed", "lost")


def of_allocations(allocations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each allocation that failed or does not come up, with its tasks' last events."""
    for allocation in allocations:
        if _troubled(allocation):
            where = f"allocation {allocation['ID'][:8]} on {allocation['NodeName']}"
            yield f"{where} is {allocation['ClientStatus']}{_because(allocation)}"


def current(allocations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The allocations that should run, less those that another has taken the place of.

    Nomad links them, but for system jobs: there the newest on a node counts.
    """
    wanted = sorted((a for a in allocations if a["DesiredStatus"] == "run"), key=lambda a: int(a["CreateIndex"]))
    newest = {(a["Name"], a["NodeID"]): a["ID"] for a in wanted}
    return [a for a in wanted if not a.get("NextAllocation") and newest[a["Name"], a["NodeID"]] == a["ID"]]


def unhealthy(allocations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each allocation that runs, but was not found healthy by its deployment."""
    for allocation in allocations:
        if allocation["ClientStatus"] == "running" and not _troubled(allocation) and not _healthy(allocation):
            where = f"allocation {allocation['ID'][:8]} on {allocation['NodeName']}"
            yield f"{where} runs and is not healthy - see its checks in Consul and its logs{_because(allocation)}"


def unplaced(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each group that could not be placed, and what kept it from the nodes."""
    for name, metrics in groups.items():
        reasons = [
            *_counted("a constraint", metrics.get("ConstraintFiltered")),
            *_counted("a class", metrics.get("ClassFiltered")),
            *_counted("exhausted", metrics.get("DimensionExhausted")),
        ]
        looked = metrics.get("NodesEvaluated", 0)
        yield f"group {name} cannot be placed, {looked} nodes looked at: {'; '.join(reasons) or 'none is eligible'}"


def _troubled(allocation: Mapping[str, Any]) -> bool:
    return allocation["ClientStatus"] in _FAILING or _healthy(allocation) is False or _restarted(allocation)


def _healthy(allocation: Mapping[str, Any]) -> bool | None:
    """What the deployment decided; None before it did."""
    decided: bool | None = (allocation.get("DeploymentStatus") or {}).get("Healthy")
    return decided


def _restarted(allocation: Mapping[str, Any]) -> bool:
    return allocation["ClientStatus"] == "pending" and any(
        state.get("Restarts") for state in (allocation.get("TaskStates") or {}).values()
    )


def _because(allocation: Mapping[str, Any]) -> str:
    described = [f" ({allocation['ClientDescription']})"] if allocation.get("ClientDescription") else []
    for task, state in (allocation.get("TaskStates") or {}).items():
        events = [event for event in state.get("Events") or () if event.get("DisplayMessage")]
        told = "; ".join(f"{event['Type']}: {event['DisplayMessage']}" for event in events[-EVENTS:])
        if told:
            described.append(f"\n    task {task}: {told}")
    return "".join(described)


def _counted(what: str, reasons: Mapping[str, int] | None) -> Iterator[str]:
    for reason, count in (reasons or {}).items():
        yield f"{what} ({reason}) on {count}"
