"""What Consul's servers say of themselves."""

import consul as consul_api

from configs.environment import Environment
from deploy import wait
from inventory.access import Access


def quorum(env: Environment) -> wait.Health:
    """Whether Consul's servers can spare one of them."""
    api = Access.for_environment(env).consul()
    leader = api.status.leader()
    if not leader:
        return wait.Health(leader=False, healthy=False, detail="no leader")
    try:
        report = api.operator.autopilot_health()
    except consul_api.ConsulException as error:
        return wait.Health(leader=True, healthy=False, detail=f"autopilot: {error}")
    members = [s for s in report["Servers"] if s["Healthy"] and s["Voter"]]
    whole = bool(report["Healthy"]) and len(members) == len(env.servers)
    return wait.Health(leader=True, healthy=whole, detail=f"{len(members)} of {len(env.servers)} servers healthy")
