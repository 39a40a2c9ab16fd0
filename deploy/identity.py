"""Workload identity: Consul and Vault trust Nomad."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from deploy.operations import identity, reconcile
from deploy.operations.barrier import barrier
from inventory import environments


@deploy("Workload identity")
def run() -> None:
    """One host asks both and changes what differs."""
    env = environments.current()
    if host.name == env.servers[0].name:
        reconcile.converged(name="Have Consul and Vault trust Nomad", changes=lambda: identity.changes(env))
    barrier(name="Workloads have identities")
