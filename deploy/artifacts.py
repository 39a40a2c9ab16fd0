"""Artifacts on the hosts: acquired on this machine, uploaded once to the mirror, fetched from there by all."""

import threading

from pyinfra import logger
from pyinfra.api.deploy import deploy
from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host, state

from configs import artifacts, mirror
from configs.artifacts import Artifact
from configs.environment import Arch, Environment, Role
from configs.errors import ArtifactError
from deploy.artifact_sources import Acquisition
from deploy.operations import mirror as mirror_operations
from deploy.operations import release, service
from deploy.operations.barrier import barrier
from inventory import artifact_cache, environments
from inventory.artifact_cache import Cache, Entry

_acquired: dict[str, dict[str, Entry]] = {}
"""What this process has acquired, by environment: every host runs the phase, once is enough."""

_one_at_a_time = threading.Lock()


@deploy("Artifacts")
def run() -> None:
    """Have every artifact on the mirror, and on each host those of its roles."""
    env = environments.current()
    me = env.host(host.name)
    if me.has(Role.MIRROR):
        mirror_operations.holding(
            name="Hold the archives", archives=[_archive(env, *pair) for pair in artifacts.mirrored(env)]
        )
        service.running(
            name="Serve them over TLS", unit=mirror.UNIT, files=mirror.files(), reload_files=mirror.CERTIFICATES
        )
    barrier(name="the mirror serves")
    release.installed(
        name="Install this host's versions",
        wanted=[_wanted(env, artifact, me.arch) for artifact in artifacts.wanted(env, me)],
    )


def acquire(env: Environment) -> dict[str, Entry]:
    """Have all artifacts of an environment in this machine's cache; asked again in this process it only remembers.

    Raises:
        ArtifactsError: naming every one that cannot be had, and why.
    """
    with _one_at_a_time:
        if env.name not in _acquired:
            _acquired[env.name] = Acquisition(env.artifacts, logger.info).all(artifacts.mirrored(env))
        return _acquired[env.name]


def _entry(env: Environment, artifact: Artifact, arch: Arch) -> Entry | None:
    """What the cache has; while the run is only prepared, which acquires nothing, perhaps nothing.

    An error of ours would end pyinfra with a traceback; one of its own ends it with the text.
    """
    if not state.is_executing:
        return Cache().entry(artifact, arch)
    try:
        return acquire(env)[artifact.file(arch)]
    except ArtifactError as error:
        raise PyinfraError(str(error)) from error


def _archive(env: Environment, artifact: Artifact, arch: Arch) -> mirror_operations.Archive:
    return mirror_operations.Archive(
        path=artifact_cache.path(artifact, arch), entry=lambda: _entry(env, artifact, arch)
    )


def _wanted(env: Environment, artifact: Artifact, arch: Arch) -> release.Wanted:
    def sha256() -> str | None:
        entry = _entry(env, artifact, arch)
        return entry.sha256 if entry else None

    return release.Wanted(artifact=artifact, arch=arch, url=artifacts.mirror_url(env, artifact, arch), sha256=sha256)
