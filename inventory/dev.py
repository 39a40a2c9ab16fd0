"""dev: one local host with every role, made by bin/up."""

from configs.environment import Environment, Minimums, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.10.0/24"

globals().update(
    environments.define(
        Environment(
            name="dev",
            hosts=local.hosts("dev", _SUBNET, {"1": set(Role)}),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="dev.socle.internal",
            single_server=True,
            seal=Seal(shares=1, threshold=1),
            minimums=Minimums(memory_mib=3_000),
        )
    )
)
