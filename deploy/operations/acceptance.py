"""The proof, from outside, that an environment does what it is for."""

import hashlib
import json
import logging
from collections.abc import Iterator
from functools import partial

from configs.environment import Environment, Role
from configs.errors import SocleError
from deploy import health, wait
from deploy.operations.reconcile import Change
from inventory import tls
from inventory.access import Access
from jobs import acceptance
from jobs.nomad import registration
from jobs.nomad.client import Client

_log = logging.getLogger("pyinfra")

PROVED = "socle/proved"
"""Consul's key of what was proved last."""

WELL_S = 90
"""How long an environment may take after a run until every check is well, in seconds."""


class UnprovedError(SocleError):
    """The environment does not do what it is for; the text says which part."""


def changes(env: Environment, generation: str) -> Iterator[Change]:
    """The proof, when this generation of the environment was not proved yet or something is not well.

    Args:
        env: the environment.
        generation: a digest of what runs: another one is proved anew.
    """
    access = Access.for_environment(env)
    sick = [check for check in health.checks(env) if not check.ok]
    proved = access.consul().kv.get(PROVED)[1]
    if sick:
        yield Change("wait until every check is well", partial(_well, env))
    if sick or not proved or proved["Value"].decode() != generation:
        yield Change("prove it from outside", partial(_prove, access, generation))
        # What Prometheus still asks of the proof's instance would be a finding of whoever looks next.
        yield Change("wait until nothing of the proof is left", partial(_gone, access))
    elif Client(access.nomad()).find(acceptance.NAME):
        yield Change("remove what a proof that was cut off left", partial(_clean, access))


def generation(parts: dict[str, str]) -> str:
    """A digest of what runs where."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _well(env: Environment) -> None:
    def well() -> bool:
        sick = [f"{c.part} {c.what}: {c.detail}" for c in health.checks(env) if not c.ok]
        if sick:
            raise UnprovedError("; ".join(sick))
        return True

    wait.until("every check is well", well, timeout=WELL_S, interval=1)


def _prove(access: Access, proved: str) -> None:
    """A setting through Consul and a secret through Vault to a task that Nomad placed, and its traces."""
    client = Client(access.nomad())
    # What a run that was killed left would be taken for this run's, with the setting and the secret of that one.
    client.purge(acceptance.NAME)
    setting, digest = acceptance.prepare(access)
    try:
        registration.settle(client, acceptance.job(access.env), _log.info)
        wanted = {"greeting": setting, "secret_digest": digest}
        wait.until("the service answers through every ingress host", partial(_answers, access, wanted), timeout=60)
        wait.until("its requests are counted in Prometheus", partial(_counted, access), timeout=60)
        wait.until("its lines are in Loki", partial(_logged, access), timeout=60)
    finally:
        _clean(access)
    access.consul().kv.put(PROVED, proved)


def _clean(access: Access) -> None:
    Client(access.nomad()).purge(acceptance.NAME)
    acceptance.clean(access)


def _gone(access: Access) -> None:
    """Checks would not do: until it is asked again in vain, a target that has ended counts as up."""
    wait.until("Prometheus asks nothing of the proof", lambda: not _asked(access), timeout=60)


def _asked(access: Access) -> bool:
    answer = access.session("prometheus").get(f"{access.url('prometheus')}/api/v1/targets", params={"state": "active"})
    answer.raise_for_status()
    return any(target["labels"]["job"] == acceptance.NAME for target in answer.json()["data"]["activeTargets"])


def _answers(access: Access, wanted: dict[str, str]) -> bool:
    """The setting and the secret come back through every ingress host: DNS, catalog, identity and routes work."""
    for member in access.env.having(Role.INGRESS):
        answer = tls.get(access, member, f"{acceptance.NAME}.{access.env.ingress_domain}")
        answer.raise_for_status()
        shown = answer.json()
        if {key: shown.get(key) for key in wanted} != wanted:
            raise UnprovedError(f"{member.name}: the service shows another setting or secret than was written")
    return True


def _counted(access: Access) -> bool:
    query = f'sum(traefik_service_requests_total{{service=~"{acceptance.NAME}.*"}})'
    return bool(_query(access, "prometheus", "/api/v1/query", query))


def _logged(access: Access) -> bool:
    return bool(_query(access, "loki", "/loki/api/v1/query", f'sum(count_over_time({{job="{acceptance.NAME}"}}[5m]))'))


def _query(access: Access, service: str, path: str, query: str) -> list[object]:
    answer = access.session(service).get(f"{access.url(service)}{path}", params={"query": query})
    answer.raise_for_status()
    found: list[object] = answer.json()["data"]["result"]
    return found
