"""The environment: one frozen, validated value from which everything else is computed."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from configs import fields, programs
from configs.errors import ConfigError

NAME = re.compile(r"[a-z]([a-z0-9-]{0,46}[a-z0-9])?")
"""Host and environment names become DNS labels, Consul node names and certificate names."""

EXTRA = ("consul", "vault", "nomad", "prometheus", "loki", "collector", "alertmanager")
"""The servers whose configuration an environment may add to."""

SOURCES = ("release", "mirror", "build")
"""Where artifacts can come from."""


class Role(StrEnum):
    """What a host does; a host may hold several roles."""

    SERVER = "server"
    CLIENT = "client"
    INGRESS = "ingress"
    MONITOR = "monitor"
    MIRROR = "mirror"


class Arch(StrEnum):
    """Architectures by Go's and Debian's common names."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ssh:
    """How the operator's machine reaches a host; what is None is left to ~/.ssh/config.

    `jump` is `user@host[:port]` of the jump host in front of it.
    """

    hostname: str | None = None
    port: int | None = None
    user: str | None = None
    key: str | None = None
    known_hosts: str | None = None
    jump: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A machine: `address` is the IPv4 address at which the other hosts reach it."""

    name: str
    address: str
    roles: frozenset[Role]
    arch: Arch = Arch.AMD64
    ssh: Ssh = field(default_factory=Ssh)

    def has(self, role: Role) -> bool:
        """Whether the host holds this role."""
        return role in self.roles


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long logs and metrics are kept, and how much disk metrics may take at most (MiB)."""

    logs: timedelta = timedelta(days=31)
    metrics: timedelta = timedelta(days=31)
    metrics_mib: int = 20_480
    journal_mib: int = 1_024


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """Vault's Shamir seal: how many shares there are, and how many open it."""

    shares: int = 5
    threshold: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimums:
    """What a host must have before anything is installed on it, in MiB, and seconds of clock skew it may have."""

    memory_mib: int = 1_800
    disk_mib: int = 8_192
    clock_skew_s: float = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifacts:
    """Where artifacts come from: sources in the order they are tried; `mirror` is a folder or an https address."""

    sources: tuple[str, ...] = SOURCES
    mirror: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """One environment, whole.

    Attributes:
        name: its name; also Consul's datacenter.
        hosts: every host, in a fixed order.
        control: networks (CIDR) of the operators' machines: SSH and the APIs are open to them alone.
        ingress_domain: services answer as `<service>.<ingress_domain>`.
        single_server: that one server is meant, as on a laptop; otherwise there are 3 or 5.
        region: Nomad's region.
        retention: how long logs, metrics and the journal are kept.
        seal: of Vault; it counts when Vault is initialised.
        minimums: what preflight asks of a host.
        artifacts: where programs come from.
        extra: documents merged into a server's own configuration, by server name (one of EXTRA): what Socle
            does not say.
        client_python: the version of python3 on the clients, for which the controller's libraries are made: 3.11 on
            Debian 12, 3.12 on Ubuntu 24.04, 3.13 on Debian 13; None, where it is older, for no controller.
        alert_webhook: where Alertmanager sends alerts; without it they are kept in Alertmanager alone.

    Raises:
        ConfigError: with every finding, when the value cannot be an environment.
    """

    name: str
    hosts: tuple[Host, ...]
    control: tuple[str, ...]
    ingress_domain: str
    single_server: bool = False
    region: str = "global"
    retention: Retention = field(default_factory=Retention)
    seal: Seal = field(default_factory=Seal)
    minimums: Minimums = field(default_factory=Minimums)
    artifacts: Artifacts = field(default_factory=Artifacts)
    client_python: str | None = "3.11"
    alert_webhook: str | None = None
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if found := [f"{self.name}: {finding}" for finding in _findings(self)]:
            raise ConfigError(found)

    def having(self, role: Role) -> tuple[Host, ...]:
        """The hosts that hold a role, in order."""
        return tuple(host for host in self.hosts if host.has(role))

    def host(self, name: str) -> Host:
        """The host of this name; KeyError when there is none."""
        return {host.name: host for host in self.hosts}[name]

    @property
    def servers(self) -> tuple[Host, ...]:
        """The hosts that run Consul's, Vault's and Nomad's servers."""
        return self.having(Role.SERVER)

    @property
    def clients(self) -> tuple[Host, ...]:
        """The hosts that run jobs."""
        return self.having(Role.CLIENT)

    @property
    def monitor(self) -> Host:
        """The host of Prometheus, Alertmanager and Loki."""
        return self.having(Role.MONITOR)[0]

    @property
    def mirror(self) -> Host:
        """The host that serves artifacts to the others."""
        return self.having(Role.MIRROR)[0]


def _findings(env: Environment) -> Iterator[str]:
    if wrong := tuple(fields.mistyped(env)):
        yield from wrong
        return
    yield from _name_findings(env)
    yield from _host_findings(env)
    yield from _role_findings(env)
    yield from _setting_findings(env)
    yield from _artifact_findings(env)


def _name_findings(env: Environment) -> Iterator[str]:
    for what, name in [("name", env.name), *((f"hosts[{h.name}].name", h.name) for h in env.hosts)]:
        if not NAME.fullmatch(name):
            yield f"{what}: {name!r} is not a DNS label - use lower-case letters, digits and hyphens, at most 48"
    for what, values in (("name", [h.name for h in env.hosts]), ("address", [h.address for h in env.hosts])):
        for value in sorted({v for v in values if values.count(v) > 1}):
            yield f"hosts: {what} {value} is used {values.count(value)} times - every host needs its own"


def _host_findings(env: Environment) -> Iterator[str]:
    for host in env.hosts:
        if not _is_address(host.address):
            yield f"hosts[{host.name}].address: {host.address!r} is not an IPv4 address - write one such as 10.0.0.11"
        if not host.roles:
            yield f"hosts[{host.name}].roles: empty - give it one or more of {', '.join(Role)}"
        for unknown in sorted(set(host.roles) - set(Role)):
            yield f"hosts[{host.name}].roles: {unknown!r} is no role - use {', '.join(Role)}"
        if host.arch not in set(Arch):
            yield f"hosts[{host.name}].arch: {host.arch!r} is no architecture - use {', '.join(Arch)}"


def _role_findings(env: Environment) -> Iterator[str]:
    count = len(env.servers)
    if count == 1 and not env.single_server:
        yield "servers: 1 server loses everything with it - use 3 or 5 (single_server=True is for a laptop)"
    elif count == 0 or count % 2 == 0:
        yield f"servers: {count} is even - Raft needs an odd number, use 3 or 5"
    for role in (Role.CLIENT, Role.INGRESS):
        if not env.having(role):
            yield f"hosts: none has the role {role} - give it to at least one host"
    for role in (Role.MONITOR, Role.MIRROR):
        if len(env.having(role)) != 1:
            yield f"hosts: {len(env.having(role))} have the role {role} - give it to exactly one host"
    for host in env.having(Role.INGRESS):
        if not host.has(Role.CLIENT):
            yield f"hosts[{host.name}].roles: ingress without client - the ingress is a Nomad job, add client"


def _setting_findings(env: Environment) -> Iterator[str]:
    for network in env.control:
        if not _is_network(network):
            yield f"control: {network!r} is not a network - write CIDR such as 203.0.113.7/32"
    if not env.control:
        yield "control: empty - name the network of the operators' machines, or they lock themselves out"
    if not 1 <= env.seal.threshold <= env.seal.shares:
        yield f"seal: threshold {env.seal.threshold} of {env.seal.shares} shares cannot be met - use 3 of 5"
    if env.client_python is not None and env.client_python not in programs.SYSTEMS:
        known = ", ".join(programs.SYSTEMS)
        yield f"client_python: {env.client_python!r} does not run the controller - use {known}, or None for none"
    for unknown in sorted(set(env.extra) - set(EXTRA)):
        yield f"extra: {unknown!r} is no server of ours - use {', '.join(EXTRA)}"
    if env.retention.logs < timedelta(days=1):
        yield f"retention.logs: {env.retention.logs} is below Loki's minimum - use 24 hours or more"


def _artifact_findings(env: Environment) -> Iterator[str]:
    chosen, mirror = env.artifacts.sources, env.artifacts.mirror
    for unknown in sorted(set(chosen) - set(SOURCES)):
        yield f"artifacts.sources: {unknown!r} is unknown - use {', '.join(SOURCES)}"
    if not chosen:
        yield f"artifacts.sources: empty, so no artifact can be had - use {', '.join(SOURCES)}"
    if chosen == ("mirror",) and not mirror:
        yield "artifacts.mirror: none, and it is the only source - name a folder or an https address"


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        return False
    return True
