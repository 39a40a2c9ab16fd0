"""Where the local hosts of dev and test are: addresses and keys by rule, so that no daemon need be asked."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from configs.environment import Host, Role, Ssh

CACHE = Path("~/.cache/socle").expanduser()
USER = "socle"


def folder(environment: str) -> Path:
    """The folder of an environment's local hosts: their SSH key, their host keys."""
    return CACHE / "local" / environment


def key(environment: str) -> Path:
    """The private SSH key made for an environment's local hosts."""
    return folder(environment) / "id_ed25519"


def known_hosts(environment: str) -> Path:
    """The host keys of an environment's local hosts."""
    return folder(environment) / "known_hosts"


def gateway(subnet: str) -> str:
    """The operator's own address in the hosts' network."""
    return str(ipaddress.IPv4Network(subnet)[1])


def hosts(environment: str, subnet: str, roles: Mapping[str, set[Role]]) -> tuple[Host, ...]:
    """Local hosts named `<environment>-<suffix>`, at consecutive addresses from the subnet's eleventh."""
    network = ipaddress.IPv4Network(subnet)
    ssh = Ssh(user=USER, key=str(key(environment)), known_hosts=str(known_hosts(environment)))
    return tuple(
        Host(name=f"{environment}-{suffix}", address=str(network[11 + i]), roles=frozenset(held), ssh=ssh)
        for i, (suffix, held) in enumerate(roles.items())
    )
