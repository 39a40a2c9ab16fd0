"""Ingress: Traefik as a job on the ingress hosts, with a certificate of the environment's CA."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from deploy.operations import ingress, reconcile
from deploy.operations.barrier import barrier
from inventory import environments


@deploy("Ingress")
def run() -> None:
    """One host's turn: the certificate in Vault, the job in Nomad, every ingress host serving."""
    env = environments.current()
    if host.name == env.servers[0].name:
        reconcile.converged(name="Have Traefik serve on the ingress hosts", changes=lambda: ingress.changes(env))
    barrier(name="The ingress serves")
