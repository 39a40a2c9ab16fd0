"""Vault: servers, one initialisation, unsealing, joining, and what the set-up leaves behind."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import artifacts, certificates, consul, vault
from configs.environment import Environment, Host, Role
from configs.files import File
from deploy.facts import vault as facts
from deploy.operations import reconcile, service, vault_init, vault_setup, vault_unseal
from deploy.operations.barrier import barrier, one_by_one
from inventory import environments, generate, secrets

_ANSWERS = f"curl -s --cacert {certificates.CA_FILE} https://127.0.0.1:8200/v1/sys/seal-status"


@deploy("Vault")
def run() -> None:
    """Servers that are down, one initialisation, unsealing, the other servers one by one, then the set-up.

    A server is restarted only once every other one is unsealed: a sealed one takes part in nothing.
    """
    env = environments.current()
    me = env.host(host.name)
    first = env.servers[0]
    if me.has(Role.SERVER):
        _server(env, me, only_down=True)
    barrier(name="No Vault server is down")
    if host.name == first.name:
        reconcile.converged(name="Have Vault initialised once", changes=lambda: vault_init.changes(env, first))
    barrier(name="Vault is initialised")
    if host.name == first.name:
        reconcile.converged(name="Have the first server unsealed", changes=lambda: vault_unseal.changes(env, me))
    barrier(name="Vault has a server to join")
    if me in env.servers[1:]:
        reconcile.converged(name="Have the other servers unsealed", changes=lambda: vault_unseal.changes(env, me))
    barrier(name="Vault is unsealed")
    for name in one_by_one(env.servers):
        if host.name == name:
            _server(env, me)
    barrier(name="Vault's servers run")
    if host.name == first.name:
        reconcile.converged(name="Have audit, engines and policies", changes=lambda: vault_setup.changes(env))
    barrier(name="Vault is set up")


def _server(env: Environment, me: Host, *, only_down: bool = False) -> None:
    service.running(
        name="Start the server where it is down" if only_down else f"Run the server {me.name}",
        unit="vault",
        files=[_config(env, me), vault.unit()],
        program=artifacts.VAULT,
        live=[vault.log_rotation()],
        reload_files=[certificates.CA_FILE, certificates.cert("vault"), certificates.key("vault")],
        healthy=_ANSWERS,
        quorum=lambda: facts.quorum(env),
        restarted=lambda: vault_unseal.unseal(env, me),
        only_down=only_down,
    )


def _config(env: Environment, me: Host) -> File:
    def text() -> str:
        token = secrets.open(env).ensure(consul.vault_token(me).secret, generate.token)
        return service.document(vault.server(env, me, consul_token=token))

    return File(path=vault.CONFIG, content=text, group="vault", mode="640")
