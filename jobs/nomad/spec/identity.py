"""What a workload is for others: its tokens of Nomad, Vault and Consul, and the secrets it is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from jobs.nomad.check import NAME
from jobs.nomad.document import Api, Block

TokenChangeMode = Literal["noop", "restart", "signal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity(Block):
    """A workload identity: a token that Nomad signs for others to trust."""

    name: str | None = None
    aud: Annotated[tuple[str, ...] | None, Api("Audience")] = None
    change_mode: TokenChangeMode | None = None
    change_signal: str | None = None
    env: bool | None = None
    file: bool | None = None
    filepath: str | None = None
    service_name: str | None = None
    ttl: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vault(Block):
    """A task's Vault token, which its templates use; by default it is neither in a file nor in the environment."""

    role: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    policies: tuple[str, ...] | None = None
    env: bool | None = False
    disable_file: bool | None = True
    change_mode: TokenChangeMode | None = "noop"
    change_signal: str | None = None
    allow_token_expiration: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Consul(Block):
    """The Consul cluster of a group or task; in a task it also asks for a Consul token for its templates."""

    cluster: str | None = None
    namespace: str | None = None
    partition: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret(Block):
    """A secret that Nomad fetches from a provider (`nomad`, `vault`, or a plugin) for a task's interpolation."""

    name: Annotated[str, NAME]
    provider: str
    path: str
    config: Mapping[str, Any] | None = None
    env: Mapping[str, str] | None = None
