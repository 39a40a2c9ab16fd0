"""render: the job as Nomad's API gets it."""

import argparse

from inventory import environments
from jobs import files
from jobs.commands import options, output
from jobs.commands.exits import Exit

HELP = "print the job as Nomad's API gets it; asks no server"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)


def run(given: argparse.Namespace) -> Exit:
    """Print it."""
    output.document(files.load(given.job).job(environments.load(given.env)).to_api())
    return Exit.DONE
