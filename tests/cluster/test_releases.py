"""Releases under steady load, every answer counted: a good one takes its place unnoticed, a bad one is taken back."""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.rollout.traffic import written
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import traffic
from tests.cluster.delivery.command import Done
from tests.cluster.delivery.shop import Shop
from tests.cluster.delivery.traffic import Answer, Traffic
from vagrant.waiting import wait

FAILING = 0.05
"""The share of its requests that the version `errors` fails."""

AT_ONCE = 4
"""Bad releases that run at the same time: each is a process, and a service under load."""

REASONS = {
    "errors": "success rate",
    "crash": "Exit Code: 3",
    "slow": "latency",
    "check": "Unhealthy",
    "leak": "OOM",
    "artifact": "404",
    "logs": "log lines",
    "image": "Failed to pull",
    "placement": "constraint",
}
"""In the order in which they begin: about half of those that run at a time are under full load."""

UNDER_TRAFFIC = ("errors", "slow", "leak", "logs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One release and what users saw of it.

    Attributes:
        shop: the service.
        strategy: how it was released.
        seen: the traffic, which goes on.
        stables: the allocations that served before.
        done: how the release ended.
        answers: all from before its start until after its end.
        left: the allocations that served after it.
    """

    shop: Shop
    strategy: str
    seen: Traffic = field(repr=False)
    stables: frozenset[str]
    done: Done
    answers: list[Answer] = field(repr=False)
    left: frozenset[str]

    def during(self, since: float, until: float) -> list[Answer]:
        """The answers to what was sent from one time to another."""
        return [each for each in self.answers if since <= each.at <= until]

    @property
    def to_the_canary(self) -> Iterator[tuple[int, int]]:
        """Of each step the canary's weight in percent, and the requests from then until the next decision was done."""
        steps = [*self.done.steps()]
        ends = [began for _, began, _ in steps[1:]] + [self.done.ended]
        for (weight, began, _), end in zip(steps, ends, strict=True):
            yield weight, len(self.during(began, end))


def release(shop: Shop, seen: Traffic, version: str, strategy: str = "canary") -> Story:
    """Run release 2 of a shop that serves release 1, and go on counting until nothing of the losing side is left."""
    stables, began = frozenset(shop.instances()), time.time()
    wait(f"{shop.name} answers", lambda: len(seen.answers(shop.name, began)) > traffic.CONNECTIONS, bound_s=15)
    done = shop.run("run", shop.file(version, "2", strategy))
    wait(f"{shop.name} has ended what it replaced", lambda: _settled(shop), bound_s=60)
    left, ended = frozenset(shop.instances()), time.time()
    wait("what was sent is answered", lambda: seen.answers(shop.name, ended + 1), bound_s=15)
    sys.stdout.write(f"{shop.name}: {version}: {done}\n")
    return Story(
        shop=shop, strategy=strategy, seen=seen, stables=stables, done=done, left=left,
        answers=seen.answers(shop.name, began),
    )  # fmt: skip


def _settled(shop: Shop) -> bool:
    """Whether nothing runs any more that is not to."""
    unwanted = (a for a in shop.nomad.allocations(shop.name) if a["DesiredStatus"] != "run")
    return all(a["ClientStatus"] not in ("pending", "running") for a in unwanted)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("releases")


@pytest.fixture(scope="module", params=["canary", "blue_green"])
def good(cluster: Cluster, folder: Path, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A good release by each strategy."""
    strategy = request.param
    shop = Shop.of(cluster, f"shop-{strategy.replace('_', '-')}-good", folder)
    with closing(shop), Traffic(cluster.access, {shop.name: traffic.RATE}) as seen:
        shop.opened("1", strategy)
        yield release(shop, seen, "good", strategy)


def test_a_good_release_is_promoted(good: Story) -> None:
    assert (good.done.exit, good.done.rollout["result"]) == (0, "done"), str(good.done)
    assert not good.left & good.stables
    assert len(good.left) == len(good.stables)
    assert {each.release for each in good.during(good.done.ended, time.time())} == {"2"}


def test_the_share_at_each_step_is_within_the_binomial_interval_of_its_weight(good: Story) -> None:
    steps = [*good.done.steps()]
    assert [weight for weight, _, _ in steps] == [step["weight"] for step in good.done.rollout["plan"]["steps"]]
    for weight, began, ended in steps:
        answers = good.during(began, ended)
        low, high = traffic.interval(len(answers), weight / 100)
        served = traffic.served(answers, "2")
        sys.stdout.write(f"{weight} %: {served} of {len(answers)} ({low} to {high})\n")
        assert low <= served <= high


def test_not_one_request_fails_because_of_a_good_release(good: Story) -> None:
    sys.stdout.write(f"{len(good.answers)} requests\n")
    assert traffic.failures(good.answers) == []


def test_the_old_side_of_a_blue_green_release_stays_warm_while_it_is_judged(good: Story) -> None:
    promoted = good.done.at("promoted: ")
    ended = {
        state["FinishedAt"]
        for a in good.shop.nomad.allocations(good.shop.name)
        if a["ID"] in good.stables
        for state in a["TaskStates"].values()
    }
    assert ended
    assert all(when > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(promoted)) for when in ended)


def test_a_rollback_goes_back_to_the_version_before_with_the_count_that_runs(good: Story) -> None:
    shop, began = good.shop, time.time()
    shop.nomad.scale(shop.name, shop.name, 3, "as an autoscaler does")
    wait("three instances", lambda: len(shop.instances()) == 3 and shop.whole(), bound_s=60)
    done = shop.run("rollback", shop.file("good", "2", good.strategy))
    wait("release 1 alone answers", lambda: _releases(good, time.time() - 2) == {"1"}, bound_s=30)
    assert done.exit == 0, str(done)
    assert len(shop.instances()) == 3
    assert traffic.failures(good.seen.answers(shop.name, began)) == []


def test_nothing_would_change_after_all_of_it(good: Story) -> None:
    shop = good.shop
    assert shop.run("plan", shop.file("good", "1", good.strategy)).exit == 0
    assert shop.run("plan", shop.file("good", "2", good.strategy)).exit == 1


def _releases(story: Story, since: float) -> set[str]:
    return {each.release for each in story.seen.answers(story.shop.name, since)}


@pytest.fixture(scope="module")
def bad(cluster: Cluster, folder: Path) -> Iterator[Mapping[str, Story]]:
    """Every bad release, each of a shop of its own."""
    shops = {version: Shop.of(cluster, f"shop-{version}", folder) for version in REASONS}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            list(pool.map(lambda shop: shop.opened("1"), shops.values()))
            yield dict(zip(shops, pool.map(_bad, shops, shops.values()), strict=True))
        finally:
            list(pool.map(Shop.close, shops.values()))


def _bad(version: str, shop: Shop) -> Story:
    """A bad release, under load for as long as it takes."""
    with Traffic(shop.cluster.access, {shop.name: traffic.RATE if version in UNDER_TRAFFIC else 10.0}) as seen:
        return release(shop, seen, version)


@pytest.mark.parametrize("version", REASONS)
def test_a_bad_release_is_taken_back_by_itself_and_says_why(bad: Mapping[str, Story], version: str) -> None:
    done = bad[version].done
    assert (done.exit, done.rollout["result"]) == (1, "reverted"), str(done)
    assert REASONS[version] in done.reason


@pytest.mark.parametrize("version", REASONS)
def test_a_bad_release_leaves_the_stable_version_untouched(bad: Mapping[str, Story], version: str) -> None:
    story = bad[version]
    assert story.left == story.stables
    assert written(story.shop.weights()) == 0


@pytest.mark.parametrize("version", ["crash", "check", "artifact", "image", "placement", "slow", "logs"])
def test_users_see_no_error_of_a_release_that_answers_well_or_not_at_all(
    bad: Mapping[str, Story], version: str
) -> None:
    assert traffic.failures(bad[version].answers) == []


@pytest.mark.parametrize(("version", "share"), [("errors", FAILING), ("leak", 1.0)])
def test_users_see_at_most_the_canary_s_share_of_errors(bad: Mapping[str, Story], version: str, share: float) -> None:
    story = bad[version]
    allowed = sum(traffic.most(count, weight / 100 * share) for weight, count in story.to_the_canary)
    failed = traffic.failures(story.answers)
    sys.stdout.write(f"{len(failed)} of {len(story.answers)} requests failed, at most {allowed} may\n")
    assert len(failed) <= allowed, failed[:10]
