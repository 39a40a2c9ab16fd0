"""The port table: who may reach what, and the nftables rules that say so."""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from configs import ports
from configs.environment import Environment, Host, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """Ports of a host that are open to some addresses or networks; no sources means everybody."""

    service: str
    ports: tuple[int, int]
    sources: frozenset[str] = frozenset()
    udp: bool = False


def openings(env: Environment, host: Host) -> tuple[Opening, ...]:
    """Everything that a host opens, by its roles; what is not here is dropped."""
    return tuple(_openings(env, host))


def _openings(env: Environment, host: Host) -> Iterator[Opening]:
    control, cluster = frozenset(env.control), _addresses(env.hosts)
    servers, monitor = _addresses(env.servers), _addresses([env.monitor])
    yield _open("ssh", ports.SSH, control)
    yield _open("consul gossip", ports.CONSUL_SERF, cluster, udp=True)
    yield _open("consul api", ports.CONSUL_HTTPS, control | monitor)
    yield _open("node-exporter", ports.NODE_EXPORTER, monitor)
    yield _open("collector metrics", ports.COLLECTOR_METRICS, monitor)
    if host.has(Role.SERVER):
        yield _open("consul rpc", ports.CONSUL_RPC, cluster)
        yield _open("vault api", ports.VAULT_API, control | cluster)
        yield _open("vault cluster", ports.VAULT_CLUSTER, servers)
        yield _open("vault metrics", ports.VAULT_METRICS, monitor)
        yield _open("nomad rpc", ports.NOMAD_RPC, servers | _addresses(env.clients))
        yield _open("nomad gossip", ports.NOMAD_SERF, servers, udp=True)
    if host.has(Role.SERVER) or host.has(Role.CLIENT):
        yield _open("nomad api", ports.NOMAD_HTTP, control | cluster)
    if host.has(Role.CLIENT):
        yield Opening(service="nomad dynamic ports", ports=ports.NOMAD_DYNAMIC, sources=cluster, udp=True)
    if host.has(Role.INGRESS):
        yield _open("http", ports.HTTP, frozenset())
        yield _open("https", ports.HTTPS, frozenset())
        yield _open("traefik metrics", ports.TRAEFIK_METRICS, control | cluster)
    if host.has(Role.MONITOR):
        yield _open("prometheus", ports.PROMETHEUS, control | cluster)
        yield _open("alertmanager", ports.ALERTMANAGER, control | monitor)
        yield _open("loki", ports.LOKI, control | cluster)
    if host.has(Role.MIRROR):
        yield _open("mirror", ports.MIRROR, control | cluster)


def _open(service: str, port: int, sources: frozenset[str], *, udp: bool = False) -> Opening:
    return Opening(service=service, ports=(port, port), sources=sources, udp=udp)


def _addresses(hosts: Iterable[Host]) -> frozenset[str]:
    return frozenset(host.address for host in hosts)


def ruleset(env: Environment, host: Host) -> str:
    """The host's nftables file: one table of ours, replaced as a whole in one transaction.

    Other tables (Docker's, CNI's) are left alone. The forward chain keeps strangers from the ports that CNI and
    Docker forward to allocations, which never pass the input chain.
    """
    rules = "\n".join(f"    {rule}" for opening in openings(env, host) for rule in _rules(opening))
    cluster = ", ".join(h.address for h in env.hosts)
    return f"""table inet socle
delete table inet socle
table inet socle {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname "lo" accept
    ip protocol icmp accept
    ip6 nexthdr icmpv6 accept
{rules}
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    oifname {{ "nomad", "docker0" }} iifname != {{ "nomad", "docker0" }} ip saddr != {{ {cluster} }} drop
  }}
}}
"""


def _rules(opening: Opening) -> Iterator[str]:
    source = f"ip saddr {{ {', '.join(sorted(opening.sources))} }} " if opening.sources else ""
    first, last = opening.ports
    span = str(first) if first == last else f"{first}-{last}"
    for protocol in ("tcp", "udp") if opening.udp else ("tcp",):
        yield f'{source}{protocol} dport {span} accept comment "{opening.service}"'


def admits(networks: Iterable[str], address: str) -> bool:
    """Whether an IPv4 address lies in one of the networks; an IPv6 address lies in none."""
    try:
        found = ipaddress.IPv4Address(address.removeprefix("::ffff:"))
    except ValueError:
        return False
    return any(found in ipaddress.IPv4Network(network) for network in networks)
