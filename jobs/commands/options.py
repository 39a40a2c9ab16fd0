"""What commands are given, and what they make of it."""

import argparse
import getpass
import platform
from dataclasses import dataclass
from functools import cached_property

from configs.environment import Environment
from inventory import environments
from inventory.access import Access
from jobs import files
from jobs.nomad import spec
from jobs.nomad.client import Client
from jobs.rollout.journal import Journal
from jobs.rollout.reach import Reach

ENVIRONMENT = "dev, test, prod, or the path of an inventory file"


def job(parser: argparse.ArgumentParser) -> None:
    """The job that a command is about."""
    parser.add_argument("job", help=f"{', '.join(files.names())}, or the path of a job file")


def jobs(parser: argparse.ArgumentParser) -> None:
    """The jobs that a command is about."""
    names = f"each {', '.join(files.names())}, or the path of a job file"
    parser.add_argument("job", nargs="+", metavar="JOB", help=names)


def environment(parser: argparse.ArgumentParser) -> None:
    """The environment that a command is about."""
    parser.add_argument("--env", required=True, help=ENVIRONMENT)


def document(parser: argparse.ArgumentParser) -> None:
    """Whether a machine reads the result."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def usual(parser: argparse.ArgumentParser) -> None:
    """What nearly every command takes: a job, an environment, --json."""
    job(parser)
    environment(parser)
    document(parser)


def who() -> str:
    """The person at this machine, for others to read."""
    return f"{getpass.getuser()}@{platform.node()}"


@dataclass(frozen=True)
class Site:
    """One environment and how it is reached, as far as a command asks for it."""

    env: Environment

    @classmethod
    def named(cls, name: str) -> "Site":
        """The site of an inventory."""
        return cls(environments.load(name))

    @cached_property
    def access(self) -> Access:
        """An operator's."""
        return Access.for_environment(self.env)

    @cached_property
    def reach(self) -> Reach:
        """What a rollout needs."""
        return Reach.of(self.access)

    @property
    def nomad(self) -> Client:
        """Nomad at whichever server answers."""
        return self.reach.nomad

    def journal(self, job_id: str) -> Journal:
        """The rollouts of a job."""
        return Journal(self.reach.consul, job_id)

    def job(self, name: str) -> tuple[files.JobFile, spec.Job]:
        """A job's file, and the job of this environment."""
        file = files.load(name)
        return file, file.job(self.env)
