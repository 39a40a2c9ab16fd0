"""bench-dev: one host with every role, as in dev."""

from configs.environment import Environment, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.60.0/24"

globals().update(
    environments.define(
        Environment(
            name="bench-dev",
            hosts=local.hosts("bench-dev", _SUBNET, {"1": set(Role)}),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="bench-dev.socle.internal",
            single_server=True,
            seal=Seal(shares=1, threshold=1),
        )
    )
)
