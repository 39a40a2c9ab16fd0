"""killed: one host with every role."""

from configs.environment import Environment, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.40.0/24"

globals().update(
    environments.define(
        Environment(
            name="killed",
            hosts=local.hosts("killed", _SUBNET, {"1": set(Role)}),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="killed.socle.internal",
            single_server=True,
            seal=Seal(shares=1, threshold=1),
        )
    )
)
