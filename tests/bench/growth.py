"""How time grows with the number of hosts, on simulated ones: python -m tests.bench.growth [HOSTS...].

Simulated are the hosts (tests.bench.simulated): they answer every command after 30 ms and do no work. Not in the
figures: SSH itself (the CPU of paramiko and its connections), the servers' APIs, and what hosts take to do their work.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import consul
from deploy.operations import nomad_acl
from inventory import generate, secrets
from tests.bench import fleet, runs, shapes, simulated
from tests.bench.runs import FOLDER, Run
from tests.bench.shapes import say

HOSTS = (5, 20, 50, 100, 200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A run on simulated hosts: `commands` is of one host, on average."""

    hosts: int
    run: Run
    commands: float


def measure(hosts: int) -> tuple[Figure, Figure]:
    """A run that finds empty hosts, then one that finds what the first has brought about."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (Path(folder) / "operators.pub").write_text(key.with_suffix(".pub").read_text())
        os.environ |= {
            "SOCLE_IDENTITY": str(key),
            "SOCLE_SECRETS": f"{folder}/secrets",
            "SOCLE_BENCH_CLIENTS": str(hosts),
            simulated.STATE: f"{folder}/state",
        }
        # The servers' phases, which come before a client's, would have made them.
        env = fleet.environment(hosts)
        tokens = [nomad_acl.token_secret("logs"), *(token.secret for token in consul.tokens(env))]
        secrets.open(env).ensure_all(tokens, generate.token)
        return _once(hosts), _once(hosts)


def _once(hosts: int) -> Figure:
    done = runs.run(FOLDER / "inventories/growth.py", str(FOLDER / "deploys/client.py"))
    machines = json.loads(Path(os.environ[simulated.STATE]).read_text())
    return Figure(hosts=hosts, run=done, commands=sum(each["commands"] for each in machines.values()) / hosts)


def show(what: str, figures: Sequence[Figure]) -> None:
    """A table: the exponent is that of hosts by which time grew since the line before (1 is linear)."""
    say(f"\n{what}\nhosts   seconds   CPU s   CPU/wall   commands/host   changes   MiB   ms/host   exponent")
    for before, now in zip((None, *figures), figures, strict=False):
        seconds, cpu = now.run.seconds, now.run.cpu_s
        say(
            f"{now.hosts:5} {seconds:9.1f} {cpu:7.1f} {cpu / seconds:10.2f} {now.commands:15.1f} "
            f"{now.run.changes:9} {now.run.figures['peak_mib']:5.0f} {1000 * seconds / now.hosts:9.0f}   "
            f"{_exponent(before, now) if before else ''}"
        )


def _exponent(before: Figure, now: Figure) -> str:
    return f"{math.log(now.run.seconds / before.run.seconds) / math.log(now.hosts / before.hosts):8.2f}"


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("hosts", nargs="*", type=int, default=HOSTS, help=f"how many; {HOSTS} by default")
    given = parser.parse_args(arguments)
    shapes.introduce()
    measured = [measure(hosts) for hosts in given.hosts]
    show("everything is due", [due for due, _ in measured])
    show("nothing is due", [nothing for _, nothing in measured])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
