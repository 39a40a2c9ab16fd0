"""bare: one host with every role."""

from configs.environment import Environment, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.41.0/24"

globals().update(
    environments.define(
        Environment(
            name="bare",
            hosts=local.hosts("bare", _SUBNET, {"1": set(Role)}),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="bare.socle.internal",
            single_server=True,
            seal=Seal(shares=1, threshold=1),
        )
    )
)
