"""Time from booted bare hosts to verified, by phase, with a warm artifact cache: python -m tests.bench.bring_up SHAPE.

The hosts of the last run are left as they are, so that tests.bench.noop can go on with them.
"""

import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import artifacts
from tests.bench import runs, shapes, usage
from tests.bench.runs import Run
from tests.bench.shapes import say
from tests.bench.usage import Usage

SLOWEST = 15
"""How many operations are listed with their time."""


def measure(shape: str) -> tuple[Run, dict[str, Usage]]:
    """One bring-up of new bare hosts."""
    env = shapes.environment(shape)
    artifacts.acquire(env)
    with usage.Watch(shapes.fresh(env)) as watch:
        done = runs.run(shapes.inventory(shape), "deploy/cluster.py")
    return done, watch.usage


def show(measured: Sequence[tuple[Run, dict[str, Usage]]]) -> None:
    """The figures: medians by phase and in all, the last run's slowest operations, the highest memory."""
    ran = [run for run, _ in measured]
    say("\nphase                          median s   runs")
    for phase in ran[-1].phases:
        took = [run.phases.get(phase, 0.0) for run in ran]
        say(f"{phase:<30} {statistics.median(took):8.1f}   {' '.join(f'{s:.1f}' for s in took)}")
    totals = [run.seconds for run in ran]
    say(f"{'all':<30} {statistics.median(totals):8.1f}   {' '.join(f'{s:.1f}' for s in totals)}")
    _show_usage(ran, [taken for _, taken in measured])
    _show_slowest(ran[-1])


def _show_usage(ran: Sequence[Run], taken: Sequence[dict[str, Usage]]) -> None:
    """CPU of the last run, the highest memory of all; the CPU over the cores is what no run can be faster than."""
    say(f"\noperator: {ran[-1].cpu_s:.1f} s of CPU, peak {max(run.figures['peak_mib'] for run in ran):.0f} MiB")
    for name, last in taken[-1].items():
        processes, charged = (max(getattr(each[name], kind) for each in taken) for kind in ("processes", "charged"))
        say(f"{name}: {last.cpu_s:.1f} s of CPU, peak {processes} MiB of processes, {charged} MiB with page cache")
    cpu_s = ran[-1].cpu_s + sum(last.cpu_s for last in taken[-1].values())
    say(f"CPU in all: {cpu_s:.0f} s, on {os.cpu_count()} cores at least {cpu_s / (os.cpu_count() or 1):.0f} s")


def _show_slowest(run: Run) -> None:
    say(f"\nslowest operations of the last run, of {len(run.steps)}        s")
    for name, seconds in sorted(run.took.items(), key=lambda item: -item[1])[:SLOWEST]:
        say(f"{name:<58} {seconds:6.1f}")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = shapes.parser("tests.bench.bring_up", __doc__, runs=3)
    parser.add_argument("--log", type=Path, help="the file for the last run's log, with times")
    given = parser.parse_args(arguments)
    shapes.introduce()
    measured = []
    for number in range(given.runs):
        measured.append(measure(given.shape))
        say(f"run {number + 1}: {measured[-1][0].seconds:.1f} s")
    if given.log:
        given.log.write_text(measured[-1][0].log)
    show(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
