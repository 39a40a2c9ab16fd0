"""Consul: servers, access control, then every other host's agent."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import artifacts, certificates, consul
from configs.environment import Environment, Host, Role
from configs.files import File
from deploy.facts import consul as facts
from deploy.operations import consul_acl, reconcile, service
from deploy.operations.barrier import barrier, one_by_one
from inventory import environments, generate, secrets

_ANSWERS = f"curl -sf --cacert {certificates.CA_FILE} https://127.0.0.1:8501/v1/status/leader"


@deploy("Consul")
def run() -> None:
    """Servers that are down, the others one by one, ACLs, then the other agents."""
    env = environments.current()
    me = env.host(host.name)
    if me.has(Role.SERVER):
        _agent(env, me, only_down=True)
    barrier(name="No Consul server is down")
    for name in one_by_one(env.servers):
        if host.name == name:
            _agent(env, me)
    barrier(name="Consul's servers run")
    if host.name == env.servers[0].name:
        reconcile.converged(name="Have access control: policies and tokens", changes=lambda: consul_acl.changes(env))
    barrier(name="Consul's access control is in force")
    if not me.has(Role.SERVER):
        _agent(env, me)


def _agent(env: Environment, me: Host, *, only_down: bool = False) -> None:
    service.running(
        name=_name(me, only_down=only_down),
        unit="consul",
        files=[_config(env, me), consul.unit()],
        program=artifacts.CONSUL,
        reload_files=[certificates.CA_FILE, certificates.cert("consul"), certificates.key("consul")],
        healthy=_ANSWERS,
        quorum=(lambda: facts.quorum(env)) if me.has(Role.SERVER) else None,
        only_down=only_down,
    )


def _name(me: Host, *, only_down: bool) -> str:
    if only_down:
        return "Start the server where it is down"
    return f"Run the server {me.name}" if me.has(Role.SERVER) else "Run the agent"


def _config(env: Environment, me: Host) -> File:
    return File(path=consul.CONFIG, content=lambda: _config_text(env, me), user="root", group="consul", mode="640")


def _config_text(env: Environment, me: Host) -> str:
    kept = secrets.open(env)
    return service.document(
        consul.agent(
            env,
            me,
            gossip_key=kept.ensure("consul/gossip", generate.gossip_key),
            token=kept.ensure(consul.agent_token(me).secret, generate.token),
            dns_token=kept.ensure(consul.DNS_TOKEN.secret, generate.token),
        )
    )
