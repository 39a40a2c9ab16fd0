"""An environment that is up, as the stories see it."""

import subprocess
import sys
from dataclasses import dataclass

from configs.environment import Environment, Host
from configs.errors import HostError
from inventory.access import Access
from tests.cluster import convergence
from tests.cluster.convergence import Convergence
from vagrant import ssh
from vagrant.hosts import Fleet

COMMAND_BOUND_S = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """An environment, its hosts, and the commands that a person has.

    Attributes:
        inventory: the path of its inventory file.
        env: the environment.
        fleet: its hosts, to be killed, partitioned, emptied.
    """

    inventory: str
    env: Environment
    fleet: Fleet

    @property
    def access(self) -> Access:
        """Its APIs, with the operator's tokens of now."""
        return Access.for_environment(self.env)

    def ssh(self, host: Host | str, script: str, *, bound_s: float = 60.0) -> str:
        """The output of a script run as root on a host.

        Raises:
            HostError: when it fails, or takes longer than `bound_s` seconds.
        """
        return ssh.run(self.env.host(host) if isinstance(host, str) else host, script, bound_s=bound_s)

    def run(self, *arguments: str) -> Convergence:
        """Run the bring-up, or what `arguments` say, with pyinfra; it must succeed.

        Raises:
            HostError: when it does not, with its log.
        """
        return convergence.converge(self.inventory, *arguments)

    def python(self, *arguments: str, bound_s: float = COMMAND_BOUND_S) -> str:
        """What `python -m ARGUMENTS` prints, run from the repository's root.

        Raises:
            HostError: when it fails, with all that it printed.
        """
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=convergence.ROOT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=bound_s,
        )  # fmt: skip
        if done.returncode:
            raise HostError(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def jobs(self, *arguments: str) -> str:
        """What `python -m jobs ARGUMENTS --env INVENTORY` prints.

        Raises:
            HostError: when it fails.
        """
        return self.python("jobs", *arguments, "--env", self.inventory)
