"""An environment of local hosts, from nothing to a service answering: python -m vagrant.up [ENV].

Hosts are made while artifacts are acquired; then the ordinary commands do the rest, as a person would type them.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker.errors
import requests
from requests.adapters import HTTPAdapter

from configs.environment import Environment, Role
from configs.errors import HostError, SocleError
from inventory import environments
from inventory.access import Access
from vagrant import image
from vagrant.hosts import Fleet, refuse_foreign
from vagrant.progress import Progress
from vagrant.waiting import wait

ROOT = Path(__file__).parent.parent
ANSWER_BOUND_S = 60.0
SERVICE = "web"


def up(env: Environment, inventory: str, progress: Progress) -> None:
    """Bring the environment up, and prove that its sample service answers.

    Raises:
        HostError: when hosts of the environment are not local ones, or a step fails; what it printed says why.
    """
    refuse_foreign(env)
    progress.say("artifacts are acquired while the hosts are made")
    with _beside(progress, "artifacts", "-m", "deploy.artifact_sources", inventory):
        make_hosts(env, progress)
    _run(progress, "cluster", "-m", "pyinfra", "-y", inventory_file(inventory), "deploy/cluster.py")
    _run(progress, f"job {SERVICE}", "-m", "jobs", "run", SERVICE, "--env", inventory)
    with progress.step(f"{service_url(env)}: asked through every ingress host"):
        for host in env.having(Role.INGRESS):
            wait(f"{SERVICE} through {host.name}", partial(answer, env, host.address), bound_s=ANSWER_BOUND_S)


def make_hosts(env: Environment, progress: Progress) -> Fleet:
    """The environment's local hosts, booted."""
    with progress.step("image of the local hosts (made by debootstrap the first time: a minute or two)"):
        fleet = Fleet(env)
        image.ensure(fleet.client)
    with progress.step(f"hosts {', '.join(host.name for host in env.hosts)}"):
        fleet.ensure()
    return fleet


def answer(env: Environment, address: str) -> str:
    """What the sample service answers through the ingress at an address, its certificate verified.

    Raises:
        requests.RequestException: when there is no good answer.
    """
    with Access.for_environment(env).session() as session:
        session.mount("https://", _Named(service_name(env)))
        response = session.get(f"https://{address}/", headers={"Host": service_name(env)})
        response.raise_for_status()
        return response.text or "an empty page"


def service_name(env: Environment) -> str:
    """The name under which the sample service answers."""
    return f"{SERVICE}.{env.ingress_domain}"


def service_url(env: Environment) -> str:
    """The address of the sample service."""
    return f"https://{service_name(env)}"


def inventory_file(name: str) -> str:
    """The inventory's path from the repository's root."""
    return name if name.endswith(".py") else f"inventory/{name}.py"


def summary(env: Environment, inventory: str) -> str:
    """What a person wants to know next: addresses, and how to log in."""
    access, ingress = Access.for_environment(env), env.having(Role.INGRESS)[0]
    return f"""
{env.name} is up.

  Nomad         {access.url("nomad")}/ui/
  Consul        {access.url("consul")}/ui/
  Vault         {access.url("vault")}/ui/
  Prometheus    {access.url("prometheus")}/
  the service   {service_url(env)}/

Ask the service:
  curl --cacert {access.ca_file} --resolve {service_name(env)}:443:{ingress.address} {service_url(env)}/
Log in; then nomad, consul and vault work, and the web UIs take $NOMAD_TOKEN, $CONSUL_HTTP_TOKEN and $VAULT_TOKEN:
  eval "$(.venv/bin/python -m inventory.access {inventory})"
Prometheus asks for the user operator and this password:
  .venv/bin/python -m inventory.secrets {inventory} show prometheus/password
Browsers trust the addresses once they trust {access.ca_file}
Remove it all:
  bin/down {inventory}
"""


class _Named(HTTPAdapter):
    """Connects to an address, and expects there the certificate of a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, server_hostname=self._name, assert_hostname=self._name)


@contextmanager
def _beside(progress: Progress, what: str, *arguments: str) -> Iterator[None]:
    """A Python command, from the repository's root, that runs beside the `with` block; its output is shown."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield
        with progress.step(what):
            status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if status:
        raise HostError(f"{what}: exit code {status} - what it printed above says why; then run this again")


def _run(progress: Progress, what: str, *arguments: str) -> None:
    with _beside(progress, what, *arguments):
        pass


def main(arguments: list[str]) -> int:
    """The command line; 0 when the service answers."""
    parser = argparse.ArgumentParser(prog="bin/up", description=__doc__.splitlines()[0])
    parser.add_argument("env", nargs="?", default="dev", help="dev, test, or the path of an inventory of local hosts")
    name = parser.parse_args(arguments).env
    try:
        env = environments.load(name)
        up(env, name, Progress())
        sys.stdout.write(summary(env, name))
    except (SocleError, docker.errors.DockerException, requests.RequestException) as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code if isinstance(error, SocleError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
