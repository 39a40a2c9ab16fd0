"""The network of an environment's local hosts, and the nameservers they ask."""

import ipaddress
from pathlib import Path

from configs.environment import Environment
from configs.errors import HostError

RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
"""Where the operator's nameservers are found; systemd-resolved lists its own there, which no container reaches."""


def subnet(env: Environment) -> ipaddress.IPv4Network:
    """The /24 network of the hosts.

    Raises:
        HostError: when a host is outside it.
    """
    found = ipaddress.IPv4Network(f"{env.hosts[0].address}/24", strict=False)
    if outside := [host.name for host in env.hosts if ipaddress.IPv4Address(host.address) not in found]:
        raise HostError(f"{env.name}: {', '.join(outside)} not in {found} - local hosts share one /24 network")
    return found


def name(env: Environment) -> str:
    """The name of the hosts' network in Docker."""
    return f"socle-{env.name}"


def nameservers() -> tuple[str, ...]:
    """The operator's nameservers that a container can reach, too.

    Raises:
        HostError: when there is none.
    """
    for path in RESOLVERS:
        if path.is_file() and (found := reachable(path.read_text())):
            return found
    raise HostError(f"{RESOLVERS[-1]}: no nameserver that hosts can reach - add one that is not on 127.0.0.0/8")


def reachable(resolv_conf: str) -> tuple[str, ...]:
    """The nameservers of a resolv.conf that another machine reaches: IPv4, and not on the loopback network."""
    words = [line.split() for line in resolv_conf.splitlines()]
    named = [word[1] for word in words if word[:1] == ["nameserver"] and len(word) > 1]
    return tuple(address for address in named if not address.startswith("127.") and ":" not in address)
