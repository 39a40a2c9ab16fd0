"""Volumes that groups ask for and tasks mount, and tasks that are CSI plugins."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from jobs.nomad.check import NAME
from jobs.nomad.document import Api, Block


@dataclass(frozen=True, kw_only=True, slots=True)
class MountOptions(Block):
    """How a CSI volume's file system is mounted."""

    fs_type: Annotated[str | None, Api("FSType")] = None
    mount_flags: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeRequest(Block):
    """A volume that a group asks for."""

    name: Annotated[str, NAME]
    type: Literal["host", "csi"]
    source: str
    read_only: bool | None = None
    sticky: bool | None = None
    access_mode: str | None = None
    attachment_mode: str | None = None
    mount_options: MountOptions | None = None
    per_alloc: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeMount(Block):
    """Where a task sees a volume of its group."""

    volume: str
    destination: str
    read_only: bool | None = None
    propagation_mode: Literal["private", "host-to-task", "bidirectional"] | None = None
    selinux_label: Annotated[str | None, Api("SELinuxLabel")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CsiPlugin(Block):
    """A task that is a CSI plugin."""

    id: str
    type: Literal["node", "controller", "monolith"]
    mount_dir: str | None = None
    stage_publish_base_dir: str | None = None
    health_timeout: timedelta | None = None
