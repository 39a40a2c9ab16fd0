"""Services in Consul's catalog or Nomad's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from jobs.nomad.check import Text
from jobs.nomad.document import Api, Block
from jobs.nomad.spec.check import Check, CheckRestart, OnUpdate
from jobs.nomad.spec.connect import Connect
from jobs.nomad.spec.identity import Identity

_NAME = Text(
    r"|(?i:[a-z0-9]|[a-z0-9][a-z0-9\-]{0,61}[a-z0-9])", "a service is called by letters, digits and dashes, at most 63"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights(Block):
    """A service's weights in Consul's SRV answers."""

    passing: int | None = None
    warning: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Service(Block):
    """A service in Consul's catalog or Nomad's own; while an allocation is a canary, canary_* replace tags and meta."""

    name: Annotated[str, _NAME]
    port: Annotated[str | None, Api("PortLabel")] = None
    provider: Literal["consul", "nomad"] | None = "consul"
    tags: tuple[str, ...] | None = None
    canary_tags: tuple[str, ...] | None = None
    meta: Mapping[str, str] | None = None
    canary_meta: Mapping[str, str] | None = None
    checks: tuple[Check, ...] | None = None
    check_restart: CheckRestart | None = None
    connect: Connect | None = None
    address_mode: Literal["auto", "host", "driver", "alloc", "alloc_ipv6"] | None = None
    address: str | None = None
    tagged_addresses: Mapping[str, str] | None = None
    enable_tag_override: bool | None = None
    task: Annotated[str | None, Api("TaskName")] = None
    on_update: OnUpdate | None = None
    identity: Identity | None = None
    weights: Weights | None = None
    cluster: str | None = None
    kind: str | None = None
