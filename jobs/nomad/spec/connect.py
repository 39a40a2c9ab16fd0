"""Consul's service mesh around a service: its sidecar, the sidecar's task, or a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from jobs.nomad.check import PORT
from jobs.nomad.document import Api, Block
from jobs.nomad.spec.gateway import Gateway
from jobs.nomad.spec.identity import Identity
from jobs.nomad.spec.logs import LogConfig
from jobs.nomad.spec.resources import Resources
from jobs.nomad.spec.volume import VolumeMount


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshGateway(Block):
    """How traffic to another datacenter passes mesh gateways."""

    mode: Literal["local", "remote", "none"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream(Block):
    """A service of the mesh that the task reaches at a local port or socket."""

    destination_name: str
    local_bind_port: Annotated[int | None, PORT] = None
    local_bind_address: str | None = None
    local_bind_socket_path: str | None = None
    local_bind_socket_mode: str | None = None
    destination_type: str | None = None
    destination_namespace: str | None = None
    destination_partition: str | None = None
    destination_peer: str | None = None
    datacenter: str | None = None
    mesh_gateway: MeshGateway | None = None
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExposePath(Block):
    """A path that is reached past the mesh, as health checks need it."""

    path: str | None = None
    protocol: str | None = None
    local_path_port: Annotated[int | None, PORT] = None
    listener_port: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Expose(Block):
    """The paths that are reached past the mesh; `path` is the former name of `paths`."""

    paths: tuple[ExposePath, ...] | None = None
    path: tuple[ExposePath, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TransparentProxy(Block):
    """All traffic of the task goes through its sidecar, without upstreams being named."""

    uid: Annotated[str | None, Api("UID")] = None
    outbound_port: Annotated[int | None, PORT] = None
    exclude_inbound_ports: tuple[str, ...] | None = None
    exclude_outbound_ports: Annotated[tuple[int, ...] | None, PORT] = None
    exclude_outbound_cidrs: Annotated[tuple[str, ...] | None, Api("ExcludeOutboundCIDRs")] = None
    exclude_uids: Annotated[tuple[str, ...] | None, Api("ExcludeUIDs")] = None
    no_dns: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy(Block):
    """What the sidecar's proxy does; `expose_config` is the former name of `expose`."""

    local_service_address: str | None = None
    local_service_port: Annotated[int | None, PORT] = None
    upstreams: tuple[Upstream, ...] | None = None
    expose: Expose | None = None
    expose_config: Expose | None = None
    transparent_proxy: TransparentProxy | None = None
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SidecarService(Block):
    """The sidecar as a service of its own."""

    port: str | None = None
    tags: tuple[str, ...] | None = None
    meta: Mapping[str, str] | None = None
    proxy: Proxy | None = None
    disable_default_tcp_check: Annotated[bool | None, Api("DisableDefaultTCPCheck")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SidecarTask(Block):
    """What differs from the task that Nomad makes for the sidecar or gateway."""

    name: str | None = None
    driver: str | None = None
    user: str | None = None
    config: Mapping[str, Any] | None = None
    env: Mapping[str, str] | None = None
    resources: Resources | None = None
    meta: Mapping[str, str] | None = None
    kill_timeout: timedelta | None = None
    kill_signal: str | None = None
    shutdown_delay: timedelta | None = None
    logs: Annotated[LogConfig | None, Api("LogConfig")] = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    identities: tuple[Identity, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Connect(Block):
    """A service's part in the mesh: native, behind a sidecar, or a gateway."""

    native: bool | None = None
    sidecar_service: SidecarService | None = None
    sidecar_task: SidecarTask | None = None
    gateway: Gateway | None = None
