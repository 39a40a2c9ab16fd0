"""The runner on the cluster: it takes up what is left to it, and what a lost command or instance leaves behind."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.rollout.state import Phase, Result
from tests.cluster.cluster import Cluster
from tests.cluster.delivery.stall import Stall, stalls
from tests.cluster.delivery.traffic import Traffic, failures
from vagrant.waiting import wait

RATE = 30.0
TAKEN_OVER_S = 45.0
"""Three times the aim: machines are noisy, and tests.bench.delivery measures it."""
BOUND_S = 180.0

_KILL = "kill -9 $(pgrep -f jobs[.]rollout[.]controller)"


@pytest.fixture
def good(cluster: Cluster, tmp_path: Path) -> Iterator[Stall]:
    """A job with an old release whole, and a good new one."""
    with stalls(cluster, tmp_path, "long") as (opened,):
        yield opened


def test_a_rollout_that_is_left_to_the_cluster_is_done_without_any_command(good: Stall, cluster: Cluster) -> None:
    with Traffic(cluster.access, {good.name: RATE}) as traffic:
        left = good.shop.run("run", good.file, "--detach")
        assert left.exit == 0, str(left)
        _done(good)
    assert failures(traffic.answers(good.name)) == []


def test_a_rollout_survives_its_command_and_the_instance_that_took_it_over(good: Stall, cluster: Cluster) -> None:
    with Traffic(cluster.access, {good.name: RATE}) as traffic:
        begun = good.begin()
        good.comes_to("it is judged", Phase.ANALYSING, judged=True, running=begun)
        begun.kill()
        first, after = _taken_over(good, from_="@")
        cluster.ssh(cluster.env.host(first.rpartition(" ")[2]), _KILL)
        second, again = _taken_over(good, from_=first)
        _done(good)
    sys.stdout.write(f"taken over by {first} after {after:.1f} s, by {second} after {again:.1f} s\n")
    assert max(after, again) < TAKEN_OVER_S
    assert failures(traffic.answers(good.name)) == []


def _taken_over(stall: Stall, from_: str) -> tuple[str, float]:
    """Which instance has the lease now, and after how many seconds."""
    began = time.monotonic()

    def another() -> str | None:
        holder = stall.shop.journal.holder()
        return holder.who if holder and holder.who.startswith("controller") and from_ not in holder.who else None

    return wait("an instance of the controller has it", another, bound_s=BOUND_S), time.monotonic() - began


def _done(stall: Stall) -> None:
    """Wait until the new release has taken the place of the old one, by one version."""
    wait("the rollout is over", lambda: stall.shop.journal.read() is None, bound_s=BOUND_S)
    (last,) = stall.shop.journal.history(1)
    assert last.result is Result.DONE, last.reason
    running = stall.shop.instances().values()
    assert {each["JobVersion"] for each in running} == {stall.version + 1}
    assert len(running) == len(stall.stables)
