"""A service's health checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from jobs.nomad.document import Api, Block

OnUpdate = Literal["require_healthy", "ignore_warnings", "ignore"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRestart(Block):
    """Restart a task after `limit` failed checks in a row, not counting `grace` after its start."""

    limit: int
    grace: timedelta | None = None
    ignore_warnings: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check(Block):
    """A service's health check."""

    type: Literal["http", "tcp", "grpc", "script"]
    interval: timedelta
    timeout: timedelta
    name: str | None = None
    path: str | None = None
    port: Annotated[str | None, Api("PortLabel")] = None
    protocol: Literal["http", "https"] | None = None
    method: str | None = None
    body: str | None = None
    header: Mapping[str, tuple[str, ...]] | None = None
    command: str | None = None
    args: tuple[str, ...] | None = None
    address_mode: Literal["host", "driver", "alloc", "alloc_ipv6"] | None = None
    advertise: str | None = None
    initial_status: Literal["passing", "warning", "critical"] | None = None
    on_update: OnUpdate | None = None
    task: Annotated[str | None, Api("TaskName")] = None
    expose: bool | None = None
    grpc_service: str | None = None
    grpc_use_tls: bool | None = None
    tls_server_name: str | None = None
    tls_skip_verify: bool | None = None
    success_before_passing: int | None = None
    failures_before_critical: int | None = None
    failures_before_warning: int | None = None
    notes: str | None = None
    check_restart: CheckRestart | None = None
