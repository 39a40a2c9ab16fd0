"""Each mistake in a check is told before anything is done."""

from datetime import timedelta

import pytest

from jobs.rollout.checks import Check, Expression, Latency, LogLines, Restarts, SuccessRate
from jobs.rollout.limits import problems

GOOD: tuple[Check, ...] = (
    SuccessRate(),
    SuccessRate(at_least=None, worse_by=0.02, hard=0.5),
    Latency(),
    Latency(at_most=timedelta(milliseconds=300), quantile=0.99),
    Expression(name="x", query='max(x{job="$job", alloc_id=~"$canaries"}) / ${service}_total$$', at_most=1, hard=2),
    Restarts(),
    LogLines(),
    LogLines(matching=r"\pL(?i)panic"),
    LogLines(matching='| json | level="error"'),
)


@pytest.mark.parametrize("check", GOOD, ids=repr)
def test_a_check_without_mistakes_is_taken(check: Check) -> None:
    assert list(problems(check)) == []


@pytest.mark.parametrize(
    ("check", "part"),
    [
        (SuccessRate(at_least=99), "at_least=99: it is a share"),
        (SuccessRate(worse_by=-0.1), "worse_by=-0.1: it is a share"),
        (SuccessRate(at_least=None, worse_by=None), "there is no limit"),
        (SuccessRate(hard=0.0), "hard=0.0: no failure at all"),
        (SuccessRate(at_least=0.9, hard=0.05), "hard=0.05: it is below the 0.1"),
        (SuccessRate(minimum=0), "minimum=0: use 1 or more"),
        (SuccessRate(name=" "), "name=' ': it is empty"),
        (Latency(quantile=1), "quantile=1: use more than 0"),
        (Latency(quantile=95), "quantile=95: use more than 0"),
        (Latency(factor=None), "at_most, factor: there is no limit"),
        (Latency(factor=0.5), "factor=0.5: use 1 or more"),
        (Latency(minimum=0), "minimum=0: use 1 or more"),
        (Latency(at_most=timedelta(milliseconds=250)), "at_most=250 ms: the ingress does not count by this time"),
        (Latency(at_most=timedelta(seconds=60)), "use 5000 ms or 10000 ms"),
        (Expression(name="x", query="", at_most=1), "query: it is empty"),
        (Expression(name="x", query="x"), "there is no limit"),
        (Expression(name="x", query="x", at_most=1, at_least=2), "no number is in between"),
        (Expression(name="x", query="x", at_most=1, hard=0.5), "hard=0.5: it is inside the limit"),
        (Expression(name="x", query="x", at_least=1, hard=2), "hard=2: it is inside the limit"),
        (Expression(name="x", query="x", at_least=1, at_most=2, hard=3), "make two checks"),
        (Expression(name="x", query="x$wndow", at_most=1), "query: $wndow is not known - use $canaries"),
        (Expression(name="x", query='x{a=~"b$"}', at_most=1), "query: a `$` begins no name"),
        (Restarts(at_most=-1), "at_most=-1: use 0 or more"),
        (LogLines(at_most=-1), "at_most=-1: use 0 or more"),
        (LogLines(matching="(error"), "missing ), unterminated subpattern"),
        (LogLines(matching=""), "matching: it is empty"),
        (LogLines(matching="error(?! expected)"), "no look-around"),
        (LogLines(matching=r"(a)\1"), "no look-around and no back references"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_field(check: Check, part: str) -> None:
    assert [part in problem for problem in problems(check)] == [True]


@pytest.mark.parametrize("check", [SuccessRate(at_least=None), Latency()])
def test_a_comparison_alone_is_refused_where_nothing_is_left_to_compare_with(check: Check) -> None:
    assert len(list(problems(check, whole=True))) == 1
