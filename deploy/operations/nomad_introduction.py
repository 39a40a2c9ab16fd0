"""A client that Nomad's servers do not know is introduced to them."""

import threading
from collections.abc import Collection, Generator

from pyinfra.api.command import FunctionCommand, QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.api.state import State
from pyinfra.context import host, state
from requests import RequestException

from configs import certificates, nomad, ports
from configs.environment import Environment
from configs.errors import SocleError
from configs.files import File
from deploy import preflight
from deploy.facts import nomad as facts
from deploy.operations import files
from inventory.access import Access

_TTL = "30m"

_asked: dict[tuple[State, bool], frozenset[str]] = {}
_one_at_a_time = threading.Lock()

_READ_IT = f"""
systemctl --quiet is-active nomad || exit 0
systemctl restart nomad
timeout 60 sh -c 'until curl -sf --cacert {certificates.CA_FILE} https://127.0.0.1:{ports.NOMAD_HTTP}/v1/status/leader
do sleep 0.25; done' >/dev/null
"""
"""A client that runs reads the token as it starts. It may be a server too, and what comes next asks that: so it is
waited for."""


@operation()
def introduced(env: Environment) -> Generator[StringCommand | FunctionCommand, None, None]:
    """Have an introduction token lie where an unknown client finds it as it starts.

    Nomad's servers refuse a node that comes without one (client_introduction, enforcement strict). A client that
    runs but is not known is restarted, so that it reads the token.
    """
    client_id = host.get_fact(facts.ClientId)
    if client_id is None or _known(env, client_id):
        return
    if not state.is_executing:
        yield StringCommand("true")
        return
    name = host.name
    yield files.write((File(path=nomad.INTRODUCTION, content="", mode="600"), _mint(env, name)))
    yield StringCommand("sh -c", QuoteString(_READ_IT))


def _known(env: Environment, client_id: str) -> bool:
    try:
        return client_id in _nodes(env)
    except (SocleError, RequestException):
        if state.is_executing:
            raise
        return False


def _nodes(env: Environment) -> Collection[str]:
    """The nodes that Nomad knows, asked by the first host of each stage of a run: all hosts are at it together."""
    stage = (preflight.this_run(), state.is_executing)
    with _one_at_a_time:
        if stage not in _asked:
            _asked[stage] = frozenset(facts.nodes(env))
        return _asked[stage]


def _mint(env: Environment, name: str) -> str:
    access = Access.for_environment(env)
    answer = access.session().post(
        f"{access.url('nomad')}/v1/acl/identity/client-introduction-token",
        headers={"X-Nomad-Token": access.secrets.get("nomad/bootstrap")},
        json={"NodeName": name, "NodePool": "default", "TTL": _TTL},
    )
    answer.raise_for_status()
    token: str = answer.json()["JWT"]
    return token
