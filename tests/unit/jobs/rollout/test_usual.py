"""The plan of a job that gives none: what its update block asks for."""

import pytest

from configs import ingress
from jobs.nomad import spec
from jobs.rollout import usual, validation
from jobs.rollout.checks import Restarts
from jobs.rollout.plan import CHECKS, rolling

_ROUTED = spec.Service(
    name="web", port="http", tags=(ingress.TAG, ingress.STABLE_TAG), canary_tags=(ingress.TAG, ingress.CANARY_TAG)
)


def _job(canary: int | None, count: int, *, routed: bool = True) -> spec.Job:
    task = spec.Task(name="web", driver="docker", config={"image": "web@sha256:0"})
    network = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http"),))
    group = spec.TaskGroup(
        name="web",
        count=count,
        update=spec.Update(canary=canary, auto_revert=True),
        networks=(network,),
        services=(_ROUTED,) if routed else None,
        tasks=(task,),
    )
    return spec.Job(id="web", type="service", task_groups=(group,))


def test_without_canaries_it_is_nomads_own_update() -> None:
    assert usual.plan(_job(None, 3)) == usual.plan(_job(0, 3)) == rolling()


@pytest.mark.parametrize(
    ("canary", "count", "weights"), [(1, 2, [5, 33]), (1, 3, [5, 25]), (1, 20, [4]), (1, 19, [5]), (2, 8, [5, 20])]
)
def test_a_canary_gets_no_more_than_its_share_of_the_instances(canary: int, count: int, weights: list[int]) -> None:
    plan = usual.plan(_job(canary, count))
    assert plan.strategy == "canary"
    assert [step.weight for step in plan.steps] == weights
    assert plan.checks == CHECKS


def test_as_many_canaries_as_instances_are_blue_and_green() -> None:
    plan = usual.plan(_job(2, 2))
    assert plan.strategy == "blue_green"
    assert plan.steps[-1].weight == 100


def test_without_traffic_to_share_canaries_are_watched_for_restarts() -> None:
    plan = usual.plan(_job(1, 2, routed=False))
    assert plan.checks == (Restarts(),)
    assert len(plan.steps) == 1


@pytest.mark.parametrize("canary", [1, 2, 7])
@pytest.mark.parametrize("count", [2, 7, 40])
@pytest.mark.parametrize("routed", [True, False])
def test_the_usual_plan_is_one_that_can_be(canary: int, count: int, routed: bool) -> None:
    job = _job(min(canary, count), count, routed=routed)
    validation.check(usual.plan(job), job)
