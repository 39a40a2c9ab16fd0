"""versions: a mirror and a client."""

from configs.environment import Environment, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.92.0/24"

globals().update(
    environments.define(
        Environment(
            name="versions",
            hosts=local.hosts(
                "versions",
                _SUBNET,
                {"1": {Role.SERVER, Role.MONITOR, Role.MIRROR}, "2": {Role.CLIENT, Role.INGRESS}},
            ),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="versions.socle.internal",
            single_server=True,
            seal=Seal(shares=1, threshold=1),
        )
    )
)
