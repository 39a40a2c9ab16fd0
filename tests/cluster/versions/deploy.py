"""Put the version VERSION of the program, from the cache in the folder CACHE, on the mirror and on the client."""

import os
from dataclasses import replace
from pathlib import Path

from pyinfra.context import host

from configs import artifacts, mirror
from configs.environment import Arch
from deploy.operations import mirror as mirror_operations
from deploy.operations import release, service
from deploy.operations.barrier import barrier
from inventory import environments
from inventory.artifact_cache import Cache
from tests.integration import vendor

_env = environments.current()
_tool = replace(vendor.artifact(""), version=os.environ["VERSION"])
_cache = Cache(Path(os.environ["CACHE"]))

if host.name == _env.mirror.name:
    mirror_operations.holding(
        name="Hold the archive",
        archives=[
            mirror_operations.Archive(
                path=_cache.path(_tool, Arch.AMD64), entry=lambda: _cache.entry(_tool, Arch.AMD64)
            )
        ],
    )
    service.running(name="Serve it", unit=mirror.UNIT, files=mirror.files(), reload_files=mirror.CERTIFICATES)
barrier(name="the mirror serves")
if host.name != _env.mirror.name:
    release.installed(
        name="Install it",
        wanted=[
            release.Wanted(
                artifact=_tool,
                arch=Arch.AMD64,
                url=artifacts.mirror_url(_env, _tool, Arch.AMD64),
                sha256=lambda: _cache.sha256(_tool, Arch.AMD64),
            )
        ],
    )
