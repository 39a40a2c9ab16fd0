"""Is it really up? The last phase asks from outside."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.deploy import deploy
from pyinfra.api.operation import operation
from pyinfra.context import host

from configs import identity
from deploy import preflight, wait
from deploy.facts.names import Resolves
from deploy.operations import acceptance, reconcile, service
from deploy.operations.barrier import barrier
from inventory import environments

_TRIES = 40
"""How often names are asked for, half a second apart."""


@deploy("Verify")
def run() -> None:
    """Names on every host; then every check, and the proof when something is new."""
    env = environments.current()
    resolved(name="Have .consul names answered", names=[identity.JWKS_HOST, "active.vault.service.consul"])
    barrier(name="Every host resolves names")
    if host.name == env.servers[0].name:
        reconcile.converged(
            name="Prove it from outside",
            changes=lambda: acceptance.changes(env, acceptance.generation(service.started() | preflight.machines())),
        )
    barrier(name="The environment is up")


@operation()
def resolved(names: list[str]) -> Generator[StringCommand, None, None]:
    """Fail on a host whose resolver does not answer for Consul's names."""
    # The catalog may be a moment behind the servers that were started last.
    if host.get_fact(Resolves, names=names, tries=1 if wait.preparing() else _TRIES) is False:
        yield StringCommand(f"for n in {' '.join(names)}; do getent ahostsv4 $n || exit 1; done")
