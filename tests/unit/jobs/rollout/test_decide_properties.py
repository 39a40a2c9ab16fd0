"""What holds for every rollout, whatever is seen and whenever it is seen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.rollout import actions, decide, judgement, seen
from jobs.rollout.plan import Bound, Bounds, Consequence, Plan, Step
from jobs.rollout.seen import Seen
from jobs.rollout.state import Before, Phase, Result, State
from jobs.rollout.verdicts import Measurement, Verdict
from tests.unit.jobs.rollout import sights

BEYOND = (Phase.WITHDRAWING, Phase.REVERTING, Phase.ENDED)
NAMES = ("success rate", "restarts", judgement.SHARE)


def _mostly(common: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 7).flatmap(lambda number: rare if number == 0 else common)


bounds = st.builds(
    Bound, within=st.sampled_from([timedelta(0), timedelta(seconds=40)]), then=st.sampled_from(Consequence)
)
plans = st.builds(
    Plan,
    strategy=st.sampled_from(["canary", "rolling"]),
    steps=st.lists(st.sampled_from([1, 10, 50, 99]), min_size=1, max_size=3, unique=True).map(
        lambda weights: tuple(Step(weight=w, hold=timedelta(seconds=30)) for w in sorted(weights))
    ),
    checks=st.just(sights.CHECKS),
    bounds=st.builds(Bounds, failures=st.integers(1, 3), no_data=bounds, error=bounds, inconclusive=bounds),
)
begun = st.builds(
    lambda plan, version: sights.state(plan=plan, before=Before(version=version, index=10, counts={"web": 2})),
    plans,
    st.sampled_from([1, 1, 1, None]),
)
deployments = st.none() | st.builds(
    sights.deployment,
    st.sampled_from(["running", "running", "running", "successful", "failed", "cancelled"]),
    version=st.sampled_from([2, 3]),
    healthy=st.sampled_from([1, 1, 0]),
    promoted=st.booleans(),
)
jobs = st.none() | st.builds(
    sights.job,
    st.sampled_from([2, 2, 2, 2, 3]),
    ours=st.sampled_from([2, 2, 2, None]),
    stopped=st.sampled_from([False, False, False, True]),
    whole=st.booleans(),
    counts=st.sampled_from([{"web": 2}, {"web": 1}]),
)
halves = st.none() | st.builds(
    seen.Half, weight=st.sampled_from([0, 1, 10, 50, 99]), canaries=st.integers(0, 2), stables=st.integers(0, 2)
)
wanted_halves = st.just(seen.Half(weight=-1, canaries=1, stables=2)).map(lambda half: {"a": half, "b": half})
"""Weight -1 stands for whatever is wanted. Most is well: else no rollout would come to its second step."""

ingresses = _mostly(wanted_halves, st.fixed_dictionaries({"a": halves, "b": halves}))
verdicts = _mostly(
    st.just(dict.fromkeys(NAMES, Verdict.PASS)),
    st.fixed_dictionaries({name: st.sampled_from(Verdict) for name in NAMES}),
)
requests = st.sampled_from([None, None, None, "pause", "resume", "promote", "abort"])
well = st.builds(
    lambda split, request: (sights.sight(job=sights.job(ours=2)), split, request),
    ingresses,
    _mostly(st.none(), requests),
)
anything = st.builds(
    lambda job, own, latest, split, request: (Seen(job=job, deployment=own, latest=latest), split, request),
    jobs, deployments, deployments, ingresses, requests,
)  # fmt: skip
moments = st.tuples(
    _mostly(well, anything),
    verdicts,
    st.sampled_from([0.5, 5.0, 31.0, 70.0, 400.0]),
    _mostly(st.just(True), st.just(False)),
)
walks = st.lists(moments, min_size=5, max_size=30)


class Walk:
    """One rollout through what is seen: `Weigh` is done as a runner does it, and so is measuring when it is due."""

    def __init__(self, state: State) -> None:
        self.state, self.now, self.written, self.asked = state, 0.0, 0, 0
        self.passed: dict[str, float] = {}

    def go(
        self, moment: tuple[tuple[Seen, dict[str, seen.Half | None], str | None], dict[str, Verdict], float, bool]
    ) -> None:
        """One turn, with all that must hold of it."""
        (found, split, action), said, later, routed = moment
        self.now += later
        found = self._seen(found, split, action, said, routed=routed)
        before, self.state = self.state, decide.decide(self.state, found, self.now)
        self._holds(before, found)
        for act in decide.due(self.state, found, self.now):
            self._acts(act, found)

    def _seen(
        self,
        found: Seen,
        split: dict[str, seen.Half | None],
        action: str | None,
        said: dict[str, Verdict],
        *,
        routed: bool,
    ) -> Seen:
        wanted = {
            name: replace(half, weight=self.written) if half and half.weight < 0 else half
            for name, half in split.items()
        }
        traffic = seen.Traffic(written=self.written, expected=1, ingresses=wanted) if routed or self.written else None
        self.asked += 1
        request = seen.Request(action=action, who="ann", index=self.asked) if action else None  # type: ignore[arg-type]
        measured: tuple[Measurement, ...] = ()
        if self.state.phase is Phase.ANALYSING and judgement.measures(self.state, self.now):
            measured = tuple(Measurement(check=name, verdict=said[name], reason="") for name in NAMES)
        return replace(found, traffic=traffic, request=request, measurements=measured)

    def _holds(self, before: State, found: Seen) -> None:
        after = self.state
        assert State.from_json(after.to_json()) == after
        if after.weight:
            assert after.phase in (Phase.ANALYSING, Phase.PROMOTING, Phase.FINISHING)
        if before.phase in BEYOND:
            assert BEYOND.index(after.phase) >= BEYOND.index(before.phase)
            assert after.weight == 0
        if found.request and found.request.action == "abort" and before.phase is not Phase.REGISTERING:
            assert after.phase in BEYOND
        self._never_unmeasured(before, found)
        if before.plan.bounds.failures == 1 and any(each.verdict is Verdict.FAIL for each in found.measurements):
            assert after.weight == 0 or _by_a_person(found)

    def _never_unmeasured(self, before: State, found: Seen) -> None:
        """A step, and the promotion, only after every check passed when the step's time was over."""
        after = self.state
        if before.step_began is None or after.step_began != before.step_began:
            self.passed = {}
        if before.phase is Phase.ANALYSING and before.step_began is not None:
            for measured in found.measurements:
                self.passed[measured.check] = self.now if measured.verdict is Verdict.PASS else -1.0
        moved = after.step > before.step or (after.phase is Phase.PROMOTING and before.phase is Phase.ANALYSING)
        if moved and not _by_a_person(found):
            assert before.step_began is not None
            end = before.step_began + before.plan.steps[before.step].hold.total_seconds()
            wanted = judgement.required(before, found) - {judgement.WEIGHT}
            assert all(self.passed.get(name, -1.0) >= end for name in wanted)
            assert found.traffic is None or found.traffic.in_force(before.weight)
            assert after.step - before.step == (after.phase is Phase.ANALYSING)

    def _acts(self, act: actions.Action, found: Seen) -> None:
        if isinstance(act, actions.Weigh):
            self.written = act.canary
            if act.canary and self.state.phase is Phase.ANALYSING:
                assert found.traffic is not None
                assert not found.traffic.lost
        if isinstance(act, actions.Fail | actions.Revert):
            assert self.written == 0
            assert self.state.phase is Phase.REVERTING


def _by_a_person(found: Seen) -> bool:
    return found.request is not None and found.request.action == "promote"


@settings(max_examples=150)
@given(begun, walks)
def test_no_promotion_without_passes_and_no_weight_on_what_has_failed(state: State, walk: list[tuple]) -> None:  # type: ignore[type-arg]
    going = Walk(state)
    for moment in walk:
        going.go(moment)


@settings(max_examples=60)
@given(begun, walks, moments)
def test_every_rollout_ends_or_is_held_if_only_time_passes(state: State, walk: list[tuple], forever: tuple) -> None:  # type: ignore[type-arg]
    going = Walk(state)
    for moment in walk:
        going.go(moment)
    (found, split, _), said, _, routed = forever
    going.state = replace(going.state, paused=False)
    for _ in range(200):
        going.go(((found, split, None), said, 31.0, routed))
    assert going.state.over
    assert going.state.result is not Result.DONE or going.written == 0
