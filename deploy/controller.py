"""The rollouts' controller: a job of ours, so that a rollout survives the machine that began it."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from deploy.operations import controller, reconcile
from deploy.operations.barrier import barrier
from inventory import environments


@deploy("Controller")
def run() -> None:
    """One host's turn: its secrets in Vault, the job in Nomad; nothing where the clients' Python is too old."""
    env = environments.current()
    if host.name == env.servers[0].name and env.client_python:
        reconcile.converged(name="Have the controller attend open rollouts", changes=lambda: controller.changes(env))
    barrier(name="The controller runs")
