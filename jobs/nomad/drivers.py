"""The configuration of Nomad's built-in drivers, typed; a task takes any of them as its `config`.

`spec.Task(driver="docker", config=drivers.Docker(image="..."))`. Each is a mapping too, and equals the plain one of
the same content: Nomad knows a task's config as free-form JSON, and a task read from it has that. Durations in it are
texts (`image_pull_timeout="5m"`); where Nomad has a list of one mapping (`labels`), so has the type.

Source: `taskConfigSpec` of drivers/docker/config.go and of drivers/{exec,rawexec,java,qemu}/driver.go, Nomad 1.11.3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from jobs.nomad import document
from jobs.nomad.check import Mistake, Range
from jobs.nomad.document import Api, Block

Isolation = Literal["private", "host"]

_OOM_SCORE = Range(-1000, 1000)
_UNLIMITED = Range(-1)


class Config(Mapping[str, Any], Block):
    """A block of a driver's configuration; it is the mapping that Nomad gets."""

    __slots__ = ()

    api_case: ClassVar[bool] = False

    def __getitem__(self, key: str) -> Any:
        return document.encode(self)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(document.encode(self))

    def __len__(self) -> int:
        return len(document.encode(self))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exec(Config):
    """A command in a chroot of its own, with the privileges that it is given."""

    command: str
    args: tuple[str, ...] | None = None
    work_dir: str | None = None
    pid_mode: Isolation | None = None
    ipc_mode: Isolation | None = None
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RawExec(Config):
    """A command on the host as it is; the overrides of its cgroup end all limits on the task."""

    command: str
    args: tuple[str, ...] | None = None
    work_dir: str | None = None
    denied_envvars: tuple[str, ...] | None = None
    oom_score_adj: Annotated[int | None, _OOM_SCORE] = None
    cgroup_v2_override: str | None = None
    cgroup_v1_override: tuple[Mapping[str, str], ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Java(Config):
    """A class, or a jar, in a Java virtual machine; isolated as with `exec`."""

    class_: Annotated[str | None, Api("class")] = None
    class_path: str | None = None
    jar_path: str | None = None
    jvm_options: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    work_dir: str | None = None
    pid_mode: Isolation | None = None
    ipc_mode: Isolation | None = None
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """There is something to run."""
        if not (self.class_ or self.jar_path):
            yield ".jar_path", "missing, and class_ too - give one of both"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Qemu(Config):
    """A virtual machine from an image."""

    image_path: str
    emulator: str | None = None
    machine_type: str | None = None
    drive_interface: str | None = None
    accelerator: str | None = None
    graceful_shutdown: bool | None = None
    guest_agent: bool | None = None
    args: tuple[str, ...] | None = None
    port_map: tuple[Mapping[str, int], ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DockerAuth(Config):
    """How the image's registry is logged in to; better kept in the client's own configuration."""

    username: str | None = None
    password: str | None = None
    email: str | None = None
    server_address: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DockerDevice(Config):
    """A device of the host in the container."""

    host_path: str
    container_path: str | None = None
    cgroup_permissions: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DockerHealthchecks(Config):
    """Whether the image's own health check is left out."""

    disable: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DockerLogging(Config):
    """Docker's own logging driver instead of Nomad's log files."""

    type: str | None = None
    driver: str | None = None
    config: tuple[Mapping[str, str], ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BindOptions(Config):
    """How a bind mount passes mounts on."""

    propagation: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TmpfsOptions(Config):
    """The size (bytes) and mode of a file system in memory."""

    size: int | None = None
    mode: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VolumeDriver(Config):
    """A volume's plugin and what it is told."""

    name: str | None = None
    options: tuple[Mapping[str, str], ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VolumeOptions(Config):
    """How a docker volume is made."""

    no_copy: bool | None = None
    labels: tuple[Mapping[str, str], ...] | None = None
    driver_config: VolumeDriver | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DockerMount(Config):
    """A mount of the container."""

    type: Literal["bind", "volume", "tmpfs"] | None = None
    target: str | None = None
    source: str | None = None
    readonly: bool | None = None
    bind_options: BindOptions | None = None
    tmpfs_options: TmpfsOptions | None = None
    volume_options: VolumeOptions | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Docker(Config):
    """A container; `mounts` and `port_map` are what Nomad had before `mount`, and before groups had networks."""

    image: str
    advertise_ipv6_address: bool | None = None
    args: tuple[str, ...] | None = None
    auth: DockerAuth | None = None
    auth_soft_fail: bool | None = None
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None
    cgroupns: Literal["private", "host"] | None = None
    command: str | None = None
    container_exists_attempts: int | None = None
    cpu_cfs_period: int | None = None
    cpu_hard_limit: bool | None = None
    cpuset_cpus: str | None = None
    devices: tuple[DockerDevice, ...] | None = None
    dns_options: tuple[str, ...] | None = None
    dns_search_domains: tuple[str, ...] | None = None
    dns_servers: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    extra_hosts: tuple[str, ...] | None = None
    force_pull: bool | None = None
    group_add: tuple[str, ...] | None = None
    healthchecks: DockerHealthchecks | None = None
    hostname: str | None = None
    image_pull_timeout: str | None = None
    init: bool | None = None
    interactive: bool | None = None
    ipc_mode: str | None = None
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    isolation: str | None = None
    labels: tuple[Mapping[str, str], ...] | None = None
    load: str | None = None
    logging: DockerLogging | None = None
    mac_address: str | None = None
    memory_hard_limit: int | None = None
    mount: tuple[DockerMount, ...] | None = None
    mounts: tuple[DockerMount, ...] | None = None
    network_aliases: tuple[str, ...] | None = None
    network_mode: str | None = None
    oom_score_adj: Annotated[int | None, _OOM_SCORE] = None
    pid_mode: str | None = None
    pids_limit: Annotated[int | None, _UNLIMITED] = None
    port_map: tuple[Mapping[str, int], ...] | None = None
    ports: tuple[str, ...] | None = None
    privileged: bool | None = None
    readonly_rootfs: bool | None = None
    runtime: str | None = None
    security_opt: tuple[str, ...] | None = None
    shm_size: int | None = None
    storage_opt: Mapping[str, str] | None = None
    sysctl: tuple[Mapping[str, str], ...] | None = None
    tty: bool | None = None
    ulimit: tuple[Mapping[str, str], ...] | None = None
    userns_mode: str | None = None
    uts_mode: str | None = None
    volume_driver: str | None = None
    volumes: tuple[str, ...] | None = None
    work_dir: str | None = None


BY_NAME: Final[Mapping[str, type[Config]]] = {
    "docker": Docker,
    "exec": Exec,
    "java": Java,
    "qemu": Qemu,
    "raw_exec": RawExec,
}
"""The type of each driver's configuration, by the driver's name in a task."""
