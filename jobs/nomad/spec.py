"""Nomad's job as frozen, typed values: names as in Nomad's job specification, in Python's case.

What is None is not said, and Nomad's default holds. Sizes are MiB (`_mb`) and CPU is MHz, as in Nomad; durations are
`timedelta`.

Source of the names: package api of Nomad 1.11.3 (jobs.go, tasks.go, services.go, resources.go).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from jobs.nomad import document
from jobs.nomad.document import Api, Block

ChangeMode = Literal["noop", "restart", "signal", "script"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint(Block):
    """Where a job, group or task may be placed."""

    attribute: Annotated[str | None, Api("LTarget")] = None
    value: Annotated[str | None, Api("RTarget")] = None
    operator: Annotated[str, Api("Operand")] = "="


@dataclass(frozen=True, kw_only=True, slots=True)
class Affinity(Block):
    """Where placement is preferred (weight above 0) or avoided (below); -100 to 100."""

    attribute: Annotated[str | None, Api("LTarget")] = None
    value: Annotated[str | None, Api("RTarget")] = None
    operator: Annotated[str, Api("Operand")] = "="
    weight: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpreadTarget(Block):
    """A value of a spread's attribute, and the share of the allocations it should have."""

    value: str
    percent: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread(Block):
    """Allocations spread over the values of an attribute."""

    attribute: str
    weight: int | None = None
    targets: Annotated[tuple[SpreadTarget, ...] | None, Api("SpreadTarget")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Port(Block):
    """A port by its label: `static` is the host's port, `to` the one inside the network namespace."""

    label: str
    static: Annotated[int | None, Api("Value")] = None
    to: int | None = None
    host_network: str | None = None
    ignore_collision: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dns(Block):
    """Name resolution inside the network namespace."""

    servers: tuple[str, ...] | None = None
    searches: tuple[str, ...] | None = None
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Network(Block):
    """A group's network and its ports; Nomad keeps static and dynamic ports apart."""

    mode: str | None = None
    reserved_ports: tuple[Port, ...] | None = None
    dynamic_ports: tuple[Port, ...] | None = None
    dns: Dns | None = None
    hostname: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity(Block):
    """A workload identity: a token that Nomad signs for others to trust."""

    name: str | None = None
    aud: Annotated[tuple[str, ...] | None, Api("Audience")] = None
    change_mode: ChangeMode | None = None
    change_signal: str | None = None
    env: bool | None = None
    file: bool | None = None
    filepath: str | None = None
    service_name: str | None = None
    ttl: timedelta | None = None


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
    address_mode: str | None = None
    initial_status: str | None = None
    on_update: str | None = None
    task: Annotated[str | None, Api("TaskName")] = None
    tls_server_name: str | None = None
    tls_skip_verify: bool | None = None
    success_before_passing: int | None = None
    failures_before_critical: int | None = None
    failures_before_warning: int | None = None
    check_restart: CheckRestart | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights(Block):
    """A service's weights in Consul's SRV answers."""

    passing: int | None = None
    warning: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Service(Block):
    """A service in Consul's catalog or Nomad's own; while an allocation is a canary, canary_* replace tags and meta."""

    name: str
    port: Annotated[str | None, Api("PortLabel")] = None
    provider: Literal["consul", "nomad"] = "consul"
    tags: tuple[str, ...] | None = None
    canary_tags: tuple[str, ...] | None = None
    meta: Mapping[str, str] | None = None
    canary_meta: Mapping[str, str] | None = None
    checks: tuple[Check, ...] | None = None
    check_restart: CheckRestart | None = None
    address_mode: str | None = None
    address: str | None = None
    tagged_addresses: Mapping[str, str] | None = None
    enable_tag_override: bool | None = None
    task: Annotated[str | None, Api("TaskName")] = None
    on_update: str | None = None
    identity: Identity | None = None
    weights: Weights | None = None
    cluster: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait(Block):
    """How long a template waits for its sources to come to rest before it is rendered."""

    min: timedelta
    max: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Template(Block):
    """A file of the task, rendered by consul-template inside Nomad."""

    destination: Annotated[str, Api("DestPath")]
    data: Annotated[str | None, Api("EmbeddedTmpl")] = None
    source: Annotated[str | None, Api("SourcePath")] = None
    change_mode: ChangeMode | None = None
    change_signal: str | None = None
    once: bool | None = None
    splay: timedelta | None = None
    wait: Wait | None = None
    perms: str | None = None
    uid: int | None = None
    gid: int | None = None
    env: Annotated[bool | None, Api("Envvars")] = None
    left_delimiter: Annotated[str | None, Api("LeftDelim")] = None
    right_delimiter: Annotated[str | None, Api("RightDelim")] = None
    error_on_missing_key: Annotated[bool | None, Api("ErrMissingKey")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact(Block):
    """Something fetched, checked and unpacked before the task starts."""

    source: Annotated[str, Api("GetterSource")]
    destination: Annotated[str | None, Api("RelativeDest")] = None
    mode: Annotated[Literal["any", "file", "dir"] | None, Api("GetterMode")] = None
    options: Annotated[Mapping[str, str] | None, Api("GetterOptions")] = None
    headers: Annotated[Mapping[str, str] | None, Api("GetterHeaders")] = None
    chown: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources(Block):
    """What a task reserves; `memory_mb` is also its limit unless `memory_max_mb` says more."""

    cpu: int | None = None
    cores: int | None = None
    memory_mb: Annotated[int | None, Api("MemoryMB")] = None
    memory_max_mb: Annotated[int | None, Api("MemoryMaxMB")] = None
    secrets_mb: Annotated[int | None, Api("SecretsMB")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogConfig(Block):
    """How many log files of a task are kept, and how large they may grow."""

    max_files: int | None = None
    max_file_size_mb: Annotated[int | None, Api("MaxFileSizeMB")] = None
    disabled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vault(Block):
    """A task's Vault token, which its templates use; by default it is neither in a file nor in the environment."""

    role: str | None = None
    cluster: str | None = None
    env: bool | None = False
    disable_file: bool | None = True
    change_mode: ChangeMode | None = "noop"
    change_signal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Consul(Block):
    """The Consul cluster of a group or task; in a task it also asks for a Consul token for its templates."""

    cluster: str | None = None
    namespace: str | None = None
    partition: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeRequest(Block):
    """A volume that a group asks for."""

    name: str
    type: Literal["host", "csi"]
    source: str
    read_only: bool | None = None
    sticky: bool | None = None
    access_mode: str | None = None
    attachment_mode: str | None = None
    per_alloc: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeMount(Block):
    """Where a task sees a volume of its group."""

    volume: str
    destination: str
    read_only: bool | None = None
    propagation_mode: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle(Block):
    """When a task runs relative to the group's main tasks."""

    hook: Literal["prestart", "poststart", "poststop"]
    sidecar: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart(Block):
    """How often a failed task is started again on its node, before the allocation fails."""

    attempts: int | None = None
    interval: timedelta | None = None
    delay: timedelta | None = None
    mode: Literal["fail", "delay"] | None = None
    render_templates: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reschedule(Block):
    """How a failed allocation is placed again, perhaps on another node."""

    attempts: int | None = None
    interval: timedelta | None = None
    delay: timedelta | None = None
    delay_function: Literal["constant", "exponential", "fibonacci"] | None = None
    max_delay: timedelta | None = None
    unlimited: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update(Block):
    """How a new version replaces the old one."""

    max_parallel: int | None = None
    health_check: Literal["checks", "task_states", "manual"] | None = None
    min_healthy_time: timedelta | None = None
    healthy_deadline: timedelta | None = None
    progress_deadline: timedelta | None = None
    stagger: timedelta | None = None
    canary: int | None = None
    auto_revert: bool | None = None
    auto_promote: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrate(Block):
    """How allocations leave a node that is drained."""

    max_parallel: int | None = None
    health_check: Literal["checks", "task_states"] | None = None
    min_healthy_time: timedelta | None = None
    healthy_deadline: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EphemeralDisk(Block):
    """The disk shared by a group's tasks."""

    size_mb: Annotated[int | None, Api("SizeMB")] = None
    sticky: bool | None = None
    migrate: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task(Block):
    """One process or container."""

    name: str
    driver: str
    config: Mapping[str, Any]
    user: str | None = None
    env: Mapping[str, str] | None = None
    meta: Mapping[str, str] | None = None
    resources: Resources | None = None
    lifecycle: Lifecycle | None = None
    leader: bool | None = None
    artifacts: tuple[Artifact, ...] | None = None
    templates: tuple[Template, ...] | None = None
    vault: Vault | None = None
    consul: Consul | None = None
    identity: Identity | None = None
    identities: tuple[Identity, ...] | None = None
    services: tuple[Service, ...] | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    restart: Annotated[Restart | None, Api("RestartPolicy")] = None
    logs: Annotated[LogConfig | None, Api("LogConfig")] = None
    kill_signal: str | None = None
    kill_timeout: timedelta | None = None
    shutdown_delay: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskGroup(Block):
    """Tasks that are placed together, `count` times."""

    name: str
    tasks: tuple[Task, ...]
    count: int | None = None
    networks: tuple[Network, ...] | None = None
    services: tuple[Service, ...] | None = None
    volumes: Mapping[str, VolumeRequest] | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    spreads: tuple[Spread, ...] | None = None
    update: Update | None = None
    migrate: Migrate | None = None
    restart: Annotated[Restart | None, Api("RestartPolicy")] = None
    reschedule: Annotated[Reschedule | None, Api("ReschedulePolicy")] = None
    ephemeral_disk: EphemeralDisk | None = None
    consul: Consul | None = None
    meta: Mapping[str, str] | None = None
    shutdown_delay: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Block):
    """A job, whole."""

    id: str
    type: Literal["service", "system", "batch", "sysbatch"]
    task_groups: tuple[TaskGroup, ...]
    name: str | None = None
    namespace: str | None = None
    region: str | None = None
    datacenters: tuple[str, ...] | None = None
    node_pool: str | None = None
    priority: int | None = None
    all_at_once: bool | None = None
    constraints: tuple[Constraint, ...] | None = None
    affinities: tuple[Affinity, ...] | None = None
    spreads: tuple[Spread, ...] | None = None
    update: Update | None = None
    migrate: Migrate | None = None
    reschedule: Reschedule | None = None
    meta: Mapping[str, str] | None = None

    def to_api(self) -> dict[str, Any]:
        """The job as Nomad's API takes it."""
        api: dict[str, Any] = document.encode(self)
        return {"Name": self.id, **api}
