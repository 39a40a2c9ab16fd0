"""The environment's CA and every host's certificates."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import certificates
from deploy.operations import pki as pki_operations
from inventory import environments


@deploy("PKI")
def run() -> None:
    """Have the CA trusted on the host, and its certificates issued and not in their last third."""
    env = environments.current()
    pki_operations.issued(
        name="Have certificates of the environment's CA",
        env=env,
        leaves=certificates.leaves(env, env.host(host.name)),
    )
