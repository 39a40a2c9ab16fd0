"""What Traefik's API and a text in Consul say of a split."""

from typing import Any

import pytest

from configs import ingress
from jobs.rollout.seen import Half
from jobs.rollout.traffic import half, written


def services(**weights: int) -> dict[str, Any]:
    """As Traefik lists them: two instances in the stable half, one in the canary half."""
    instances = {"stable": 2, "canary": 1}
    halves = [{"name": f"web-{name}", "weight": weight} for name, weight in weights.items()]
    return {"web@file": {"weighted": {"services": halves}}} | {
        f"web-{name}@file": {"loadBalancer": {"servers": [{"url": "http://1"}] * instances[name]}} for name in weights
    }


@pytest.mark.parametrize("share", range(0, 101, 10))
def test_two_halves_share_by_their_weights(share: int) -> None:
    assert half(services(stable=100 - share, canary=share), "web") == Half(weight=share, canaries=1, stables=2)


def test_a_half_alone_has_all() -> None:
    assert half(services(stable=100), "web") == Half(weight=0, canaries=0, stables=2)
    assert half(services(canary=100), "web") == Half(weight=100, canaries=1, stables=0)


def test_two_halves_of_which_none_has_weight_give_the_canary_none() -> None:
    assert half(services(stable=0, canary=0), "web").weight == 0


def test_an_unknown_service_and_one_without_instances_have_nothing() -> None:
    assert half({}, "web") == Half(weight=0, canaries=0, stables=0)
    assert half({"web@file": {"loadBalancer": {}}}, "web") == Half(weight=0, canaries=0, stables=0)


def test_a_service_is_not_taken_for_another_whose_name_begins_so() -> None:
    assert half(services(stable=50, canary=50), "we") == Half(weight=0, canaries=0, stables=0)


@pytest.mark.parametrize("share", range(101))
def test_every_share_that_is_written_is_read(share: int) -> None:
    assert written(ingress.weights(100 - share, share)) == share


@pytest.mark.parametrize(
    "text", ["", "{}", "10", '{"stable": 10}', '{"stable": 50, "canary": 101}', '{"stable": 50, "canary": -1}',
             '{"stable": 010, "canary": 90}', '{"stable": 10, "canary": 90}\n', '{"canary": 90, "stable": 10}',
             '{"stable": 0, "canary": 0}', '{"stable": 1e1, "canary": 90}', '{"stable": \u0661, "canary": 9}'],
)  # fmt: skip
def test_what_is_no_pair_of_weights_gives_the_canary_nothing(text: str) -> None:
    assert written(text) == 0
