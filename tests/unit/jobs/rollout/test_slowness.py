"""Slow canaries are found by their buckets, and quick ones are not taken for slow ones."""

import math
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from configs import ingress
from jobs.rollout import slowness
from jobs.rollout.checks import Latency
from jobs.rollout.counts import Durations
from jobs.rollout.verdicts import Measurement, Verdict


def durations(times: Sequence[float]) -> Durations:
    within = {bound: sum(time <= bound for time in times) for bound in ingress.BUCKETS}
    return Durations(total=len(times), seconds=sum(times), within=within)


def spread(middle: float, count: int, seed: int = 1) -> list[float]:
    """Times as services have them: half as long and twice as long are as likely."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [chance.lognormvariate(math.log(middle), 0.4) for _ in range(count)]


def latency(check: Latency, canary: Sequence[float], stable: Sequence[float] = (), weight: int = 10) -> Measurement:
    return slowness.latency(check, durations(canary), durations(stable), alpha=2e-4, weight=weight, query="q")


@pytest.mark.parametrize("middle", [0.004, 0.02, 0.09, 0.4, 0.9])
def test_a_canary_slow_by_two_fails_within_two_hundred_requests(middle: float) -> None:
    measured = latency(Latency(), spread(2 * middle, 200), spread(middle, 1800, seed=2))
    assert (measured.verdict, measured.hard) == (Verdict.FAIL, False)


@pytest.mark.parametrize("middle", [0.004, 0.02, 0.09, 0.4, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_a_canary_as_quick_as_the_stable_half_never_fails(middle: float, seed: int) -> None:
    measured = latency(Latency(), spread(middle, 200, seed=100 + seed), spread(middle, 1800, seed=seed))
    assert measured.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}


def test_times_on_both_sides_of_a_bucket_s_end_are_not_taken_for_a_factor() -> None:
    assert latency(Latency(), [0.0026] * 500, [0.0024] * 4500).verdict is Verdict.PASS


def test_a_slow_tail_fails_though_the_mean_hardly_moves() -> None:
    slow_tail = [0.025] * 450 + [0.14] * 50
    assert latency(Latency(), slow_tail, [0.025] * 4500).verdict is Verdict.FAIL


def test_one_very_slow_request_fails_nothing() -> None:
    assert latency(Latency(), [*spread(0.02, 299), 9.0], spread(0.02, 2700, seed=2)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("slow", "verdict"),
    [(0, Verdict.PASS), (10, Verdict.PASS), (11, Verdict.INCONCLUSIVE), (40, Verdict.FAIL), (200, Verdict.FAIL)],
)
def test_a_quantile_is_judged_by_the_share_that_takes_longer(slow: int, verdict: Verdict) -> None:
    check = Latency(at_most=timedelta(milliseconds=200), factor=None)
    assert latency(check, [0.05] * (200 - slow) + [0.21] * slow).verdict is verdict


def test_a_time_between_two_bounds_is_rounded_up_and_the_reason_says_so() -> None:
    measured = latency(Latency(at_most=timedelta(milliseconds=250), factor=None), [0.29] * 200)
    assert (measured.verdict, "next bound above 0.25 s" in measured.reason) == (Verdict.PASS, True)


def test_a_time_beyond_the_last_bound_is_an_error() -> None:
    assert latency(Latency(at_most=timedelta(seconds=20), factor=None), [0.1] * 200).verdict is Verdict.ERROR


def test_too_few_requests_of_either_half_say_nothing() -> None:
    assert latency(Latency(), [9.0] * 99, [0.1] * 900).verdict is Verdict.NO_DATA
    assert latency(Latency(), [0.1] * 100, [0.1] * 99).verdict is Verdict.NO_DATA


def test_beyond_the_last_bound_nothing_can_be_compared() -> None:
    assert latency(Latency(), [40.0] * 200, [11.0] * 900).verdict is Verdict.INCONCLUSIVE


def test_with_all_of_the_traffic_the_own_limit_alone_is_judged() -> None:
    check = Latency(at_most=timedelta(milliseconds=200))
    assert latency(check, [0.1] * 200, weight=100).verdict is Verdict.PASS
    assert latency(Latency(), [0.1] * 200, weight=100).verdict is Verdict.NO_DATA
