"""A group's network and its ports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from jobs.nomad.check import PORT, Mistake, Range
from jobs.nomad.document import Api, Block


@dataclass(frozen=True, kw_only=True, slots=True)
class Port(Block):
    """A port by its label: `static` is the host's port, `to` the one inside the network namespace (-1: the same)."""

    label: str
    static: Annotated[int | None, Api("Value"), PORT] = None
    to: Annotated[int | None, Range(-1, 65535)] = None
    host_network: str | None = None
    ignore_collision: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dns(Block):
    """Name resolution inside the network namespace."""

    servers: tuple[str, ...] | None = None
    searches: tuple[str, ...] | None = None
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cni(Block):
    """Arguments for the plugins of a network with the mode `cni/...`."""

    args: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Network(Block):
    """A group's network and its ports; Nomad keeps static and dynamic ports apart.

    `mbits` is what Nomad had before 0.12; `device`, `cidr` and `ip` are found by Nomad itself.
    """

    mode: str | None = None
    reserved_ports: tuple[Port, ...] | None = None
    dynamic_ports: tuple[Port, ...] | None = None
    dns: Dns | None = None
    hostname: str | None = None
    cni: Cni | None = None
    device: str | None = None
    cidr: str | None = None
    ip: str | None = None
    mbits: Annotated[int | None, Api("MBits")] = None

    @property
    def ports(self) -> tuple[Port, ...]:
        """Static and dynamic ports."""
        return (*(self.reserved_ports or ()), *(self.dynamic_ports or ()))

    def mistakes(self) -> Iterator[Mistake]:
        """A label names one port."""
        labels = [port.label for port in self.ports]
        for label in sorted({label for label in labels if labels.count(label) > 1}):
            yield f".port[{label}]", "two ports have this label - give each one of its own"
