"""The time of one `plan` of many jobs, beside Nomad's own: python -m tests.bench.plans [INVENTORY] [-n JOBS].

The environment must be up. Nomad's own time is that of the bare calls, documents rendered before, as many at once.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from configs.errors import HostError
from jobs import web
from jobs.commands import plan
from jobs.commands.exits import PlanExit
from jobs.commands.options import Site
from tests.bench import shapes
from tests.bench.shapes import say
from tests.cluster.convergence import ROOT

JOBS = 200
RUNS = 3

_FILE = '''"""A job like web, under another name."""

from functools import partial

from jobs import web

job = partial(web.job, name="{name}")
rollout = web.rollout
'''


def write(folder: Path, jobs: int) -> list[str]:
    """As many job files, none of which Nomad knows; they are planned, not run."""
    paths = [folder / f"bench_{number}.py" for number in range(jobs)]
    for number, path in enumerate(paths):
        path.write_text(_FILE.format(name=f"bench-{number}"))
    return [*map(str, paths)]


def command(inventory: str, files: Sequence[str]) -> float:
    """Seconds of the command, Python's start included.

    Raises:
        HostError: when it does not plan all of them.
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "plan", *files, "--env", inventory],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took = time.monotonic() - began
    if done.returncode != PlanExit.CHANGES or done.stdout.count("+ job bench-") != len(files):
        raise HostError(f"plan: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return took


def floor(inventory: str, jobs: int) -> float:
    """Seconds of Nomad's answers alone."""
    site = Site.named(inventory)
    made = [web.job(site.env, name=f"bench-{number}") for number in range(jobs)]
    nomad = site.nomad
    with ThreadPoolExecutor(plan.AT_ONCE) as pool:
        nomad.plan(made[0])
        began = time.monotonic()
        list(pool.map(nomad.plan, made))
    return time.monotonic() - began


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plans", description=__doc__)
    parser.add_argument("inventory", nargs="?", default="inventory/test.py", help="an environment that is up")
    parser.add_argument("-n", "--jobs", type=int, default=JOBS, help=f"how many; {JOBS} by default")
    given = parser.parse_args(arguments)
    shapes.introduce()
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), given.jobs)
        for _ in range(RUNS):
            say(f"plan of {given.jobs} jobs: {command(given.inventory, files):.1f} s (aim: 5)")
            say(f"Nomad's answers alone: {floor(given.inventory, given.jobs):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
