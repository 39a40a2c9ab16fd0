"""What a host must be before anything is installed on it: findings from what it says of itself."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from configs import firewall, ports
from configs.environment import Environment, Host, Role

SYSTEMS = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04")}
"""Supported systems; Debian 12 is the one that the tests boot."""

OURS = {
    ports.SSH: {"sshd", "systemd"},
    ports.HTTP: {"traefik"},
    ports.HTTPS: {"traefik"},
    ports.TRAEFIK_METRICS: {"traefik"},
    ports.CONSUL_RPC: {"consul"},
    ports.CONSUL_SERF: {"consul"},
    ports.CONSUL_HTTPS: {"consul"},
    ports.VAULT_API: {"vault"},
    ports.VAULT_CLUSTER: {"vault"},
    ports.VAULT_METRICS: {"vault"},
    ports.NOMAD_HTTP: {"nomad"},
    ports.NOMAD_RPC: {"nomad"},
    ports.NOMAD_SERF: {"nomad"},
    ports.MIRROR: {"nginx"},
    ports.PROMETHEUS: {"prometheus"},
    ports.ALERTMANAGER: {"prometheus-aler", "prometheus-alertmanager"},
    ports.NODE_EXPORTER: {"prometheus-node", "prometheus-node-exporter"},
    ports.LOKI: {"loki"},
    ports.COLLECTOR_METRICS: {"otelcol", "prometheus-expo", "prometheus-exporter-exporter"},
}
"""The programs that may hold a port, by the names the kernel keeps (15 characters)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a host says of itself.

    Attributes:
        system: ID of os-release, and its VERSION_ID.
        arch: as dpkg names it.
        memory_mib: all of it.
        disk_mib: what is free where data will lie.
        skew_s: its clock less the operator's, in seconds.
        machine_id: systemd's.
        client: the address from which the operator's connection comes.
        listeners: names of the programs behind each listening TCP port.
        ca_sha256: digest of the environment CA's certificate that it has, if any.
        data: data folders of servers that are not empty.
    """

    system: tuple[str, str]
    arch: str
    memory_mib: int
    disk_mib: int
    skew_s: float
    machine_id: str
    client: str
    listeners: Mapping[int, frozenset[str]] = field(default_factory=dict)
    ca_sha256: str | None = None
    data: frozenset[str] = frozenset()


def findings(env: Environment, reports: Mapping[str, Report], ca_sha256: str | None) -> tuple[str, ...]:
    """Everything that stands in the way, in the order of the hosts.

    Args:
        env: the environment.
        reports: by host name, of the hosts that answered.
        ca_sha256: digest of the environment's CA certificate; None when it has none yet.
    """
    found = [
        f for host in env.hosts if host.name in reports for f in _of_host(env, host, reports[host.name], ca_sha256)
    ]
    return (*found, *_between(env, reports))


def _of_host(env: Environment, host: Host, report: Report, ca_sha256: str | None) -> Iterator[str]:
    yield from (f"{host.name}: {text}" for text in _machine(env, host, report))
    yield from (f"{host.name}: {text}" for text in _held_ports(env, host, report))
    yield from (f"{host.name}: {text}" for text in _membership(env, report, ca_sha256))


def _machine(env: Environment, host: Host, report: Report) -> Iterator[str]:
    name, version = report.system
    least = env.minimums
    if version not in SYSTEMS.get(name, ()):
        known = ", ".join(f"{system} {v}" for system, versions in SYSTEMS.items() for v in versions)
        yield f"{name or 'unknown'} {version} is not supported - install one of {known}"
    if report.arch != host.arch:
        yield f"its architecture is {report.arch}, the inventory says {host.arch} - correct arch= in the inventory"
    if report.memory_mib < least.memory_mib:
        yield f"{report.memory_mib} MiB of memory is below {least.memory_mib} - use a larger machine"
    if report.disk_mib < least.disk_mib:
        yield f"{report.disk_mib} MiB free under /var is below {least.disk_mib} - free some or enlarge the disk"
    if report.client and not firewall.admits(env.control, report.client):
        yield (
            f"you come from {report.client}, which is not in control ({', '.join(env.control)}) - "
            "add it, or the packet filter locks you out"
        )


def _held_ports(env: Environment, host: Host, report: Report) -> Iterator[str]:
    wanted = {o.ports[0] for o in firewall.openings(env, host) if o.ports[0] == o.ports[1]}
    for port in sorted(wanted):
        strangers = report.listeners.get(port, frozenset()) - OURS[port]
        if strangers:
            yield f"port {port} is held by {', '.join(sorted(strangers))} - stop it, or move it to another port"


def _membership(env: Environment, report: Report, ca_sha256: str | None) -> Iterator[str]:
    what = f"bring inventory/secrets/{env.name}.age, or empty the host first"
    if report.ca_sha256 and report.ca_sha256 != ca_sha256:
        yield f"its CA ({report.ca_sha256[:12]}) is another cluster's, or the secrets file is not its own - {what}"
    elif report.data and not report.ca_sha256:
        yield f"{', '.join(sorted(report.data))} hold another cluster's data - {what}"


def _between(env: Environment, reports: Mapping[str, Report]) -> Iterator[str]:
    by_machine: dict[str, list[str]] = {}
    for name, report in reports.items():
        by_machine.setdefault(report.machine_id, []).append(name)
    for machine, names in by_machine.items():
        if len(names) > 1:
            yield (
                f"{', '.join(names)}: the same machine ID {machine} - they are one machine, or clones: "
                "remove /etc/machine-id on one and run systemd-machine-id-setup"
            )
    if reports:
        median = statistics.median(report.skew_s for report in reports.values())
        for name, report in reports.items():
            if abs(report.skew_s - median) > env.minimums.clock_skew_s:
                yield (
                    f"{name}: its clock is {report.skew_s - median:+.1f} s from the others' - "
                    "let it synchronise (timedatectl set-ntp true)"
                )


def critical(host: Host) -> bool:
    """Whether a run without this host must not go on."""
    return bool(host.roles & {Role.SERVER, Role.MONITOR, Role.MIRROR})
