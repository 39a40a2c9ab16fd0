"""Gateways of Consul's service mesh."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from jobs.nomad.check import PORT, Range
from jobs.nomad.document import Api, Block


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayBindAddress(Block):
    """Where a gateway listens; Nomad itself writes the port -1 for one that it chooses."""

    name: str | None = None
    address: str | None = None
    port: Annotated[int | None, Range(-1, 65535)] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayProxy(Block):
    """How a gateway's Envoy connects and listens."""

    connect_timeout: timedelta | None = None
    envoy_gateway_bind_tagged_addresses: bool | None = None
    envoy_gateway_bind_addresses: Mapping[str, GatewayBindAddress] | None = None
    envoy_gateway_no_default_bind: bool | None = None
    envoy_dns_discovery_type: Literal["STRICT_DNS", "LOGICAL_DNS"] | None = None
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySds(Block):
    """Certificates from Envoy's secret discovery service."""

    cluster_name: str | None = None
    cert_resource: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayTls(Block):
    """TLS at an ingress gateway."""

    enabled: bool | None = None
    tls_min_version: str | None = None
    tls_max_version: str | None = None
    cipher_suites: tuple[str, ...] | None = None
    sds: GatewaySds | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderModifiers(Block):
    """HTTP headers that a gateway adds, sets and removes."""

    add: Mapping[str, str] | None = None
    set: Mapping[str, str] | None = None
    remove: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressService(Block):
    """A service behind a listener of an ingress gateway."""

    name: str
    hosts: tuple[str, ...] | None = None
    tls: GatewayTls | None = None
    request_headers: HeaderModifiers | None = None
    response_headers: HeaderModifiers | None = None
    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_concurrent_requests: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressListener(Block):
    """A port of an ingress gateway."""

    port: Annotated[int, PORT]
    protocol: Literal["tcp", "http", "http2", "grpc"] | None = None
    services: tuple[IngressService, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IngressGateway(Block):
    """A gateway into the mesh."""

    tls: GatewayTls | None = None
    listeners: tuple[IngressListener, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkedService(Block):
    """A service outside the mesh, behind a terminating gateway."""

    name: str
    ca_file: Annotated[str | None, Api("CAFile")] = None
    cert_file: str | None = None
    key_file: str | None = None
    sni: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TerminatingGateway(Block):
    """A gateway out of the mesh."""

    services: tuple[LinkedService, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshGatewayEntry(Block):
    """A gateway between meshes; it has nothing to be said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway(Block):
    """A gateway: its proxy, and one of three kinds."""

    proxy: GatewayProxy | None = None
    ingress: IngressGateway | None = None
    terminating: TerminatingGateway | None = None
    mesh: MeshGatewayEntry | None = None
