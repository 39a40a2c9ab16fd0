"""An environment of six hosts for tests: every role, none of them on a real address."""

from typing import Any

from configs.environment import Environment, Host, Role

ROLES = {
    "a": {Role.SERVER, Role.MIRROR},
    "b": {Role.SERVER},
    "c": {Role.SERVER, Role.MONITOR},
    "d": {Role.CLIENT, Role.INGRESS},
    "e": {Role.CLIENT},
}


def hosts(roles: dict[str, set[Role]] | None = None) -> tuple[Host, ...]:
    """Hosts at 10.0.0.1 and on, in the order given."""
    return tuple(
        Host(name=name, address=f"10.0.0.{number}", roles=frozenset(held))
        for number, (name, held) in enumerate((roles or ROLES).items(), start=1)
    )


def environment(**settings: Any) -> Environment:
    """The environment `shop`, with some of its settings replaced."""
    given = {"name": "shop", "hosts": hosts(), "control": ("192.0.2.0/24",), "ingress_domain": "shop.test"}
    return Environment(**{**given, **settings})
