"""impossible: an environment with as many mistakes as one can make."""

from typing import Any

from configs.environment import Environment, Host, Role
from inventory import environments

_roles: Any = frozenset({"sever", Role.MIRROR, Role.CLIENT, Role.INGRESS})

globals().update(
    environments.define(
        Environment(
            name="impossible",
            hosts=(
                Host(name="server-1", address="172.30.50.11", roles=frozenset({Role.SERVER})),
                Host(name="server-1", address="172.30.50.12", roles=frozenset({Role.SERVER})),
                Host(name="client-1", address="172.30.50.12", roles=_roles),
            ),
            control=("172.30.50.1/32",),
            ingress_domain="impossible.socle.internal",
        )
    )
)
