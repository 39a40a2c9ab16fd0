"""Faults of servers around a rollout, under steady load with every answer counted: each ends in a stated, safe state.

docs/delivery.md has the table. What is killed is whole again when a story ends.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.rollout.state import Phase
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import faults, trials
from tests.cluster.delivery.command import Done
from tests.cluster.delivery.stall import Stall, stalls
from tests.cluster.delivery.traffic import Answer, Traffic, failures

RATE = 30.0
"""Requests a second for each job, over all ingress hosts."""

NOTICED_S = 20.0
RESTARTED_S = 40.0
"""Within it an instance that died has no more traffic, and a Traefik that died serves again; in seconds.

Each several times what is seen on machines that are busy with nothing else: docs/delivery.md has that.
"""

Ended = Mapping[str, tuple[Stall, Done]]

ODD = {"nan": "no finite number", "empty": "empty result", "several": "aggregate them"}


@pytest.fixture(scope="module")
def unmeasured(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Rollouts side by side whose checks have nothing to say, each with how its command ended."""
    with stalls(cluster, tmp_path_factory.mktemp("jobs"), *ODD, "silent", "abandoned") as opened:
        with Traffic(cluster.access, {each.name: RATE for each in opened if each.trial in ODD}) as traffic:
            runs = [(each, each.begin()) for each in opened]
            ended = {each.trial: (each, run.done()) for each, run in runs}
            answers = [a for each in opened for a in traffic.answers(each.name)]
        assert failures(answers) == []
        yield ended


def test_without_prometheus_the_weight_is_held_and_each_plan_says_what_follows(
    cluster: Cluster, tmp_path: Path
) -> None:
    with stalls(cluster, tmp_path, "patient", "held", "reverted") as (patient, held, reverted):
        rates = {each.name: RATE for each in (patient, held, reverted)}
        with Traffic(cluster.access, rates) as traffic:
            runs = {each.trial: each.begin() for each in (patient, held, reverted)}
            for each in (patient, held, reverted):
                each.comes_to("it is judged", Phase.ANALYSING, judged=True, running=runs[each.trial])
            with faults.stopped(cluster, cluster.env.monitor, "prometheus"):
                reverted.is_reverted(runs["reverted"].done())
                held.is_held(done := runs["held"].done())
                assert "Prometheus is not reached" in done.reason
                assert patient.shop.state().weight == 50
                assert patient.traffic.in_force(50)
            patient.is_done(runs["patient"].done())
            answers = [a for name in rates for a in traffic.answers(name)]
        assert failures(answers) == []


@pytest.mark.parametrize("trial", ODD)
def test_an_answer_that_is_not_one_finite_number_holds_the_rollout(unmeasured: Ended, trial: str) -> None:
    held, done = unmeasured[trial]
    held.is_held(done)
    assert ODD[trial] in done.reason


def test_without_traffic_it_is_held_and_goes_on_when_there_is_some(cluster: Cluster, unmeasured: Ended) -> None:
    held, done = unmeasured["silent"]
    held.is_held(done)
    assert "no data" in done.reason
    with Traffic(cluster.access, {held.name: RATE}) as traffic:
        held.is_done(held.shop.run("resume", held.file))
        assert failures(traffic.answers(held.name)) == []


def test_without_traffic_it_is_held_and_an_abort_brings_the_old_release_back(
    unmeasured: Ended,
) -> None:
    held, done = unmeasured["abandoned"]
    held.is_held(done)
    held.is_reverted(aborted := held.shop.run("abort", held.file), asked=True)
    assert "aborted by" in aborted.reason


def test_leaders_and_a_traefik_are_killed_and_the_rollout_goes_on_to_its_end(cluster: Cluster, tmp_path: Path) -> None:
    (ingress, *_) = cluster.env.clients
    with stalls(cluster, tmp_path, "long") as (long,), Traffic(cluster.access, {long.name: RATE}) as traffic:
        run = long.begin()
        for step, service in enumerate(("consul", "nomad")):
            long.comes_to(f"step {step + 1} is judged", Phase.ANALYSING, step=step, judged=True, running=run)
            _say(f"{service}'s leader killed on {faults.kill_leader(cluster, service)}")
        long.comes_to("step 3 is judged", Phase.ANALYSING, step=2, judged=True, running=run)
        killed = time.time()
        faults.kill_task(cluster, faults.traefik_of(cluster, ingress.name), "traefik")
        long.is_done(run.done())
        answers = traffic.answers(long.name)
    failed = [each for each in answers if not each.ok]
    _say(f"{len(failed)} of {len(answers)} failed, all while {ingress.name}'s Traefik was down", *failed[:3])
    assert all(each.ingress == ingress.name for each in failed), failures(failed)
    assert all(each.within(killed, RESTARTED_S) for each in failed), failures(failed)


def test_when_all_canaries_die_at_a_high_weight_everybody_is_served_by_the_old_release(
    cluster: Cluster, tmp_path: Path
) -> None:
    with stalls(cluster, tmp_path, "half", "whole", "forgiving") as opened, ThreadPoolExecutor() as pool:
        half, whole, forgiving = opened
        with Traffic(cluster.access, {each.name: RATE for each in opened}) as traffic:
            (_, reverted), (_, switched_back), (killed, done) = ended = list(pool.map(_all_die, opened))
        half.is_reverted(reverted)
        whole.is_reverted(switched_back)
        forgiving.is_done(done)
        assert done.at("no traffic for the canary until they are back") - killed < NOTICED_S
        for each, (killed, _) in zip(opened, ended, strict=True):
            _served_on(each, traffic.answers(each.name), killed)


def _all_die(dying: Stall) -> tuple[float, Done]:
    """When all canaries were killed, epoch seconds: at the last step, once it is judged; and how it ended."""
    running, last = dying.begin(), len(trials.TRIALS[dying.trial].steps) - 1
    dying.comes_to("the last step is judged", Phase.ANALYSING, step=last, judged=True, running=running)
    killed = time.time()
    for allocation in dying.canaries():
        faults.kill_task(dying.shop.cluster, allocation, "web")
    return killed, running.done()


def _served_on(dying: Stall, answers: list[Answer], killed: float) -> None:
    """Insist that requests failed for a few seconds at most, and that the old release answered all that followed."""
    failed = [each for each in answers if not each.ok]
    share = trials.TRIALS[dying.trial].steps[-1][0] / 100
    _say(f"{dying.name}: {len(failed)} of {len(answers)} failed", *failed[:3])
    assert all(each.within(killed, NOTICED_S) for each in failed), failures(failed)
    assert len(failed) <= RATE * share * NOTICED_S


def _say(*lines: object) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
