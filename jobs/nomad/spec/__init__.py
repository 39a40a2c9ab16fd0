"""Nomad's job as frozen, typed values: names as in Nomad's job specification, in Python's case.

What is None is not said, and Nomad's default holds. Sizes are MiB (`_mb`) and CPU is MHz, as in Nomad; durations are
`timedelta`. Every field of the API of Nomad 1.11.3 is here but those that Nomad itself writes (`SERVER_FIELDS`);
jobs/nomad/fields.json is its list, made from Nomad's own source.
"""

from jobs.nomad.spec.check import Check, CheckRestart
from jobs.nomad.spec.connect import (
    Connect,
    Expose,
    ExposePath,
    MeshGateway,
    Proxy,
    SidecarService,
    SidecarTask,
    TransparentProxy,
    Upstream,
)
from jobs.nomad.spec.gateway import (
    Gateway,
    GatewayBindAddress,
    GatewayProxy,
    GatewaySds,
    GatewayTls,
    HeaderModifiers,
    IngressGateway,
    IngressListener,
    IngressService,
    LinkedService,
    MeshGatewayEntry,
    TerminatingGateway,
)
from jobs.nomad.spec.group import TaskGroup
from jobs.nomad.spec.identity import Consul, Identity, Secret, Vault
from jobs.nomad.spec.job import (
    SERVER_FIELDS,
    Job,
    Link,
    Multiregion,
    MultiregionRegion,
    MultiregionStrategy,
    Parameterized,
    Periodic,
    Ui,
)
from jobs.nomad.spec.logs import LogConfig
from jobs.nomad.spec.network import Cni, Dns, Network, Port
from jobs.nomad.spec.placement import Affinity, Constraint, Spread, SpreadTarget
from jobs.nomad.spec.resources import Device, Numa, Resources
from jobs.nomad.spec.scaling import ScalingPolicy
from jobs.nomad.spec.service import Service, Weights
from jobs.nomad.spec.task import Action, DispatchPayload, Lifecycle, Schedule, ScheduleCron, Task
from jobs.nomad.spec.template import Artifact, ChangeMode, ChangeScript, Template, Wait
from jobs.nomad.spec.update import Disconnect, EphemeralDisk, Migrate, Reschedule, Restart, Update
from jobs.nomad.spec.volume import CsiPlugin, MountOptions, VolumeMount, VolumeRequest

__all__ = [
    "SERVER_FIELDS",
    "Action",
    "Affinity",
    "Artifact",
    "ChangeMode",
    "ChangeScript",
    "Check",
    "CheckRestart",
    "Cni",
    "Connect",
    "Constraint",
    "Consul",
    "CsiPlugin",
    "Device",
    "Disconnect",
    "DispatchPayload",
    "Dns",
    "EphemeralDisk",
    "Expose",
    "ExposePath",
    "Gateway",
    "GatewayBindAddress",
    "GatewayProxy",
    "GatewaySds",
    "GatewayTls",
    "HeaderModifiers",
    "Identity",
    "IngressGateway",
    "IngressListener",
    "IngressService",
    "Job",
    "Lifecycle",
    "Link",
    "LinkedService",
    "LogConfig",
    "MeshGateway",
    "MeshGatewayEntry",
    "Migrate",
    "MountOptions",
    "Multiregion",
    "MultiregionRegion",
    "MultiregionStrategy",
    "Network",
    "Numa",
    "Parameterized",
    "Periodic",
    "Port",
    "Proxy",
    "Reschedule",
    "Resources",
    "Restart",
    "ScalingPolicy",
    "Schedule",
    "ScheduleCron",
    "Secret",
    "Service",
    "SidecarService",
    "SidecarTask",
    "Spread",
    "SpreadTarget",
    "Task",
    "TaskGroup",
    "Template",
    "TerminatingGateway",
    "TransparentProxy",
    "Ui",
    "Update",
    "Upstream",
    "Vault",
    "VolumeMount",
    "VolumeRequest",
    "Wait",
    "Weights",
]
