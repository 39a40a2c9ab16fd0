"""Whether an environment is well: every part is asked, and says one line."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import consul as consul_api
import hvac
import nomad as nomad_api
from requests import RequestException

from configs import certificates, controller, ports
from configs.environment import Environment, Host, Role
from configs.errors import SocleError
from deploy.facts import consul as consul_facts
from deploy.facts import nomad as nomad_facts
from deploy.facts import vault as vault_facts
from inventory import tls
from inventory.access import Access
from jobs import controller as controller_job
from jobs.rollout import hold
from jobs.rollout.controller import KEY
from jobs.rollout.kv import KV

LOGS_WITHIN = timedelta(minutes=10)
"""A host that sent no line for this long sends none: the Collector's own metrics and cron alone write more often."""

DRIVERS = ("exec", "docker")

_FAILURES = (
    SocleError,
    RequestException,
    OSError,
    ssl.SSLError,
    consul_api.ConsulException,
    hvac.exceptions.VaultError,
    nomad_api.api.exceptions.BaseNomadException,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of an environment's status."""

    part: str
    what: str
    ok: bool
    detail: str


Answer = tuple[bool, str]


def checks(env: Environment) -> tuple[Check, ...]:
    """Every check, asked at the same time, in a fixed order."""
    access = Access.for_environment(env)
    questions = list(_questions(env, access))
    with ThreadPoolExecutor(max_workers=16) as pool:
        answers = pool.map(lambda question: _asked(question[2]), questions)
    return tuple(Check(part, what, *answer) for (part, what, _), answer in zip(questions, answers, strict=True))


def _asked(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except _FAILURES as error:
        return False, f"{type(error).__name__}: {error}".splitlines()[0][:200]


Question = tuple[str, str, Callable[[], Answer]]


def _questions(env: Environment, access: Access) -> Iterator[Question]:
    yield "consul", "servers", lambda: _group(consul_facts.quorum(env))
    yield "consul", "agents", lambda: _agents(env, access)
    for server in env.servers:
        yield "vault", server.name, lambda s=server: _vault(env, s)  # type: ignore[misc]
    yield "vault", "active", lambda: active(vault_facts.leaders(env))
    yield "vault", "raft peers", lambda: _group(vault_facts.quorum(env))
    yield "nomad", "servers", lambda: _group(nomad_facts.quorum(env))
    for client in env.clients:
        yield "nomad", client.name, lambda c=client: _node(access, c)  # type: ignore[misc]
    yield "prometheus", "targets", lambda: _targets(access)
    yield "prometheus", "alerts", lambda: _alerts(access)
    yield "alertmanager", "watchdog", lambda: _watchdog(access)
    for member in env.hosts:
        yield "loki", f"lines of {member.name}", lambda m=member: _lines(access, m)  # type: ignore[misc]
    for member in env.having(Role.INGRESS):
        yield "ingress", member.name, lambda m=member: _ingress(env, access, m)  # type: ignore[misc]
    if env.client_python:
        yield "controller", "instances", lambda: _controller(env, access)
    yield "certificates", "expiry", lambda: _expiry(env, access)


def _group(health: Any) -> Answer:
    return health.leader and health.healthy, health.detail


def _agents(env: Environment, access: Access) -> Answer:
    _, found = access.consul().health.state("passing")
    alive = {check["Node"] for check in found if check["CheckID"] == "serfHealth"}
    lost = sorted({host.name for host in env.hosts} - alive)
    return not lost, f"lost: {', '.join(lost)}" if lost else f"{len(env.hosts)} alive"


def _vault(env: Environment, server: Host) -> Answer:
    state = vault_facts.seal_status(env, server)
    if not state["initialized"]:
        return False, "not initialised"
    return not state["sealed"], "sealed - run deploy/cluster.py to unseal it" if state["sealed"] else "unsealed"


def active(found: Sequence[str]) -> Answer:
    """Whether one Vault server is active, and which.

    A server that was joined and unsealed at the same moment has called itself active beside the active one.

    Args:
        found: the names of those that say they are.
    """
    if len(found) == 1:
        return True, found[0]
    which = f"{' and '.join(found)} at once - restart Vault on one of them" if found else "none - see their journals"
    return False, f"{which}, then run deploy/cluster.py"


def _node(access: Access, client: Host) -> Answer:
    found = [node for node in access.nomad().nodes.get_nodes() if node["Name"] == client.name]
    ready = [node for node in found if node["Status"] == "ready"]
    if not ready:
        return False, found[0]["Status"] if found else "not registered"
    drivers = ready[0]["Drivers"]
    sick = [name for name in DRIVERS if not drivers.get(name, {}).get("Healthy")]
    eligible = ready[0]["SchedulingEligibility"] == "eligible"
    text = f"unhealthy: {', '.join(sick)}" if sick else f"ready, {ready[0]['SchedulingEligibility']}"
    return not sick and eligible, text


def _json(access: Access, service: str, path: str, **params: str) -> Any:
    answer = access.session(service).get(f"{access.url(service)}{path}", params=params)
    answer.raise_for_status()
    return answer.json()


def _targets(access: Access) -> Answer:
    active = _json(access, "prometheus", "/api/v1/targets", state="active")["data"]["activeTargets"]
    down = sorted(
        f"{t['labels']['job']} on {t['labels'].get('host', t['scrapeUrl'])}" for t in active if t["health"] != "up"
    )
    return bool(active) and not down, f"down: {', '.join(down)}" if down else f"{len(active)} up"


def _alerts(access: Access) -> Answer:
    """Critical ones only: a warning is told, and waits for the morning."""
    found = _json(access, "prometheus", "/api/v1/alerts")["data"]["alerts"]
    firing = [alert["labels"] for alert in found if alert["state"] == "firing"]
    names = sorted({f"{labels['alertname']} ({labels['severity']})" for labels in firing} - {"Watchdog (none)"})
    critical = any(labels["severity"] == "critical" for labels in firing)
    return not critical, f"firing: {', '.join(names)}" if names else "none fires"


def _watchdog(access: Access) -> Answer:
    found = _json(access, "alertmanager", "/api/v2/alerts", filter='alertname="Watchdog"')
    return bool(found), "arrives" if found else "does not arrive: alerts reach nobody"


def _lines(access: Access, member: Host) -> Answer:
    query = f'sum(count_over_time({{host="{member.name}"}}[{int(LOGS_WITHIN.total_seconds())}s]))'
    result = _json(access, "loki", "/loki/api/v1/query", query=query)["data"]["result"]
    count = int(result[0]["value"][1]) if result else 0
    return count > 0, f"{count} in {int(LOGS_WITHIN.total_seconds() / 60)} minutes"


def _ingress(env: Environment, access: Access, member: Host) -> Answer:
    """An unknown name gets 404 from a Traefik that serves."""
    code = tls.get(access, member, f"unknown.{env.ingress_domain}").status_code
    return code == HTTPStatus.NOT_FOUND, "serves" if code == HTTPStatus.NOT_FOUND else f"answers {code}"


def _controller(env: Environment, access: Access) -> Answer:
    api = access.consul()
    _, passing = api.health.service(controller.NAME, passing=True)
    wanted, active = controller_job.instances(env), hold.holder(KV(api), KEY)
    text = f"{len(passing)} of {wanted} pass, " + (f"active: {active.who}" if active else "none is active")
    return len(passing) == wanted and active is not None, text


def _expiry(env: Environment, access: Access) -> Answer:
    """The certificate that each server presents now, not the file it may have read."""
    found = [(expires, where) for where, expires in _presented(env, access)]
    soonest, where = min(found)
    left = soonest - datetime.now(UTC)
    # A run renews at a third: less than a quarter means that no run came for weeks.
    return left > certificates.LIFETIME / 4, f"{left.days} days left, soonest {where}"


def _presented(env: Environment, access: Access) -> Iterator[tuple[str, datetime]]:
    for member in env.hosts:
        offered = [ports.CONSUL_HTTPS]
        offered += [ports.VAULT_API] if member.has(Role.SERVER) else []
        offered += [ports.NOMAD_HTTP] if member.has(Role.SERVER) or member.has(Role.CLIENT) else []
        offered += [ports.HTTPS] if member.has(Role.INGRESS) else []
        offered += [ports.PROMETHEUS, ports.LOKI] if member.has(Role.MONITOR) else []
        for port in offered:
            yield f"{member.name}:{port}", tls.presented(access, member, port).not_valid_after_utc
