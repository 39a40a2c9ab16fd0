"""The rollouts' controller as it should be: its secrets in Vault, its job in Nomad, every instance well."""

import logging
from collections.abc import Iterator

from configs import controller
from configs.environment import Environment
from deploy.operations import nomad_acl, vault_certificate
from deploy.operations.reconcile import Change
from inventory import authority, secrets, vault_kv
from inventory.access import Access
from jobs import controller as controller_job
from jobs.nomad import registration, watch
from jobs.nomad.client import Client

_log = logging.getLogger("pyinfra")


def changes(env: Environment) -> Iterator[Change]:
    """What differs: its certificate, its tokens, or the job."""
    access = Access.for_environment(env)
    issuer = authority.ensure(secrets.open(env), env.name)
    yield from vault_certificate.changes(access, issuer, controller.leaf(), controller.TLS_PATH)
    tokens = {
        "nomad": access.secrets.get(nomad_acl.token_secret(controller.NAME)),
        "prometheus": access.secrets.get("prometheus/password"),
    }
    if vault_kv.read(access, controller.TOKENS_PATH) != tokens:
        yield Change("give it its tokens", lambda: vault_kv.write(access, controller.TOKENS_PATH, tokens))
    client, job = Client(access.nomad()), controller_job.job(env)
    if client.plan(job).changes or not watch.look(client, job.id, int(client.job(job.id)["Version"])).done:
        yield Change(f"run the job {job.id}", lambda: registration.settle(client, job, _log.info))
