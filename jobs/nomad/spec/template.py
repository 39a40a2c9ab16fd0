"""Files that a task is given: rendered, or fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from jobs.nomad.check import Range
from jobs.nomad.document import Api, Block

ChangeMode = Literal["noop", "restart", "signal", "script"]

_OWNER = Range(-1)
"""-1 is Nomad's own user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait(Block):
    """How long a template waits for its sources to come to rest before it is rendered."""

    min: timedelta
    max: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeScript(Block):
    """What is run in the task when a template has changed."""

    command: str
    args: tuple[str, ...] | None = None
    timeout: timedelta | None = None
    fail_on_error: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Template(Block):
    """A file of the task, rendered by consul-template inside Nomad; Nomad ignores `vault_grace` since 0.5."""

    destination: Annotated[str, Api("DestPath")]
    data: Annotated[str | None, Api("EmbeddedTmpl")] = None
    source: Annotated[str | None, Api("SourcePath")] = None
    change_mode: ChangeMode | None = None
    change_signal: str | None = None
    change_script: ChangeScript | None = None
    once: bool | None = None
    splay: timedelta | None = None
    wait: Wait | None = None
    perms: str | None = None
    uid: Annotated[int | None, _OWNER] = None
    gid: Annotated[int | None, _OWNER] = None
    env: Annotated[bool | None, Api("Envvars")] = None
    left_delimiter: Annotated[str | None, Api("LeftDelim")] = None
    right_delimiter: Annotated[str | None, Api("RightDelim")] = None
    error_on_missing_key: Annotated[bool | None, Api("ErrMissingKey")] = None
    vault_grace: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact(Block):
    """Something fetched, checked and unpacked before the task starts."""

    source: Annotated[str, Api("GetterSource")]
    destination: Annotated[str | None, Api("RelativeDest")] = None
    mode: Annotated[Literal["any", "file", "dir"] | None, Api("GetterMode")] = None
    options: Annotated[Mapping[str, str] | None, Api("GetterOptions")] = None
    headers: Annotated[Mapping[str, str] | None, Api("GetterHeaders")] = None
    insecure: Annotated[bool | None, Api("GetterInsecure")] = None
    chown: bool | None = None
