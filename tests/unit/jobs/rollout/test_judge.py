"""Each verdict of each check, with its reason."""

from typing import Any

import pytest

from jobs.rollout import judge
from jobs.rollout.checks import Expression, LogLines, Restarts, SuccessRate
from jobs.rollout.counts import Requests
from jobs.rollout.verdicts import Measurement, Verdict

ALPHA = 2e-4
NO_COMPARISON = SuccessRate(worse_by=None)


def success(
    check: SuccessRate, canary: tuple[int, int], stable: tuple[int, int] = (900, 0), weight: int = 10
) -> Measurement:
    halves = [Requests(total=total, failed=failed) for total, failed in (canary, stable)]
    return judge.success_rate(check, *halves, alpha=ALPHA, weight=weight, query="q")


@pytest.mark.parametrize(
    ("canary", "stable", "verdict"),
    [
        ((0, 0), (900, 0), Verdict.NO_DATA),
        ((49, 49), (900, 0), Verdict.NO_DATA),
        ((100, 0), (49, 0), Verdict.NO_DATA),
        ((100, 0), (900, 0), Verdict.PASS),
        ((100, 1), (900, 0), Verdict.PASS),
        ((100, 2), (900, 0), Verdict.INCONCLUSIVE),
        ((100, 6), (900, 0), Verdict.FAIL),
        ((2000, 35), (18000, 170), Verdict.INCONCLUSIVE),
        ((100, 30), (0, 0), Verdict.FAIL),
    ],
)
def test_a_success_rate_fails_when_that_is_certain_and_passes_when_it_is_inside(
    canary: tuple[int, int], stable: tuple[int, int], verdict: Verdict
) -> None:
    assert success(SuccessRate(), canary, stable).verdict is verdict


def test_a_reason_has_the_numbers_that_decided() -> None:
    assert success(NO_COMPARISON, (200, 30)).reason == (
        "30 of 200 requests failed (15.00%), at most 1.00% may (chance 7.9e-26, it decides below 2.0e-04)"
    )


def test_a_canary_as_bad_as_the_stable_half_is_not_called_worse() -> None:
    assert success(SuccessRate(at_least=None), (1000, 200), (9000, 1800)).verdict is Verdict.PASS


def test_a_difference_that_is_certain_and_small_passes() -> None:
    """Significance alone would call 0.6 % instead of 0.1 % a failure."""
    assert success(SuccessRate(), (100_000, 600), (900_000, 900)).verdict is Verdict.PASS


def test_a_minimum_of_nothing_is_still_one_request() -> None:
    assert success(SuccessRate(minimum=0), (0, 0), (0, 0)).verdict is Verdict.NO_DATA


@pytest.mark.parametrize(("canary", "hard"), [((49, 49), False), ((50, 9), False), ((50, 10), True)])
def test_the_hard_limit_ends_it_at_once_and_needs_its_minimum_too(canary: tuple[int, int], *, hard: bool) -> None:
    assert success(SuccessRate(hard=0.2), canary).hard is hard


def test_with_all_of_the_traffic_the_own_limit_alone_is_judged() -> None:
    measured = success(SuccessRate(), (100, 0), (0, 0), weight=100)
    assert (measured.verdict, "no stable half" in measured.reason) == (Verdict.PASS, True)


def test_a_comparison_alone_never_passes_without_a_stable_half() -> None:
    assert success(SuccessRate(at_least=None), (100, 0), (0, 0), weight=100).verdict is Verdict.NO_DATA


@pytest.mark.parametrize(
    ("check", "value", "verdict", "hard"),
    [
        (Expression(name="x", query="x", at_most=0.5), 0.5, Verdict.PASS, False),
        (Expression(name="x", query="x", at_most=0.5), 0.500001, Verdict.FAIL, False),
        (Expression(name="x", query="x", at_most=0.0), 0.1, Verdict.FAIL, False),
        (Expression(name="x", query="x", at_most=0.5, hard=2), 2.5, Verdict.FAIL, True),
        (Expression(name="x", query="x", at_least=99.9), 99.9, Verdict.PASS, False),
        (Expression(name="x", query="x", at_least=99.9), 99.8, Verdict.FAIL, False),
        (Expression(name="x", query="x", at_least=99.9, hard=90), 80, Verdict.FAIL, True),
        (Expression(name="x", query="x", at_least=1, at_most=2), 3, Verdict.FAIL, False),
    ],
)
def test_a_number_is_judged_as_it_is_and_not_as_a_whole_one(
    check: Expression, value: float, verdict: Verdict, *, hard: bool
) -> None:
    measured = judge.expression(check, value, query="x")
    assert (measured.verdict, measured.hard) == (verdict, hard)


def allocation(*, restarts: int = 0, failed: bool = False, oom: int = 0, **more: Any) -> dict[str, Any]:
    killed = {"Type": "Terminated", "Details": {"exit_code": "137", "oom_killed": "true", "signal": "0"}}
    task = {"State": "running", "Failed": failed, "Restarts": restarts, "Events": [killed] * oom}
    return {"ID": "0a1b2c3d-1111", "TaskStates": {"server": task}} | more


@pytest.mark.parametrize(
    ("canaries", "verdict"),
    [
        ([], Verdict.NO_DATA),
        ([{"ID": "a", "TaskStates": None}], Verdict.NO_DATA),
        ([allocation(), {"ID": "a", "TaskStates": None}], Verdict.NO_DATA),
        ([allocation(), {"ID": "a", "TaskStates": None, "DesiredStatus": "stop"}], Verdict.PASS),
        ([allocation(), allocation()], Verdict.PASS),
        ([allocation(), allocation(restarts=1)], Verdict.FAIL),
        ([allocation(failed=True)], Verdict.FAIL),
        ([allocation(oom=1)], Verdict.FAIL),
    ],
)
def test_one_restart_or_kill_of_any_canary_fails(canaries: list[dict[str, Any]], verdict: Verdict) -> None:
    measured = judge.restarts(Restarts(), canaries)
    assert (measured.verdict, measured.hard) == (verdict, verdict is Verdict.FAIL)


def test_a_kill_and_the_restart_that_follows_it_are_one() -> None:
    assert judge.restarts(Restarts(at_most=1), [allocation(restarts=1, oom=1)]).verdict is Verdict.PASS


def test_a_reason_names_the_task_that_was_killed() -> None:
    measured = judge.restarts(Restarts(), [allocation(restarts=1, oom=1)])
    assert measured.reason == "server in 0a1b2c3d: 1 restarts or failures, 1 OOM kills: at most 0 in all"


def test_a_kill_that_nomad_does_not_call_one_for_memory_is_said_to_be_perhaps_one() -> None:
    killed = {"Type": "Terminated", "Details": {"exit_code": "137", "oom_killed": "false", "signal": "9"}}
    task = {"State": "running", "Failed": False, "Restarts": 1, "Events": [killed]}
    measured = judge.restarts(Restarts(), [{"ID": "0a1b2c3d-1111", "TaskStates": {"server": task}}])
    assert measured.reason == (
        "server in 0a1b2c3d: 1 restarts or failures, 1 by signal 9, as OOM kills are: at most 0 in all"
    )


@pytest.mark.parametrize(
    ("matching", "seen", "verdict"),
    [(0, 0, Verdict.NO_DATA), (0, 12, Verdict.PASS), (2, None, Verdict.PASS), (3, None, Verdict.FAIL)],
)
def test_no_matching_line_passes_only_when_lines_are_known_to_arrive(
    matching: float, seen: float | None, verdict: Verdict
) -> None:
    assert judge.log_lines(LogLines(at_most=2), matching, seen, query="q").verdict is verdict


@pytest.mark.parametrize(
    ("canary", "stable", "weight", "verdict"),
    [
        (0, 0, 10, Verdict.NO_DATA),
        (5, 44, 10, Verdict.NO_DATA),
        (100, 900, 10, Verdict.PASS),
        (122, 878, 10, Verdict.PASS),
        (130, 870, 10, Verdict.INCONCLUSIVE),
        (200, 800, 10, Verdict.FAIL),
        (0, 1000, 10, Verdict.FAIL),
        (1000, 4, 100, Verdict.PASS),
        (900, 100, 100, Verdict.FAIL),
    ],
)
def test_the_share_served_is_inside_the_interval_of_its_weight(
    canary: int, stable: int, weight: int, verdict: Verdict
) -> None:
    assert judge.share(canary, stable, alpha=ALPHA, weight=weight, query="q").verdict is verdict
