"""Vault's one initialisation, whatever dies when."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from pyinfra.api.host import Host as Connection
from pyinfra.context import host

from configs import certificates, vault
from configs.environment import Environment, Host
from configs.errors import SocleError
from deploy.operations.reconcile import Change
from inventory import secrets
from inventory.access import Access

KEYS = "vault/unseal-keys"
ROOT = "vault/root-token"

_CALL = """
umask 077; mkdir -p /run/socle; exec 9>/run/socle/vault-init.lock; flock 9
[ -s {answer} ] || setsid sh -c {call}
[ -s {answer} ]
"""


class VaultDataError(SocleError):
    """Vault's data and the secrets file do not belong together."""


def changes(env: Environment, first: Host) -> Iterator[Change]:
    """The initialisation, when there was none; or taking over the answer of one whose caller died."""
    access = Access.for_environment(env)
    states = {s.name: bool(access.vault(s, token="").sys.read_seal_status()["initialized"]) for s in env.servers}
    kept, here = secrets.open(env), host
    if kept.find(KEYS):
        if not any(states.values()):
            raise VaultDataError(
                f"{env.name}: Vault is empty on every server, but the secrets file has its unseal keys - restore "
                f"Vault's data, or remove {KEYS} and {ROOT} from the secrets to begin anew"
            )
        if _answer(here):
            yield Change("remove the shares that were kept", lambda: _forget(here))
    elif not any(states.values()):
        yield Change("initialise Vault", lambda: _initialise(env, here))
        yield Change("keep its shares", lambda: _take(env, here))
    elif states[first.name] and _answer(here):
        yield Change("keep the shares of an initialisation that was cut off", lambda: _take(env, here))
    elif [name for name, initialised in states.items() if initialised] == [first.name] and _never_open(here):
        # Nobody ever had a share, so it was never open and holds nothing.
        yield Change("begin anew: the shares of the last initialisation were lost", lambda: _wipe(here))
        yield Change("initialise Vault", lambda: _initialise(env, here))
        yield Change("keep its shares", lambda: _take(env, here))
    else:
        raise VaultDataError(
            f"{env.name}: Vault is initialised, but its unseal keys are not in the secrets file - these hosts belong "
            f"to another cluster, or inventory/secrets/{env.name}.age is an old one: bring the right file"
        )


def _initialise(env: Environment, here: Connection) -> None:
    """Call on the host itself and keep the answer there, in memory: it outlives this process and this connection."""
    body = json.dumps({"secret_shares": env.seal.shares, "secret_threshold": env.seal.threshold})
    new = f"{vault.INIT_ANSWER}.new"
    url = "https://127.0.0.1:8200/v1/sys/init"
    call = (
        f"curl -sS --fail --cacert {certificates.CA_FILE} -X PUT -d {shlex.quote(body)} -o {new} {url} "
        f"&& mv {new} {vault.INIT_ANSWER}"
    )
    script = _CALL.format(answer=vault.INIT_ANSWER, call=shlex.quote(call))
    _run(here, script, "initialise Vault")


def _answer(here: Connection) -> dict[str, Any] | None:
    ok, output = here.run_shell_command(f"cat {vault.INIT_ANSWER}", _sudo=True, print_output=False)
    return json.loads(output.stdout) if ok else None


def _take(env: Environment, here: Connection) -> None:
    """Into the secrets file first, then off the host."""
    answer = _answer(here)
    if answer is None:
        raise VaultDataError(f"{here.name}: {vault.INIT_ANSWER} is gone - run again")
    kept = secrets.open(env)
    kept.put(ROOT, answer["root_token"])
    kept.put(KEYS, json.dumps(answer["keys_base64"]))
    _forget(here)


def _forget(here: Connection) -> None:
    _run(here, f"rm -f {vault.INIT_ANSWER}", "remove the answer")


def _never_open(here: Connection) -> bool:
    """Whether nobody ever used this Vault: the first thing done with an open one is its audit log."""
    never, _ = here.run_shell_command(f"test ! -e {vault.AUDIT_LOG}", _sudo=True, print_output=False)
    return never


def _wipe(here: Connection) -> None:
    script = (
        f"systemctl stop vault && rm -rf {vault.DATA}/raft && systemctl start vault && "
        f"for i in $(seq 120); do curl -s --cacert {certificates.CA_FILE} https://127.0.0.1:8200/v1/sys/init "
        "| grep -q false && exit 0; sleep 0.5; done; exit 1"
    )
    _run(here, script, "begin anew")


def _run(here: Connection, script: str, what: str) -> None:
    ok, output = here.run_shell_command(f"sh -c {shlex.quote(script)}", _sudo=True, print_output=False)
    if not ok:
        raise VaultDataError(f"{here.name}: could not {what}: {output.stderr[-500:]} - see journalctl -u vault there")
