"""What a rollout adds to Nomad's own work, and how fast it ends a bad one: python -m tests.bench.delivery [INVENTORY].

The environment must be up. Nomad's floor is measured beside each rollout: the same job given to Nomad itself with one
canary and auto_promote, then a canary that is failed by hand.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inventory import environments
from jobs import web
from jobs.nomad import spec
from tests.bench import shapes
from tests.bench.shapes import say
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import traffic, versions
from tests.cluster.delivery.command import Done
from tests.cluster.delivery.shop import Shop
from tests.cluster.delivery.traffic import Traffic
from vagrant.hosts import Fleet
from vagrant.waiting import wait

Figures = Mapping[str, float]

PLAIN, JUDGED = "bench-plain", "bench-judged"
POLL_S = 0.05
BOUND_S = 180.0

BEYOND = "promotion beyond analysis and Nomad's own"
TO_ZERO = "deciding sample to 0 % in force everywhere"
TAKE_OVER = "runner's kill -9 to the next one's hold"
AIMS = {BEYOND: "3", TO_ZERO: "3", TAKE_OVER: "15"}
"""Seconds that the figures are not to exceed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """The two services that are measured: one given to Nomad itself, one rolled out."""

    plain: Shop
    judged: Shop

    def run(self, number: int, seen: Traffic) -> Figures:
        """All figures once, in seconds."""
        alone = self._promoted(f"{number}-good"), self._failed()
        good = self.judged.run("run", self.judged.file("good", f"{number}-good"))
        bad = self.judged.run("run", self.judged.file("logs", f"{number}-bad"))
        asked = sum(versions.HOLD.total_seconds() for _ in versions.WEIGHTS)
        took = _took(good)
        return {
            "Nomad alone: promotion": alone[0],
            "rollout: promotion": took,
            "of it analysis, as asked for": asked,
            BEYOND: took - asked - alone[0],
            TO_ZERO: bad.at("0 % in force at every ingress", "reverting") - bad.at("taking it back"),
            "deciding sample to the canary's last answer": self._last_answer(seen, bad, f"{number}-bad"),
            "deciding sample to stable whole again": bad.rollout["ended"] - bad.at("taking it back"),
            "Nomad alone: failed to stable whole again": alone[1],
            TAKE_OVER: self._taken_over(f"{number}-killed"),
        }

    def _promoted(self, release: str) -> float:
        began = time.time()
        version = self._registered(release, auto_promote=True)
        wait("Nomad has promoted it", lambda: self._status(version) == "successful", bound_s=BOUND_S, pause_s=POLL_S)
        return time.time() - began

    def _failed(self) -> float:
        """From the moment in which a healthy canary's deployment is failed until Nomad's own way back is done."""
        version = self._registered("failed", auto_promote=False)
        nomad = self.plain.nomad
        wait("its canary is healthy", lambda: self._canaries(version), bound_s=BOUND_S, pause_s=POLL_S)
        deployment, began = nomad.deployment(PLAIN, version), time.time()
        assert deployment
        nomad.fail(deployment["ID"])
        wait("it is back", lambda: self._status(version + 1) == "successful", bound_s=BOUND_S, pause_s=POLL_S)
        return time.time() - began

    def _registered(self, release: str, *, auto_promote: bool) -> int:
        job, nomad = versions.job(PLAIN, "good", release, self.plain.cluster.env), self.plain.nomad
        groups = (
            replace(group, update=replace(group.update or spec.Update(), auto_promote=auto_promote))
            for group in job.task_groups
        )
        made = replace(job, task_groups=tuple(groups))
        return nomad.register(made, nomad.plan(made).index).version

    def _status(self, version: int) -> str:
        deployment = self.plain.nomad.deployment(PLAIN, version)
        return str(deployment["Status"]) if deployment else ""

    def _canaries(self, version: int) -> int:
        deployment = self.plain.nomad.deployment(PLAIN, version)
        return sum(group["HealthyAllocs"] for group in deployment["TaskGroups"].values()) if deployment else 0

    def _last_answer(self, seen: Traffic, bad: Done, release: str) -> float:
        answers = seen.answers(JUDGED, bad.began)
        return max(each.at + each.seconds for each in answers if each.release == release) - bad.at("taking it back")

    def _taken_over(self, release: str) -> float:
        """The next runner is started as the first one dies."""
        file = self.judged.file("good", release)
        running = self.judged.start("run", file)
        wait("it is judged", lambda: self.judged.state().step_began, bound_s=BOUND_S)
        killed = time.time()
        running.kill()
        resumed = self.judged.start("resume", file)
        wait("the next holds it", lambda: self._held_since() > killed, bound_s=BOUND_S, pause_s=POLL_S)
        taken = time.time() - killed
        resumed.done()
        return taken

    def _held_since(self) -> float:
        holder = self.judged.journal.holder()
        return holder.since if holder else 0.0


def _took(done: Done) -> float:
    return float(done.rollout["ended"] - done.rollout["started"])


def measure(cluster: Cluster, runs: int, folder: Path) -> list[Figures]:
    """All figures, as often as asked."""
    plain, judged = Shop.of(cluster, PLAIN, folder), Shop.of(cluster, JUDGED, folder)
    web.seed(cluster.access, PLAIN)
    for shop in (plain, judged):
        shop.opened("1")
    bench = Bench(plain=plain, judged=judged)
    try:
        with Traffic(cluster.access, {JUDGED: traffic.RATE}) as seen:
            return [bench.run(number + 1, seen) for number in range(runs)]
    finally:
        for shop in (plain, judged):
            shop.close()


def show(measured: Sequence[Figures]) -> None:
    """A table of medians, aims, and each run."""
    say(f"\n{'seconds':<46} aim  median   each")
    for name in measured[0]:
        each = [figures[name] for figures in measured]
        values = " ".join(f"{value:.1f}" for value in each)
        say(f"{name:<46} {AIMS.get(name, ''):>3} {statistics.median(each):7.1f}   {values}")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.delivery", description=__doc__)
    parser.add_argument("inventory", nargs="?", default="inventory/test.py", help="an environment that is up")
    parser.add_argument("-n", "--runs", type=int, default=3, help="how often it is measured, 3 by default")
    given = parser.parse_args(arguments)
    shapes.introduce()
    env = environments.load(given.inventory)
    with tempfile.TemporaryDirectory() as folder:
        show(measure(Cluster(inventory=given.inventory, env=env, fleet=Fleet(env)), given.runs, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
