"""The environments that are measured, and what a person is told first: where, when, and how busy the machine is."""

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from configs.environment import Environment
from inventory import environments
from tests.bench.runs import FOLDER
from vagrant.hosts import Fleet

SHAPES = ("dev", "test")


def parser(prog: str, text: str, *, runs: int) -> argparse.ArgumentParser:
    """A command line that names a shape and how often it is measured."""
    made = argparse.ArgumentParser(prog=f"python -m {prog}", description=text)
    made.add_argument("shape", choices=SHAPES, help="1 host with every role, or 3 servers and 2 clients")
    made.add_argument("-n", "--runs", type=int, default=runs, help=f"how often it is measured, {runs} by default")
    return made


def inventory(shape: str) -> Path:
    """The inventory file of a shape."""
    return FOLDER / f"inventories/{shape}.py"


def environment(shape: str) -> Environment:
    """The environment of a shape."""
    return environments.load(str(inventory(shape)))


def fresh(env: Environment) -> Fleet:
    """New bare hosts, booted; nothing is left of those before."""
    fleet = Fleet(env)
    fleet.destroy()
    fleet.ensure()
    return fleet


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def introduce() -> None:
    """Say on what machine and when this is measured: load is the run queue of the last minute."""
    load = os.getloadavg()[0]
    now = datetime.now(UTC)
    say(f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}")
