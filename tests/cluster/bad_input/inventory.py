"""badinput: hosts that are sound by themselves; SITE asks for more than they have, and names a mirror of artifacts."""

import os

from configs.environment import Artifacts, Environment, Minimums, Role, Seal
from inventory import environments, local

_SUBNET = "172.30.50.0/24"
_SITE = os.environ.get("SITE")

globals().update(
    environments.define(
        Environment(
            name="badinput",
            hosts=local.hosts(
                "badinput",
                _SUBNET,
                {
                    "1": {Role.SERVER, Role.MIRROR},
                    "2": {Role.SERVER},
                    "3": {Role.SERVER, Role.MONITOR},
                    "4": {Role.CLIENT, Role.INGRESS},
                },
            ),
            control=(f"{local.gateway(_SUBNET)}/32",),
            ingress_domain="badinput.socle.internal",
            seal=Seal(shares=1, threshold=1),
            minimums=Minimums(memory_mib=9_000_000, disk_mib=900_000_000) if _SITE else Minimums(),
            artifacts=Artifacts(sources=("mirror",), mirror=_SITE) if _SITE else Artifacts(),
        )
    )
)
