"""What no numbers can do: pass without a sample, turn a failure good by getting worse, alarm a good release."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import ingress
from jobs.rollout import judge, significance, slowness
from jobs.rollout.checks import Latency, Restarts, SuccessRate
from jobs.rollout.counts import Durations, Requests
from jobs.rollout.plan import Plan, Step
from jobs.rollout.verdicts import Verdict

"""The first example imports SciPy."""

SHARES = st.one_of(st.none(), st.floats(0, 1))
TOTALS = st.integers(0, 3000)
ALPHAS = st.floats(1e-6, 0.2)
WEIGHTS = st.integers(0, 100)
CHECKS = st.builds(SuccessRate, at_least=SHARES, worse_by=SHARES, minimum=st.integers(0, 300))
SLOW_CHECKS = st.builds(
    Latency,
    quantile=st.floats(0.01, 0.999),
    at_most=st.one_of(st.none(), st.sampled_from(ingress.BUCKETS).map(lambda bound: timedelta(seconds=bound))),
    factor=st.one_of(st.none(), st.floats(1, 5)),
    minimum=st.integers(0, 300),
)


@st.composite
def halves(draw: st.DrawFn) -> Requests:
    total = draw(TOTALS)
    return Requests(total=total, failed=draw(st.integers(0, total)))


@st.composite
def times(draw: st.DrawFn) -> list[int]:
    """How many requests each bucket has, the last one beyond all bounds."""
    return draw(st.lists(st.integers(0, 200), min_size=len(ingress.BUCKETS) + 1, max_size=len(ingress.BUCKETS) + 1))


def durations(buckets: list[int]) -> Durations:
    bounds = (*ingress.BUCKETS, 2 * ingress.BUCKETS[-1])
    seconds = sum(bound * count for bound, count in zip(bounds, buckets, strict=True))
    within = {bound: sum(buckets[: number + 1]) for number, bound in enumerate(ingress.BUCKETS)}
    return Durations(total=sum(buckets), seconds=seconds, within=within)


@given(CHECKS, halves(), ALPHAS, WEIGHTS)
def test_no_requests_of_the_canary_never_pass(check: SuccessRate, stable: Requests, alpha: float, weight: int) -> None:
    measured = judge.success_rate(check, Requests(), stable, alpha=alpha, weight=weight, query="")
    assert measured.verdict is Verdict.NO_DATA


@given(SLOW_CHECKS, times(), ALPHAS, WEIGHTS)
def test_no_times_of_the_canary_never_pass(check: Latency, stable: list[int], alpha: float, weight: int) -> None:
    measured = slowness.latency(check, Durations(), durations(stable), alpha=alpha, weight=weight, query="")
    assert measured.verdict is Verdict.NO_DATA


@given(st.lists(st.sampled_from([{"ID": "a"}, {"ID": "b", "TaskStates": {}}]), max_size=3), st.integers(0, 5))
def test_no_tasks_never_pass(canaries: list[dict[str, object]], at_most: int) -> None:
    assert judge.restarts(Restarts(at_most=at_most), canaries).verdict is Verdict.NO_DATA


@given(CHECKS, halves(), halves(), ALPHAS, WEIGHTS, st.sampled_from((0, 1)))
def test_one_more_failed_request_never_turns_a_failure_good(
    check: SuccessRate, canary: Requests, stable: Requests, alpha: float, weight: int, another: int
) -> None:
    if not another and canary.failed == canary.total:
        return
    worse = Requests(total=canary.total + another, failed=canary.failed + 1)
    before, after = (
        judge.success_rate(check, half, stable, alpha=alpha, weight=weight, query="").verdict
        for half in (canary, worse)
    )
    assert before is not Verdict.FAIL or after is Verdict.FAIL
    assert before is Verdict.NO_DATA or after is not Verdict.PASS or before is Verdict.PASS


@given(SLOW_CHECKS, times(), times(), ALPHAS, WEIGHTS, st.integers(0, len(ingress.BUCKETS) - 1))
def test_one_slower_request_never_turns_a_failure_good(
    check: Latency, canary: list[int], stable: list[int], alpha: float, weight: int, bucket: int
) -> None:
    if not canary[bucket]:
        return
    worse = list(canary)
    worse[bucket] -= 1
    worse[bucket + 1] += 1
    before, after = (
        slowness.latency(check, durations(half), durations(stable), alpha=alpha, weight=weight, query="").verdict
        for half in (canary, worse)
    )
    assert before is not Verdict.FAIL or after is Verdict.FAIL


@given(CHECKS, halves(), halves(), ALPHAS)
def test_a_smaller_chance_of_false_alarms_never_makes_a_failure(
    check: SuccessRate, canary: Requests, stable: Requests, alpha: float
) -> None:
    stricter, looser = (
        judge.success_rate(check, canary, stable, alpha=each, weight=10, query="").verdict
        for each in (alpha / 10, alpha)
    )
    assert stricter is not Verdict.FAIL or looser is Verdict.FAIL


@given(CHECKS, halves(), halves(), ALPHAS, WEIGHTS)
def test_every_number_of_a_measurement_is_finite_and_every_verdict_has_its_reason(
    check: SuccessRate, canary: Requests, stable: Requests, alpha: float, weight: int
) -> None:
    measured = judge.success_rate(check, canary, stable, alpha=alpha, weight=weight, query="")
    assert all(abs(value) < float("inf") for value in measured.numbers.values())
    assert measured.reason


PLAN = Plan(strategy="canary", steps=(Step(weight=10, hold=timedelta(seconds=60)),), alpha=0.05)
LOOKS = PLAN.steps[0].hold // PLAN.interval + 1
EACH = PLAN.alpha / LOOKS


def rollout(chance: random.Random, canary: float, stable: float, per_look: int = 25) -> int | None:
    """After how many of the canary's requests a rollout fails, looked at each interval; None when it does not."""
    served, usual = Requests(), Requests()
    for _ in range(LOOKS):
        served, usual = more(served, chance, canary, per_look), more(usual, chance, stable, 9 * per_look)
        measured = judge.success_rate(SuccessRate(), served, usual, alpha=EACH, weight=10, query="")
        if measured.verdict is Verdict.FAIL:
            return served.total
    return None


def more(half: Requests, chance: random.Random, share: float, count: int) -> Requests:
    failed = sum(chance.random() < share for _ in range(count))
    return Requests(total=half.total + count, failed=half.failed + failed)


def test_a_release_that_just_keeps_its_limits_is_called_bad_less_often_than_the_plan_allows() -> None:
    chance = random.Random(4)  # noqa: S311 - repeatable, not secret
    alarms = sum(rollout(chance, 0.01, 0.01) is not None for _ in range(200))
    assert alarms / 200 <= PLAN.alpha


def test_a_release_with_five_percent_of_errors_is_caught_within_two_hundred_and_fifty_requests() -> None:
    chance = random.Random(5)  # noqa: S311 - repeatable, not secret
    caught = sorted(rollout(chance, 0.05, 0.001) or 10_000 for _ in range(100))
    assert (caught[49] <= 100, caught[94] <= 250) == (True, True)


def test_a_perfect_release_is_never_called_bad() -> None:
    chance = random.Random(6)  # noqa: S311 - repeatable, not secret
    assert {rollout(chance, 0.0, 0.001) for _ in range(20)} == {None}


@pytest.mark.parametrize(("true", "least", "most"), [(0.05, 250, 450), (0.02, 1500, 3500), (0.5, 5, 15)])
def test_the_samples_that_are_needed_are_as_many_as_a_simulation_needs(true: float, least: int, most: int) -> None:
    needed = significance.needed(limit=0.01, true=true, alpha=2e-4)
    assert needed is not None
    assert least <= needed <= most
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    seen = sum(
        significance.above(more(Requests(), chance, true, needed).failed, needed, 0.01) < 2e-4 for _ in range(200)
    )
    assert seen / 200 >= 0.82


def test_nobody_is_told_to_wait_for_more_than_fifty_thousand_requests() -> None:
    assert significance.needed(limit=0.01, true=0.0101, alpha=1e-4) is None
