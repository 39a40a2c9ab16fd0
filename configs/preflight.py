"""What a host must be before anything is installed on it: findings from what it says of itself."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from configs import firewall, ports, programs
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
    ports.CONSUL_DNS: {"consul"},
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
    ports.LOKI_GRPC: {"loki"},
    ports.COLLECTOR_INTERNAL: {"otelcol"},
    ports.COLLECTOR_METRICS: {"otelcol", "prometheus-expo", "prometheus-exporter-exporter"},
}
"""The programs that may hold a port, by the names the kernel keeps (15 characters)."""

OWN_SKEW_S = 60.0
"""How far the operator's clock may be off: it dates the certificates, which are valid from some minutes before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a host says of itself.

    Attributes:
        system: ID of os-release, and its VERSION_ID.
        arch: as dpkg names it.
        memory_mib: all of it.
        disk_mib: what is free where data will lie.
        skew_s: its clock less the operator's, in seconds.
        doubt_s: how far off `skew_s` may be: half the time that the answer took.
        machine_id: systemd's.
        client: the address from which the operator's connection comes.
        refused: the user and what sudo said, where that user cannot become root without a password.
        listeners: names of the programs behind each listening TCP port; it and what follows take root to know.
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
    doubt_s: float = 0.0
    refused: str | None = None
    listeners: Mapping[int, frozenset[str]] = field(default_factory=dict)
    ca_sha256: str | None = None
    data: frozenset[str] = frozenset()


def of_machines(env: Environment, reports: Mapping[str, Report]) -> tuple[str, ...]:
    """What hosts lack, and where they contradict one another, in the order of the hosts."""
    answered = [(host, reports[host.name]) for host in env.hosts if host.name in reports]
    found = [
        f"{host.name}: {text}"
        for host, report in answered
        for text in (*_machine(env, host, report), *_held_ports(env, host, report))
    ]
    return (*found, *_same_machines(reports), *_clocks(env, reports), *_controller(env, reports))


def of_membership(env: Environment, reports: Mapping[str, Report], ca_sha256: str | None) -> tuple[str, ...]:
    """Hosts that are another cluster's; `ca_sha256` is of the environment's CA certificate, None when it has none."""
    what = f"bring inventory/secrets/{env.name}.age, or empty the host first"
    return tuple(
        f"{host.name}: {text} - {what}"
        for host in env.hosts
        if host.name in reports
        for text in _strange(reports[host.name], ca_sha256)
    )


def unreached(host: Host, why: str) -> str:
    """What to do about a host that lets nobody in; `why` is what was met, in pyinfra's words."""
    place = f"{host.ssh.user or '<user>'}@{host.ssh.hostname or host.address}"
    if "Authentication error" in why:
        what = f"put your public key into ~/.ssh/authorized_keys of {place}, or correct user= and key= of its Ssh(...)"
    elif "host key" in why.lower() or "not found in known_hosts" in why:
        known, name = host.ssh.known_hosts or "~/.ssh/known_hosts", host.ssh.hostname or host.address
        what = f"if it was set up anew, drop its old key: ssh-keygen -f {known} -R {name}"
    elif "private key" in why.lower():
        what = "correct key= of its Ssh(...); bin/up makes the keys of dev and test together with their hosts"
    else:
        what = f"see that it is up and that its SSH port is open to this machine: ssh {place} true"
    return f"{host.name}: not reached: {why} - {what}"


def _machine(env: Environment, host: Host, report: Report) -> Iterator[str]:
    name, version = report.system
    least = env.minimums
    if report.refused:
        user, _, said = report.refused.partition(": ")
        yield (
            f"{user} cannot become root without a password ({said}) - install sudo, and let it: "
            f"echo '{user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/{user}"
        )
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


def _controller(env: Environment, reports: Mapping[str, Report]) -> Iterator[str]:
    """Its libraries are made for one version of Python: one client at least must have it."""
    systems = {reports[host.name].system for host in env.clients if host.name in reports}
    found = {(name, version) for name, version in systems if version in SYSTEMS.get(name, ())}
    if env.client_python and found and programs.SYSTEMS[env.client_python] not in found:
        fitting = [python for python, system in programs.SYSTEMS.items() if system in found]
        yield (
            f"client_python: no client has Python {env.client_python} - set it to {' or '.join(fitting) or 'None'} in "
            "the inventory"
        )


def _held_ports(env: Environment, host: Host, report: Report) -> Iterator[str]:
    for port in sorted(_wanted(env, host)):
        strangers = report.listeners.get(port, frozenset()) - OURS[port]
        if strangers:
            yield f"port {port} is held by {', '.join(sorted(strangers))} - stop it, or move it to another port"


def _wanted(env: Environment, host: Host) -> set[int]:
    """What the host opens, and what its programs use among themselves."""
    inner = {ports.CONSUL_DNS, ports.COLLECTOR_INTERNAL} | ({ports.LOKI_GRPC} if host.has(Role.MONITOR) else set())
    return inner | {o.ports[0] for o in firewall.openings(env, host) if o.ports[0] == o.ports[1]}


def _strange(report: Report, ca_sha256: str | None) -> Iterator[str]:
    if report.ca_sha256 and report.ca_sha256 != ca_sha256:
        yield f"its CA ({report.ca_sha256[:12]}) is another cluster's, or the secrets file is not its own"
    elif report.data and not report.ca_sha256:
        yield f"{', '.join(sorted(report.data))} hold another cluster's data"


def _same_machines(reports: Mapping[str, Report]) -> Iterator[str]:
    by_machine: dict[str, list[str]] = {}
    for name, report in reports.items():
        by_machine.setdefault(report.machine_id, []).append(name)
    for machine, names in by_machine.items():
        if len(names) > 1:
            yield (
                f"{', '.join(names)}: the same machine ID {machine or '(none)'} - they are one machine, or clones: "
                "remove /etc/machine-id on one and run systemd-machine-id-setup"
            )


def _clocks(env: Environment, reports: Mapping[str, Report]) -> Iterator[str]:
    """Whose clock is apart from most others'; this machine's has a say where there are two hosts or more."""
    skews = [report.skew_s for report in reports.values()]
    usual = statistics.median_low(skews if len(skews) == 1 else [0.0, *skews])
    limit = env.minimums.clock_skew_s
    clocks = {name: (report.skew_s, limit + report.doubt_s) for name, report in reports.items()}
    for name, (skew, allowed) in {"this machine": (0.0, max(limit, OWN_SKEW_S)), **clocks}.items():
        if abs(skew - usual) > allowed:
            yield (
                f"{name}: its clock is {skew - usual:+.1f} s from the others' - "
                "let it synchronise (timedatectl set-ntp true)"
            )


def critical(host: Host) -> bool:
    """Whether a run without this host must not go on."""
    return bool(host.roles & {Role.SERVER, Role.MONITOR, Role.MIRROR})
