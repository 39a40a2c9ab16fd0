"""What a run that changes nothing takes, beside an empty one in the same minute: python -m tests.bench.noop SHAPE.

The environment must be up: tests.bench.bring_up leaves it so. A first run, not counted, makes sure of it.
"""

import statistics
import sys
from collections.abc import Mapping, Sequence

from configs.environment import Environment
from tests.bench import runs, shapes
from tests.bench.runs import FOLDER, Run
from tests.bench.shapes import say

DEPLOYS: Mapping[str, str] = {
    "whole": "deploy/cluster.py",
    "twelve no-ops": str(FOLDER / "deploys/twelve.py"),
    "nothing": str(FOLDER / "deploys/nothing.py"),
}
SLOWEST = 15


def measure(shape: str, times: int) -> dict[str, list[Run]]:
    """Every deploy file in turn, so that all meet the same load of the machine."""
    path = shapes.inventory(shape)
    for name, hosts in runs.run(path, DEPLOYS["whole"]).changed.items():
        say(f"the first run, which is not counted, changed: {name} on {', '.join(hosts)}")
    turns = [{name: runs.run(path, deploy) for name, deploy in DEPLOYS.items()} for _ in range(times)]
    return {name: [turn[name] for turn in turns] for name in DEPLOYS}


def show(env: Environment, measured: Mapping[str, Sequence[Run]]) -> None:
    """The medians, their ratio, SSH commands by host, and where the time of a whole run goes."""
    say("\nrun               median s   CPU s   peak MiB   changes   each s")
    for name, ran in measured.items():
        cpu = statistics.median(run.cpu_s for run in ran)
        peak = max(run.figures["peak_mib"] for run in ran)
        changes = sum(run.changes for run in ran)
        each = " ".join(f"{run.seconds:.1f}" for run in ran)
        say(f"{name:<16} {_median(ran):9.1f} {cpu:7.1f} {peak:10.0f} {changes:9}   {each}")
    whole = measured["whole"]
    for name in ("twelve no-ops", "nothing"):
        say(f"whole / {name}: {_median(whole) / _median(measured[name]):.1f}")
    _show_commands(env, whole[-1])
    _show_phases(whole)
    say(f"\nslowest operations of the last run, of {len(whole[-1].steps)}        s")
    for name, seconds in sorted(whole[-1].took.items(), key=lambda item: -item[1])[:SLOWEST]:
        say(f"{name:<58} {seconds:6.2f}")


def _median(ran: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in ran)


def _show_commands(env: Environment, run: Run) -> None:
    say("\nSSH commands of a whole run, by host")
    for host in env.hosts:
        say(f"{host.name:<30} {run.figures['commands'].get(host.ssh.hostname or host.address, 0):8}")


def _show_phases(ran: Sequence[Run]) -> None:
    say("\nphase                          median s")
    for phase in ran[-1].phases:
        say(f"{phase:<30} {statistics.median(run.phases.get(phase, 0.0) for run in ran):8.2f}")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    given = shapes.parser("tests.bench.noop", __doc__, runs=5).parse_args(arguments)
    shapes.introduce()
    show(shapes.environment(given.shape), measure(given.shape, given.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
