"""What Nomad's servers say of themselves."""

from collections.abc import Iterable
from typing import Any

import nomad as nomad_api
import requests
from pyinfra.api.facts import FactBase

from configs import nomad
from configs.environment import Environment
from deploy import wait
from inventory.access import Access


def quorum(env: Environment) -> wait.Health:
    """Whether Nomad's servers can spare one of them.

    Raises:
        AccessError: when no server answers.
    """
    access = Access.for_environment(env)
    if not leader(access):
        return wait.Health(leader=False, healthy=False, detail="no leader")
    answer = access.session().get(
        f"{access.url('nomad')}/v1/operator/autopilot/health",
        headers={"X-Nomad-Token": access.secrets.get("nomad/bootstrap")},
    )
    report: dict[str, Any] = answer.json() if answer.content else {}
    voters = [s for s in report.get("Servers") or () if s["Healthy"] and s["Voter"]]
    whole = bool(report.get("Healthy")) and len(voters) == len(env.servers)
    return wait.Health(leader=True, healthy=whole, detail=f"{len(voters)} of {len(env.servers)} servers healthy")


def leader(access: Access) -> str:
    """The leader's address, or nothing while there is none."""
    try:
        found: str = access.nomad().status.leader.get_leader()
    except (nomad_api.api.exceptions.BaseNomadException, requests.RequestException):
        return ""
    return found


def nodes(env: Environment) -> dict[str, dict[str, Any]]:
    """Nomad's client nodes that are ready, by node ID."""
    found: list[dict[str, Any]] = Access.for_environment(env).nomad().nodes.get_nodes()
    return {node["ID"]: node for node in found if node["Status"] == "ready"}


class ClientId(FactBase[str | None]):
    """The ID that a host's Nomad client gave itself, `none` before its first start; None when it cannot be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self) -> str:
        return f"cat {nomad.DATA}/client/client-id 2>/dev/null || echo none"

    def process(self, output: Iterable[str]) -> str:
        return "".join(output).strip() or "none"
