"""Rollouts as Prometheus gets them."""

from dataclasses import replace
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from jobs.rollout.figures import Figures, planned
from jobs.rollout.state import Decision, Phase, Result, State, Tally
from jobs.rollout.verdicts import Verdict
from tests.unit.jobs.rollout import sights


def series(figures: Figures) -> dict[tuple[str, ...], float]:
    """Each value by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(figures.text().decode())
    return {
        (s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for family in families for s in family.samples
    }


def measured(state: State, verdict: Verdict, *, row: int, since: float = 1.0) -> State:
    return replace(state, tallies={"restarts": Tally(verdict=verdict, since=since, row=row)})


def test_an_open_rollout_is_seen_with_its_phase_step_and_weight() -> None:
    figures = Figures()
    figures.see({"web": sights.state(phase=Phase.ANALYSING, step=1, weight=50)}, {})
    found = series(figures)
    assert found["socle_rollout_phase", "web", "analysing"] == 1
    assert found["socle_rollout_step", "web"] == 2
    assert found["socle_rollout_weight", "web"] == 50


def test_a_rollout_that_is_open_no_more_leaves_no_present_series() -> None:
    figures = Figures()
    figures.see({"web": sights.state()}, {})
    figures.see({}, {"web": sights.state()})
    assert not [key for key in series(figures) if key[0].startswith("socle_rollout_p") and "web" in key]


def test_counters_begin_at_zero_with_the_rollout() -> None:
    figures = Figures()
    figures.see({"web": sights.state()}, {})
    found = series(figures)
    assert {found["socle_rollouts_total", "web", result.value] for result in Result} == {0}
    assert {found["socle_rollout_checks_total", "restarts", "web", verdict.value] for verdict in Verdict} == {0}


def test_measurements_are_counted_by_what_their_tally_gained() -> None:
    figures, first = Figures(), sights.state()
    three = measured(first, Verdict.PASS, row=3)
    five = measured(first, Verdict.PASS, row=5)
    failed = measured(first, Verdict.FAIL, row=1, since=9.0)
    for before, after in ((first, three), (three, five), (five, failed)):
        figures.see({"web": after}, {"web": before})
    found = series(figures)
    assert found["socle_rollout_checks_total", "restarts", "web", "pass"] == 5
    assert found["socle_rollout_checks_total", "restarts", "web", "fail"] == 1


def test_decisions_and_ends_are_counted_by_job() -> None:
    figures = Figures()
    figures.decided("web", Decision(at=1.0, text="held", phase=Phase.HELD, weight=10))
    figures.ended(sights.state(result=Result.REVERTED))
    found = series(figures)
    assert found["socle_rollout_decisions_total", "web", "held"] == 1
    assert found["socle_rollouts_total", "web", "reverted"] == 1


def test_how_many_series_a_job_has_does_not_grow_with_its_rollouts() -> None:
    figures, before = Figures(), {"web": sights.state(id="r0")}
    figures.see(before, {})
    count = len(series(figures))
    for number in range(1, 20):
        after = {"web": sights.state(id=f"r{number}")}
        figures.see(after, before)
        before = after
    assert len(series(figures)) == count


def test_a_plan_takes_all_its_limits_at_the_longest() -> None:
    plan = replace(
        sights.PLAN,
        start_within=timedelta(minutes=5),
        shift_within=timedelta(minutes=1),
        finish_within=timedelta(minutes=15),
        revert_within=timedelta(minutes=10),
    )
    steps = sum((step.hold for step in plan.steps), timedelta())
    bound = plan.bounds.no_data.within
    assert planned(plan) == timedelta(minutes=5 + 15) + steps + len(plan.steps) * (timedelta(minutes=1) + bound)


def test_a_plan_that_may_revert_for_longer_than_it_may_finish_takes_that() -> None:
    short = replace(sights.PLAN, finish_within=timedelta(minutes=1), revert_within=timedelta(minutes=1))
    longer = replace(short, revert_within=timedelta(minutes=30))
    assert planned(longer) - planned(short) == timedelta(minutes=29)
