"""A canary's host is drained, or lost, under steady load: the canary is placed again, or the release taken back.

The numbers are of two hosts: the loss of one takes an ingress and half of every service with it.
"""

import sys
from pathlib import Path

from jobs.rollout.state import Phase
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import faults
from tests.cluster.delivery.stall import Stall, stalls
from tests.cluster.delivery.traffic import Traffic, failures
from vagrant.waiting import wait

RATE = 30.0
GONE_S = 60.0
"""Until Consul has noticed that a host is gone, and no ingress sends anything there; in seconds."""

BACK_S = 120.0
LOST = "no traffic for the canary until they are back"


def test_when_its_host_is_drained_a_canary_moves_and_the_rollout_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    with stalls(cluster, tmp_path, "moved") as (moved,), Traffic(cluster.access, {moved.name: RATE}) as traffic:
        run = moved.begin()
        moved.comes_to("step 1 is judged", Phase.ANALYSING, judged=True, running=run)
        with faults.drained(cluster, _host(moved)):
            moved.comes_to("it is placed again", Phase.ANALYSING, setbacks=1, running=run)
        moved.is_done(done := run.done())
        assert done.at(LOST)
        assert failures(traffic.answers(moved.name)) == []


def test_when_its_host_is_lost_a_canary_has_no_traffic_until_it_is_placed_again_or_taken_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    with stalls(cluster, tmp_path, "lost", "impatient") as (patient, impatient):
        with Traffic(cluster.access, {patient.name: RATE, impatient.name: RATE}) as traffic:
            other = impatient.begin()
            impatient.comes_to("it is judged", Phase.ANALYSING, judged=True, running=other)
            run = patient.begin()
            patient.comes_to("it is judged", Phase.ANALYSING, judged=True, running=run)
            with faults.lost(cluster, lost := _host(patient)) as killed:
                patient.comes_to("the canary is lost", Phase.STARTING, setbacks=1, running=run)
                reverted = other.done()
            done = run.done()
            answers = traffic.answers(patient.name) + traffic.answers(impatient.name)
        patient.is_done(done)
        impatient.is_reverted(reverted, moved=True)
    wait(f"{lost} is ready", lambda: faults.ready(cluster, lost), bound_s=BACK_S)
    elsewhere = [each for each in answers if each.ingress != lost]
    failed = [each for each in elsewhere if not each.ok]
    sys.stdout.write(f"{lost} lost: {len(failed)} of {len(elsewhere)} failed at the other ingress\n")
    sys.stdout.write(f"no traffic for the canary {done.at(LOST) - killed:.1f} s after it was lost\n")
    assert done.at(LOST) - killed < GONE_S
    assert all(each.within(killed, GONE_S) for each in failed), failures(failed)


def _host(stall: Stall) -> str:
    """Where the canary is."""
    running = stall.shop.instances().values()
    return next(str(a["NodeName"]) for a in running if a["JobVersion"] != stall.version)
