"""Nomad: servers, access control, then clients."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import artifacts, certificates, consul, nomad
from configs.environment import Environment, Host, Role
from configs.files import File
from deploy.facts import nomad as facts
from deploy.operations import departed, nomad_acl, nomad_introduction, reconcile, service
from deploy.operations.barrier import barrier, one_by_one
from inventory import environments, generate, secrets

_ANSWERS = f"curl -s --cacert {certificates.CA_FILE} https://127.0.0.1:4646/v1/status/leader"


@deploy("Nomad servers")
def servers() -> None:
    """Servers that are down, the others one by one, then ACLs."""
    env = environments.current()
    me = env.host(host.name)
    if me.has(Role.SERVER):
        _agent(env, me, only_down=True)
    barrier(name="No Nomad server is down")
    for name in one_by_one(env.servers):
        if host.name == name:
            _agent(env, me)
    barrier(name="Nomad's servers run")
    if host.name == env.servers[0].name:
        reconcile.converged(name="Have access control: policies and tokens", changes=lambda: nomad_acl.changes(env))
    barrier(name="Nomad's access control is in force")


@deploy("Nomad clients")
def clients() -> None:
    """Clients, each introduced to the servers; a server that is a client too runs already."""
    env = environments.current()
    me = env.host(host.name)
    if me.has(Role.CLIENT):
        service.running(name="Run Docker", unit="docker", files=[nomad.docker()])
        nomad_introduction.introduced(name="Introduce the client", env=env)
        if not me.has(Role.SERVER):
            _agent(env, me)
    barrier(name="Nomad's clients run")
    if host.name == env.servers[0].name:
        reconcile.converged(name="Forget what hosts left behind", changes=lambda: departed.changes(env))


def _agent(env: Environment, me: Host, *, only_down: bool = False) -> None:
    server = me.has(Role.SERVER)
    service.running(
        name=_name(me, only_down=only_down),
        unit="nomad",
        files=[_config(env, me), nomad.unit(me)],
        program=artifacts.NOMAD,
        reload_files=[certificates.CA_FILE, certificates.cert("nomad"), certificates.key("nomad")],
        healthy=_ANSWERS,
        quorum=(lambda: facts.quorum(env)) if server else None,
        only_down=only_down,
    )


def _name(me: Host, *, only_down: bool) -> str:
    if only_down:
        return "Start the server where it is down"
    return f"Run the server {me.name}" if me.has(Role.SERVER) else "Run the client"


def _config(env: Environment, me: Host) -> File:
    def text() -> str:
        kept = secrets.open(env)
        return service.document(
            nomad.agent(
                env,
                me,
                gossip_key=kept.ensure("nomad/gossip", generate.gossip_key),
                consul_token=kept.ensure(consul.nomad_token(me).secret, generate.token),
            )
        )

    group = "root" if me.has(Role.CLIENT) else "nomad"
    return File(path=nomad.CONFIG, content=text, group=group, mode="640")
