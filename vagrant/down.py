"""Remove an environment of local hosts without trace: python -m vagrant.down [ENV]."""

import argparse
import sys

import docker.errors

from configs.environment import Environment
from configs.errors import SocleError
from inventory import environments
from vagrant.hosts import Fleet
from vagrant.progress import Progress


def down(env: Environment, progress: Progress) -> None:
    """Remove the hosts, their network and disks, the environment's secrets, and the keys that opened them.

    Raises:
        HostError: when hosts of the environment were not made here.
    """
    with progress.step(f"removing {env.name}"):
        Fleet(env).destroy()


def main(arguments: list[str]) -> int:
    """The command line; 0 when nothing is left."""
    parser = argparse.ArgumentParser(prog="bin/down", description=__doc__.splitlines()[0])
    parser.add_argument("env", nargs="?", default="dev", help="dev, test, or the path of an inventory of local hosts")
    try:
        down(environments.load(parser.parse_args(arguments).env), Progress())
    except (SocleError, docker.errors.DockerException) as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code if isinstance(error, SocleError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
