"""What a rollout does next, in each phase."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jobs.rollout import actions, decide, judgement, turns
from jobs.rollout.plan import Bound, Bounds, Consequence, Plan
from jobs.rollout.seen import Request, Seen
from jobs.rollout.state import Before, Phase, Result, State
from jobs.rollout.verdicts import Verdict
from tests.unit.jobs.rollout import sights
from tests.unit.jobs.rollout.sights import at, deployment, job, says, sight, traffic


def analysing(weight: int = 10, **given: Any) -> State:
    return sights.state(
        **{"phase": Phase.ANALYSING, "version": 2, "weight": weight, "step_began": 100.0, "since": 100.0, **given}
    )


def due(state: State, seen: Seen, now: float) -> list[actions.Action]:
    return list(decide.due(state, seen, now))


def test_a_job_is_registered_only_once_no_canary_can_get_traffic() -> None:
    state = sights.state()
    before = Seen(job=job(1, index=10), traffic=traffic(50, canaries=0))
    assert due(state, before, 1) == [actions.Weigh(0)]
    assert due(state, at(before, traffic=traffic(0, canaries=0)), 1) == [actions.Register()]


def test_a_registration_that_a_dead_runner_made_is_found_and_not_made_again() -> None:
    state = decide.decide(sights.state(), sight(job=job(2, ours=2)), 1)
    assert (state.phase, state.version) == (Phase.STARTING, 2)
    assert due(state, sight(), 1) == []


def test_a_version_that_nomad_took_back_at_once_is_still_the_rollouts_own() -> None:
    state = decide.decide(sights.state(), sight(job=job(3, ours=2), deployment=deployment("failed")), 1)
    assert (state.phase, state.version) == (Phase.STARTING, 2)
    assert decide.decide(state, sight(job=job(3), deployment=deployment("failed")), 2).phase is Phase.WITHDRAWING


def test_a_job_that_somebody_else_registered_meanwhile_is_left_alone() -> None:
    state = decide.decide(sights.state(), sight(job=job(2)), 1)
    assert (state.phase, state.result) == (Phase.ENDED, Result.REFUSED)


def test_the_first_version_of_a_job_goes_without_steps() -> None:
    first = sights.state(before=Before())
    assert decide.decide(first, sight(job=job(0, ours=0)), 1).phase is Phase.FINISHING


@pytest.mark.parametrize(
    "missing",
    [
        {"deployment": deployment(healthy=0)},
        {"traffic": traffic(0, canaries=0)},
        {"traffic": replace(traffic(0), ingresses={"a": None})},
        {"deployment": None},
    ],
)
def test_no_weight_before_the_canaries_are_healthy_and_known_to_every_ingress(missing: dict[str, Any]) -> None:
    waiting = sights.state(phase=Phase.STARTING, version=2)
    assert decide.decide(waiting, at(sight(), **missing), 10).phase is Phase.STARTING
    late = decide.decide(waiting, at(sight(), **missing), 301)
    assert (late.phase, late.weight) == (Phase.WITHDRAWING, 0)


def test_a_step_begins_when_its_weight_is_in_force_everywhere() -> None:
    state = decide.decide(sights.state(phase=Phase.STARTING, version=2), sight(), 10)
    assert (state.phase, state.weight, due(state, sight(), 10)) == (Phase.ANALYSING, 10, [actions.Weigh(10)])
    state = decide.decide(state, sight(traffic=traffic(10, in_force=0)), 11)
    assert state.step_began is None
    assert decide.decide(state, sight(10), 12.5).step_began == 12.5


def test_a_step_passes_only_when_all_passed_after_its_time() -> None:
    early = decide.decide(analysing(), sight(10, measurements=says()), 120)
    assert early.step == 0
    unmeasured = decide.decide(early, sight(10), 131)
    assert unmeasured.step == 0
    passed = decide.decide(unmeasured, sight(10, measurements=says()), 131)
    assert (passed.step, passed.weight, passed.step_began) == (1, 50, None)


@pytest.mark.parametrize("verdict", [Verdict.NO_DATA, Verdict.ERROR, Verdict.INCONCLUSIVE])
def test_one_check_that_does_not_pass_holds_the_step(verdict: Verdict) -> None:
    state = decide.decide(analysing(), sight(10, measurements=says(restarts=verdict)), 131)
    assert (state.phase, state.step, state.weight) == (Phase.ANALYSING, 0, 10)


def test_a_check_that_was_never_measured_does_not_pass() -> None:
    state = decide.decide(analysing(), sight(10, measurements=says()[:1]), 131)
    assert (state.phase, state.step) == (Phase.ANALYSING, 0)


def test_the_share_that_is_served_must_pass_too() -> None:
    state = decide.decide(analysing(), sight(10, measurements=says(share=Verdict.INCONCLUSIVE)), 131)
    assert state.step == 0


def test_the_last_step_promotes() -> None:
    state = decide.decide(analysing(50, step=1), sight(50, measurements=says()), 131)
    assert (state.phase, state.weight) == (Phase.PROMOTING, 50)
    assert due(state, sight(50), 131) == [actions.Promote("d2")]


def test_a_failure_takes_the_weight_in_the_same_moment() -> None:
    state = decide.decide(analysing(), sight(10, measurements=says(success_rate=Verdict.FAIL)), 105)
    assert (state.phase, state.weight) == (Phase.WITHDRAWING, 0)
    assert due(state, sight(10), 105) == [actions.Weigh(0)]
    assert "success rate" in state.reason


def test_the_reason_names_every_check_that_failed() -> None:
    seen = sight(10, measurements=says(success_rate=Verdict.FAIL, restarts=Verdict.FAIL))
    assert decide.decide(analysing(), seen, 105).reason == "success rate: measured; restarts: measured"


def test_the_reason_tells_why_nomad_gave_it_up() -> None:
    starting = sights.state(phase=Phase.STARTING, version=2)
    given_up = sight(deployment=deployment("failed"), trouble="allocation a is failed: Exit Code: 3")
    assert decide.explains(starting, given_up, 1)
    assert decide.decide(starting, given_up, 1).reason.endswith("Exit Code: 3")
    late = sight(deployment=deployment(healthy=0), trouble="a constraint on 2")
    assert not decide.explains(starting, late, 1)
    assert decide.explains(starting, late, 1000)
    assert decide.decide(starting, late, 1000).reason.endswith("a constraint on 2")


def test_failures_are_counted_in_a_row() -> None:
    plan = replace(sights.PLAN, bounds=Bounds(failures=2))
    failing, passing = sight(10, measurements=says(restarts=Verdict.FAIL)), sight(10, measurements=says())
    once = decide.decide(analysing(plan=plan), failing, 105)
    assert once.phase is Phase.ANALYSING
    assert decide.decide(decide.decide(once, passing, 110), failing, 115).phase is Phase.ANALYSING
    assert decide.decide(once, failing, 110).phase is Phase.WITHDRAWING


def test_a_hard_failure_does_not_wait_for_a_second() -> None:
    plan = replace(sights.PLAN, bounds=Bounds(failures=3))
    hard = tuple(replace(m, hard=True) for m in says(restarts=Verdict.FAIL))
    assert decide.decide(analysing(plan=plan), sight(10, measurements=hard), 105).phase is Phase.WITHDRAWING


@pytest.mark.parametrize("then", Consequence)
@pytest.mark.parametrize(
    ("verdict", "bound", "at_most"),
    [(Verdict.NO_DATA, "no_data", 150), (Verdict.INCONCLUSIVE, "inconclusive", 150), (Verdict.ERROR, "error", 125)],
)
def test_each_verdict_has_its_own_bound_and_consequence(
    verdict: Verdict, bound: str, at_most: float, then: Consequence
) -> None:
    stays: Any = {bound: Bound(within=timedelta(seconds=20), then=then)}
    plan = replace(sights.PLAN, bounds=Bounds(**stays))
    measured = sight(10, measurements=says(success_rate=verdict))
    state = decide.decide(analysing(plan=plan), measured, 105)
    state = decide.decide(state, measured, at_most)
    assert state.phase is Phase.ANALYSING
    state = decide.decide(state, measured, at_most + 1)
    assert state.phase is (Phase.HELD if then is Consequence.HOLD else Phase.WITHDRAWING)
    assert state.weight == 0


def test_lost_canaries_get_no_traffic_and_the_step_begins_anew_with_the_next() -> None:
    state = decide.decide(analysing(50, step=1), sight(50, traffic=traffic(50, canaries=0)), 110)
    assert (state.phase, state.weight, state.step) == (Phase.STARTING, 0, 1)
    again = decide.decide(state, sight(), 120)
    assert (again.phase, again.weight, again.step_began) == (Phase.ANALYSING, 50, None)


def test_a_canary_that_is_back_after_a_loss_is_one_that_had_traffic_before() -> None:
    state = replace(analysing(), weight=10).noted(100, "10 % of the traffic")
    assert not state.again
    lost = decide.decide(state, sight(10, traffic=traffic(10, canaries=0)), 110)
    assert lost.phase is Phase.STARTING
    assert lost.again


def test_canaries_that_are_lost_again_and_again_are_taken_back() -> None:
    state = analysing(setbacks=turns.SETBACKS)
    assert decide.decide(state, sight(10, traffic=traffic(10, canaries=0)), 110).phase is Phase.WITHDRAWING


def test_an_ingress_that_does_not_answer_is_an_error_not_a_pass() -> None:
    split = replace(traffic(10), ingresses={"a": traffic(10).ingresses["a"], "b": None})
    state = decide.decide(analysing(), sight(10, traffic=split, measurements=says()), 131)
    assert (state.phase, state.step, state.tallies["weight"].verdict) == (Phase.ANALYSING, 0, Verdict.ERROR)


def test_a_deployment_that_nomad_gave_up_is_taken_back_with_its_reason() -> None:
    state = decide.decide(analysing(), sight(10, deployment=deployment("failed")), 105)
    assert (state.phase, state.weight) == (Phase.WITHDRAWING, 0)
    assert "gave the deployment up" in state.reason


def test_a_version_of_somebody_else_ends_the_rollout_without_touching_it() -> None:
    state = decide.decide(analysing(), sight(10, job=job(3)), 105)
    state = decide.decide(state, sight(0, job=job(3)), 106)
    assert (state.phase, state.result) == (Phase.ENDED, Result.SUPERSEDED)


def test_the_deployment_is_failed_only_once_no_ingress_gives_it_traffic() -> None:
    state = analysing(0, phase=Phase.WITHDRAWING)
    assert decide.decide(state, sight(traffic=traffic(0, in_force=10)), 101).phase is Phase.WITHDRAWING
    taken = decide.decide(state, sight(), 101)
    assert taken.phase is Phase.REVERTING
    assert due(taken, sight(), 101) == [actions.Fail("d2")]


def test_an_ingress_that_stays_silent_does_not_keep_a_bad_version_up() -> None:
    state, silent = analysing(0, phase=Phase.WITHDRAWING), replace(traffic(0), ingresses={"a": None})
    assert decide.decide(state, sight(traffic=silent), 114).phase is Phase.WITHDRAWING
    assert decide.decide(state, sight(traffic=silent), 116).phase is Phase.REVERTING


REVERTED = {
    "job": job(3, whole=True),
    "deployment": deployment("failed"),
    "latest": deployment("successful", version=3),
}


def test_a_rollout_is_reverted_when_the_stable_version_is_whole() -> None:
    state = analysing(0, phase=Phase.REVERTING, reason="bad")
    unfinished = sight(0, **REVERTED | {"latest": deployment(version=3, healthy=0)})
    assert decide.decide(state, unfinished, 110).phase is Phase.REVERTING
    ended = decide.decide(state, sight(0, **REVERTED), 110)
    assert (ended.result, ended.reason) == (Result.REVERTED, "bad")


def test_instances_that_the_revert_took_away_are_given_back() -> None:
    state = analysing(0, phase=Phase.REVERTING)
    fewer = sight(0, **REVERTED | {"job": job(3, whole=True, counts={"web": 1})})
    assert due(state, fewer, 110) == [actions.Scale("web", 2)]
    assert decide.decide(state, fewer, 110).phase is Phase.REVERTING


def test_where_nomad_does_not_revert_it_is_done_by_hand() -> None:
    state = analysing(0, phase=Phase.REVERTING)
    found = sight(deployment=deployment("failed"), latest=deployment("failed"))
    assert due(state, found, 104) == []
    assert due(state, found, 106) == [actions.Revert(1)]


def test_canaries_of_the_revert_itself_are_promoted() -> None:
    state = analysing(0, phase=Phase.REVERTING)
    found = sight(job=job(3), deployment=deployment("failed"), latest=deployment(version=3))
    assert due(state, found, 110) == [actions.Promote("d3")]


def test_a_revert_that_fails_needs_a_person() -> None:
    state = analysing(0, phase=Phase.REVERTING)
    failed = sight(job=job(3), deployment=deployment("failed"), latest=deployment("failed", version=3))
    assert decide.decide(state, failed, 110).result is Result.STUCK
    assert decide.decide(state, sight(deployment=deployment("failed")), 1001).result is Result.STUCK


def test_a_first_version_that_fails_has_nothing_to_go_back_to() -> None:
    state = analysing(0, phase=Phase.REVERTING, before=Before())
    assert decide.decide(state, sight(deployment=deployment("failed")), 110).result is Result.FAILED


def test_after_the_promotion_the_weight_stays_until_no_instance_is_a_canary() -> None:
    state = analysing(50, phase=Phase.FINISHING, step=1)
    done = deployment("successful", promoted=True)
    still = decide.decide(state, sight(50, deployment=done), 110)
    assert (still.phase, still.weight) == (Phase.FINISHING, 50)
    swapped = at(sight(50, deployment=done), traffic=traffic(50, canaries=0))
    cleared = decide.decide(still, swapped, 111)
    assert due(cleared, swapped, 111) == [actions.Weigh(0)]
    assert decide.decide(cleared, at(swapped, traffic=traffic(0, canaries=0)), 112).result is Result.DONE


def test_a_promoted_version_that_fails_later_is_taken_back() -> None:
    state = decide.decide(analysing(50, phase=Phase.FINISHING), sight(50, deployment=deployment("failed")), 110)
    assert (state.phase, state.weight) == (Phase.WITHDRAWING, 0)


def ask(action: str, index: int = 7) -> Request:
    return Request(action=action, who="ann", index=index)  # type: ignore[arg-type]


def test_a_paused_step_stays_though_all_passed_and_goes_on_when_resumed() -> None:
    paused = decide.decide(analysing(), sight(10, request=ask("pause"), measurements=says()), 131)
    assert (paused.step, paused.paused) == (0, True)
    resumed = decide.decide(paused, sight(10, request=ask("resume", 8), measurements=says()), 140)
    assert (resumed.step, resumed.paused) == (1, False)


def test_a_paused_rollout_is_still_taken_back_when_it_fails() -> None:
    failing = sight(10, measurements=says(Verdict.FAIL))
    assert decide.decide(analysing(paused=True), failing, 105).phase is Phase.WITHDRAWING


def test_a_request_is_taken_once() -> None:
    paused = decide.decide(analysing(), sight(10, request=ask("pause")), 105)
    resumed = decide.decide(paused, sight(10, request=ask("resume", 8)), 106)
    assert not decide.decide(resumed, sight(10, request=ask("resume", 8)), 107).paused
    assert len(decide.decide(resumed, sight(10, request=ask("resume", 8)), 107).decisions) == len(resumed.decisions)


def test_a_held_rollout_waits_for_a_person() -> None:
    held = analysing(0, phase=Phase.HELD, step_began=None)
    assert decide.decide(held, sight(), 10_000) == held
    assert decide.decide(held, sight(request=ask("resume")), 110).phase is Phase.STARTING
    assert decide.decide(held, sight(request=ask("promote")), 110).phase is Phase.PROMOTING
    assert decide.decide(held, sight(request=ask("abort")), 110).phase is Phase.WITHDRAWING


def test_nobody_can_promote_a_canary_that_is_not_healthy() -> None:
    state = decide.decide(analysing(), sight(10, deployment=deployment(healthy=0), request=ask("promote")), 105)
    assert state.phase is Phase.ANALYSING
    assert "not possible" in state.decisions[-1].text


def test_a_rolling_update_goes_without_steps() -> None:
    rolling = sights.state(plan=Plan(strategy="rolling"))
    assert decide.decide(rolling, sight(job=job(2, ours=2)), 1).phase is Phase.FINISHING


def test_every_look_that_a_plan_allows_shares_its_chance_of_a_false_alarm() -> None:
    bounds = Bounds(inconclusive=Bound(within=timedelta(minutes=5), then=Consequence.HOLD))
    assert judgement.looks(replace(sights.PLAN, bounds=bounds)) == 2 * (30 + 300) / 5 + 2


@pytest.mark.parametrize(
    "begun", [analysing(0, phase=Phase.STARTING, step_began=None), analysing(), analysing(50, step=1)]
)
@pytest.mark.parametrize(("action", "phase"), [("abort", Phase.WITHDRAWING), ("promote", Phase.PROMOTING)])
def test_a_request_is_not_overruled_by_what_passes_at_the_same_moment(begun: State, action: str, phase: Phase) -> None:
    passing = sight(begun.weight, request=ask(action), measurements=says())
    assert decide.decide(begun, passing, 131).phase is phase
