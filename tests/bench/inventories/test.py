"""bench-test: three servers and two clients, as in test."""

from configs.environment import Environment, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.61.0/24"

globals().update(
    environments.define(
        Environment(
            name="bench-test",
            hosts=local.hosts(
                "bench-test",
                _SUBNET,
                {
                    "server-1": {Role.SERVER, Role.MIRROR},
                    "server-2": {Role.SERVER},
                    "server-3": {Role.SERVER, Role.MONITOR},
                    "client-1": {Role.CLIENT, Role.INGRESS},
                    "client-2": {Role.CLIENT, Role.INGRESS},
                },
            ),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="bench-test.socle.internal",
            seal=Seal(shares=3, threshold=2),
        )
    )
)
