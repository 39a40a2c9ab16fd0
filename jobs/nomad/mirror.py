"""Programs that jobs fetch from the environment's mirror."""

from collections.abc import Callable

from configs import artifacts
from configs.artifacts import Artifact
from configs.environment import Arch, Environment, Role
from configs.errors import JobError
from jobs.nomad import spec

Checksum = Callable[[Artifact, Arch], str]
"""The SHA-256 of an artifact's archive."""


def fetched(
    env: Environment, artifact: Artifact, checksum: Checksum, role: Role = Role.CLIENT, folder: str = "local/"
) -> spec.Artifact:
    """The block that fetches an artifact into a folder of the task, checked and unpacked.

    Raises:
        JobError: when the hosts of the role have several architectures, which one checksum cannot serve.
    """
    arch = _arch(env, role)
    return spec.Artifact(
        source=artifacts.mirror_url(env, artifact, arch),
        destination=folder,
        options={"checksum": f"sha256:{checksum(artifact, arch)}"},
    )


def same_arch(env: Environment, role: Role = Role.CLIENT) -> spec.Constraint:
    """Placement on the architecture that is fetched."""
    return spec.Constraint(attribute="${attr.cpu.arch}", value=_arch(env, role).value)


def _arch(env: Environment, role: Role) -> Arch:
    found = {host.arch for host in env.having(role)}
    if len(found) != 1:
        raise JobError(
            f"{env.name}: hosts with the role {role} have the architectures {', '.join(sorted(found))} - a job fetches "
            "one archive with one checksum, give them one architecture"
        )
    return found.pop()
