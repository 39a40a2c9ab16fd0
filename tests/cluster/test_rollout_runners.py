"""Runners of a rollout that are killed, or are two, and a group that is scaled meanwhile: nothing is done twice.

A command is killed at each transition by tests.cluster.delivery.cut; the next takes the rollout over. What the runner
on the cluster would do in its place is another story: its job is stopped while these are told.
"""

import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from configs.errors import JobError
from jobs.rollout.state import Phase
from tests.cluster.cluster import Cluster
from tests.cluster.delivery.command import Done
from tests.cluster.delivery.shop import Shop
from tests.cluster.delivery.stall import Stall, stalls
from tests.cluster.delivery.traffic import Traffic, failures
from tests.cluster.delivery.trials import HOLD_S
from vagrant.waiting import wait

RATE = 30.0
TAKEN_OVER_S = 45.0
"""Three times the aim: machines are noisy, and tests.bench.delivery measures it."""
CUT_BOUND_S = 90.0

CONTROLLER = "controller"
NOWHERE = "after:write:nothing"

GOOD = (
    "before:act:Register",
    "after:act:Register",
    "after:write:starting",
    "after:write:analysing",
    "after:act:Weigh",
    "after:write:analysing",
    "after:write:promoting",
    "after:act:Promote",
    "after:write:finishing",
    "after:act:Weigh",
    "after:write:ended",
)
"""Where the runner of a good release dies, one after the other: before and after each thing it does."""

BAD = (
    "after:write:withdrawing",
    "after:act:Weigh",
    "after:write:reverting",
    "after:act:Fail",
    "after:write:ended",
)


@pytest.fixture(scope="module")
def alone(cluster: Cluster) -> Iterator[Cluster]:
    """The environment while no runner of its own takes rollouts over; the same one is started again afterwards."""
    nomad = Shop.of(cluster, CONTROLLER, Path()).nomad
    found = nomad.find(CONTROLLER)
    if found is None or found["Stop"]:
        yield cluster
        return
    nomad.stop(CONTROLLER)
    yield cluster
    cluster.access.nomad().jobs.register_job({"Job": {**found, "Stop": False}})
    wait("the controller runs", lambda: nomad.status(CONTROLLER).whole, bound_s=CUT_BOUND_S)


def test_a_runner_killed_at_every_transition_is_followed_by_another_that_does_nothing_twice(
    alone: Cluster, tmp_path: Path
) -> None:
    with stalls(alone, tmp_path, "good", "bad") as (good, bad), ThreadPoolExecutor() as pool:
        with Traffic(alone.access, {good.name: RATE, bad.name: RATE}) as traffic:
            chains = [pool.submit(_killed, good, GOOD), pool.submit(_killed, bad, BAD)]
            (promoted, through), (reverted, back) = [each.result() for each in chains]
        good.is_done(promoted)
        bad.is_reverted(reverted)
        assert failures(traffic.answers(good.name)) == []
        _clock_is_kept(promoted)
    for name, times in (("good", through), ("bad", back)):
        sys.stdout.write(f"{name}: taken over after {', '.join(f'{each:.1f} s' for each in times)}\n")
        assert max(times) < TAKEN_OVER_S


def test_of_two_runners_one_wins_and_what_is_scaled_before_stays_scaled(alone: Cluster, tmp_path: Path) -> None:
    with stalls(alone, tmp_path, "scaled") as (opened,), Traffic(alone.access, {opened.name: RATE}) as traffic:
        scaled = opened.scaled(3)
        nomad = scaled.shop.nomad
        runs = [scaled.begin(), scaled.begin()]
        (refused,) = wait("one is refused", lambda: [each for each in runs if not each.running], bound_s=CUT_BOUND_S)
        runs.remove(refused)
        lost = refused.done()
        assert lost.exit == 4, str(lost)
        assert re.search(r"\S+@\S+, since .* runs its rollout", lost.log), str(lost)
        scaled.comes_to("it is judged", Phase.ANALYSING, judged=True, running=runs[0])
        before = nomad.job(scaled.name)
        with pytest.raises(JobError, match=r"400.*blocked due to active deployment"):
            nomad.scale(scaled.name, scaled.name, 4, "more is wanted")
        assert nomad.job(scaled.name) == before
        aborted = scaled.shop.run("abort", scaled.file)
        scaled.is_reverted(aborted, asked=True)
        assert runs[0].done().exit == 1
        assert nomad.job(scaled.name)["TaskGroups"][0]["Count"] == 3
        assert failures(traffic.answers(scaled.name)) == []


def _killed(stall: Stall, places: tuple[str, ...]) -> tuple[Done, list[float]]:
    """How the last runner ended, that lived; and the seconds from each death until the next one had the lease."""
    died, taken = 0.0, []
    for place in (*places, NOWHERE):
        done = stall.cut(place)
        if died:
            taken.append(_when("drives", done) - died)
        if place != NOWHERE:
            assert done.exit == -signal.SIGKILL, f"{place}: {done}"
            died = _when("dies", done)
    return done, taken


def _clock_is_kept(done: Done) -> None:
    """Insist that the step was judged once, from when its weight was in force: no runner began it anew."""
    ((_, began, ended),) = done.steps()
    assert HOLD_S <= ended - began < HOLD_S + TAKEN_OVER_S, str(done)


def _when(what: str, done: Done) -> float:
    found = re.search(rf"^{what} ([0-9.]+)$", done.log, re.MULTILINE)
    assert found, str(done)
    return float(found[1])
