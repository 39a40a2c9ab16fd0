"""The environment of tests.bench.growth: three servers that are not asked, and any number of simulated clients."""

import ipaddress

from configs.environment import Environment, Host, Role

_NETWORK = ipaddress.IPv4Network("10.9.0.0/16")


def environment(clients: int) -> Environment:
    """The environment with this many clients."""
    roles = ({Role.SERVER, Role.MIRROR, Role.MONITOR}, {Role.SERVER}, {Role.SERVER})
    return Environment(
        name="bench-growth",
        hosts=(
            *(_host(f"server-{i}", 11 + i, held) for i, held in enumerate(roles)),
            *(_host(f"client-{i}", 256 + i, {Role.CLIENT, Role.INGRESS}) for i in range(clients)),
        ),
        control=("10.9.0.1/32",),
        ingress_domain="bench-growth.socle.internal",
    )


def _host(name: str, number: int, roles: set[Role]) -> Host:
    return Host(name=name, address=str(_NETWORK[number]), roles=frozenset(roles))
