"""What the controller takes with many open rollouts: python -m tests.bench.controller [-n ROLLOUTS].

A controller as a process of its own, on a real Consul of the bench's own: with no rollout, with rollouts that are held
for a person, and with as many that other runners have, each followed by a thread. No other environment is needed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import consul
import requests

from configs import artifacts, controller
from configs import consul as documents
from configs.environment import Arch
from inventory import artifact_cache, environments
from jobs import web
from jobs.rollout.journal import Journal
from jobs.rollout.state import Decision, Phase, State
from tests.bench.shapes import say
from tests.integration import rollouts, servers

ROLLOUTS = 100
SETTLED_S = 20.0
"""How long the controller is left alone before its memory is read, and over which its CPU is measured."""

DECISIONS = 50
"""Of each rollout: more than most have at their end."""

NOBODY = "http://127.0.0.1:1"


def state(number: int, phase: Phase) -> State:
    """A rollout like one of `web`, with a history."""
    env = environments.load("test")
    job = web.job(env, lambda *_: "0" * 64, name=f"bench-{phase.value}-{number}")
    now = time.time()
    decisions = tuple(
        Decision(at=now, text="restarts: pass: " + 60 * "x", phase=phase, weight=10) for _ in range(DECISIONS)
    )
    held = rollouts.state(job.id, spec=job.to_api(), phase=phase, started=now, since=now, decisions=decisions)
    return replace(held, plan=web.rollout(env))


@contextmanager
def running(url: str, token: str, folder: Path) -> Iterator[tuple[int, str]]:
    """A controller: its process and where it serves."""
    (port,) = servers.free_ports(1)
    reach = {"env": "bench", "region": "global", "nomad": [NOBODY], "consul": [url], "ingresses": {}}
    (folder / "reach.json").write_text(json.dumps({**reach, "prometheus": NOBODY, "loki": NOBODY}))
    for name in ("nomad-token", "password"):
        (folder / name).write_text("")
    told = {"CONSUL_HTTP_TOKEN": token, "NOMAD_PORT_http": str(port)}
    command = [sys.executable, "-m", "jobs.rollout.controller", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **told}) as process:
        try:
            yield process.pid, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def figure(url: str, name: str) -> float:
    """One of its series that has no labels."""
    lines = requests.get(f"{url}/metrics", timeout=5).text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


def report(what: str, pid: int) -> None:
    """Its memory and threads now, and its share of one CPU over some seconds."""
    before, began = _cpu(pid), time.monotonic()
    time.sleep(SETTLED_S)
    share = (_cpu(pid) - before) / (time.monotonic() - began)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    memory = int(status["VmRSS"].split()[0]) / 1024
    say(f"{what:<40} {memory:6.1f} MiB {int(status['Threads']):5d} threads {100 * share:5.1f} % of one CPU")


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _binary(folder: Path) -> Path:
    with ZipFile(artifact_cache.path(artifacts.CONSUL, Arch.AMD64)) as packed:
        path = Path(packed.extract("consul", folder))
    path.chmod(0o755)
    return path


def measure(url: str, token: str, client: consul.Consul, folder: Path, count: int) -> None:
    """The three figures, one after another, of one process."""
    with running(url, token, folder) as (pid, serves), ExitStack() as held_elsewhere:
        servers.until("it is active", lambda: figure(serves, "socle_controller_active") == 1)
        report("no rollout", pid)
        for number in range(count):
            waiting = state(number, Phase.HELD)
            with Journal(client, waiting.job).lease("bench") as lease:
                lease.write(waiting)
        report(f"{count} rollouts held for a person", pid)
        for number in range(count):
            running_elsewhere = state(number, Phase.ANALYSING)
            lease = held_elsewhere.enter_context(Journal(client, running_elsewhere.job).lease("bench"))
            lease.write(running_elsewhere)
        servers.until("all are followed", lambda: figure(serves, "socle_controller_attended") == count, within_s=120)
        report(f"and {count} that other runners have", pid)


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 0 done."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.controller", description=__doc__)
    parser.add_argument("-n", type=int, default=ROLLOUTS, metavar="ROLLOUTS", help=f"default {ROLLOUTS}")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with rollouts.started(_binary(folder), folder / "data") as server:
            token = server.token(documents.POLICIES[controller.NAME])
            client = rollouts.client(server.url, rollouts.rollout_token(server))
            measure(server.url, token, client, folder, options.n)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
