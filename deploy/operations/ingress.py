"""The ingress as it should be: its certificate in Vault, its job in Nomad, serving on every ingress host."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import consul

from configs import ingress
from configs.environment import Environment, Role
from configs.errors import AccessError, JobError
from deploy import wait
from deploy.operations import vault_certificate
from deploy.operations.reconcile import Change
from inventory import authority, secrets
from inventory.access import Access
from jobs import ingress as ingress_job
from jobs.nomad import registration, watch
from jobs.nomad.client import Client

_log = logging.getLogger("pyinfra")

SERVES = timedelta(minutes=2)
"""How long a host may take to serve once its allocation was placed."""


def changes(env: Environment) -> Iterator[Change]:
    """What differs: the certificate, the job, or hosts that do not serve yet."""
    access = Access.for_environment(env)
    issuer = authority.ensure(secrets.open(env), env.name)
    yield from vault_certificate.changes(access, issuer, ingress.leaf(env), ingress.TLS_PATH)
    client, job = Client(access.nomad()), ingress_job.job(env)
    if client.plan(job).changes or not watch.look(client, job.id, int(client.job(job.id)["Version"])).done:
        yield Change("run the job ingress", lambda: registration.settle(client, job, _log.info))
        yield Change("wait until every ingress host serves", lambda: _serving(access))
    elif missing := _silent(access):
        # Nomad does not replace a system job's failed allocation by itself: it wants an evaluation.
        yield Change(f"place the ingress again on {', '.join(sorted(missing))}", lambda: client.evaluate(job.id))
        yield Change(f"wait until {', '.join(sorted(missing))} serves", lambda: _serving(access))


def _serving(access: Access) -> None:
    wait.until(
        "every ingress host serves", lambda: not _silent(access), timeout=SERVES.total_seconds(), errors=(JobError,)
    )


def _silent(access: Access) -> set[str]:
    """The ingress hosts on which Consul finds no Traefik that answers."""
    try:
        _, entries = access.consul().health.service("ingress", passing=True)
    except consul.ConsulException as error:
        raise AccessError(f"{access.env.name}: Consul does not tell who serves ({type(error).__name__})") from None
    return {host.name for host in access.env.having(Role.INGRESS)} - {entry["Node"]["Node"] for entry in entries}
