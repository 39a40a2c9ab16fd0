"""Counts out of samples: restarts, births, scrapes that lag or fail, several ingresses, other generations."""

import pytest

from jobs.rollout.counts import Series, Window, grown

CANARY, STABLE = "web-canary@file", "web-stable@file"
SCRAPES = (95.0, 100.0, 105.0, 110.0, 115.0)


def up(instance: str = "a", *, at: tuple[float, ...] = SCRAPES, down: tuple[float, ...] = ()) -> Series:
    samples = {**dict.fromkeys(at, 1.0), **dict.fromkeys(down, 0.0)}
    return Series(labels={"__name__": "up", "job": "traefik", "instance": instance}, samples=samples)


def requests(samples: dict[float, float], *, instance: str = "a", half: str = CANARY, code: str = "200") -> Series:
    labels = {"__name__": "traefik_service_requests_total", "instance": instance, "service": half, "code": code}
    return Series(labels=labels, samples=samples)


def bucket(bound: str, count: float, *, instance: str = "a") -> Series:
    labels = {"__name__": "x_bucket", "instance": instance, "service": CANARY, "le": bound}
    return Series(labels=labels, samples={115.0: count})


def total(*series: Series, began: float = 102.0, now: float = 117.0, inside: bool = False) -> int:
    return Window(series, began=began, now=now, inside=inside).requests(CANARY).total


def test_a_window_begins_with_the_last_scrape_before_it() -> None:
    counter = requests({95.0: 10, 100.0: 50, 105.0: 80, 110.0: 90, 115.0: 95})
    assert total(up(), counter) == 45


def test_a_window_that_nothing_from_before_may_be_in_begins_with_the_first_scrape_in_it() -> None:
    counter = requests({95.0: 10, 100.0: 50, 105.0: 80, 110.0: 90, 115.0: 95})
    assert total(up(), counter, inside=True) == 15


def test_the_first_failure_of_a_canary_counts_though_its_series_is_born_with_it() -> None:
    window = Window(
        [up(), requests({100.0: 4, 105.0: 8}), requests({110.0: 1, 115.0: 1}, code="502")], began=102, now=117
    )
    assert window.requests(CANARY).failed == 1


def test_what_an_ingress_counted_before_anybody_looked_is_not_counted() -> None:
    fresh = up(at=(105.0, 110.0, 115.0))
    assert total(fresh, requests({105.0: 7000, 110.0: 7010, 115.0: 7015})) == 15


def test_a_scrape_too_long_before_the_window_is_no_beginning() -> None:
    assert total(up(at=(20.0, 110.0, 115.0)), requests({20.0: 1, 110.0: 900, 115.0: 905})) == 5


def test_a_restarted_ingress_loses_nothing_but_what_no_scrape_saw() -> None:
    assert total(up(), requests({100.0: 50, 105.0: 60, 110.0: 4, 115.0: 9})) == 10 + 4 + 5


def test_a_canary_that_left_and_came_back_begins_at_zero_even_with_more_than_before() -> None:
    """The scrape at 105 found the ingress and not the series: what it had at 100 was of another generation."""
    assert total(up(), requests({100.0: 50, 110.0: 70, 115.0: 71})) == 70 + 1


def test_an_earlier_canary_of_the_same_name_does_not_leak_in() -> None:
    assert total(up(), requests({95.0: 9000, 105.0: 3, 115.0: 5})) == 3 + 5


def test_a_failed_scrape_is_a_gap_and_no_rebirth() -> None:
    scrapes = up(at=(95.0, 100.0, 110.0, 115.0), down=(105.0,))
    assert total(scrapes, requests({100.0: 50, 110.0: 70, 115.0: 71})) == 21


def test_several_ingresses_add_up_each_by_its_own_scrapes() -> None:
    other = up("b", at=(98.0, 103.0, 108.0, 113.0))
    assert total(
        up(), other, requests({100.0: 50, 105.0: 60, 110.0: 60, 115.0: 60}),
        requests({98.0: 5, 103.0: 6, 108.0: 8, 113.0: 9}, instance="b"),
    ) == 10 + 4  # fmt: skip


def test_a_half_s_requests_are_its_own() -> None:
    window = Window([up(), requests({100.0: 0, 115.0: 7}, half=STABLE)], began=102, now=117)
    assert (window.requests(CANARY).total, window.requests(STABLE).total) == (0, 7)


def test_an_ingress_that_is_no_longer_scraped_is_stale() -> None:
    window = Window([up(), up("b", at=(95.0,), down=(100.0, 105.0, 110.0, 115.0)), up("c", at=())], began=102, now=117)
    assert (window.fresh, window.stale) == (["a"], ["b", "c"])


def test_buckets_of_all_ingresses_add_up_by_their_bounds() -> None:
    series = [
        up(), up("b"), bucket("0.1", 3), bucket("0.2", 5), bucket("+Inf", 6),
        bucket("0.1", 1, instance="b"), bucket("0.2", 1, instance="b"), bucket("+Inf", 2, instance="b"),
    ]  # fmt: skip
    durations = Window(series, began=102, now=117).durations(CANARY)
    assert (durations.total, dict(durations.within)) == (8, {0.1: 4, 0.2: 6})


def test_ingresses_with_other_buckets_are_refused() -> None:
    series = [up(), up("b"), bucket("0.1", 9), bucket("+Inf", 9), bucket("0.2", 1, instance="b")]
    with pytest.raises(ValueError, match="not the same"):
        Window(series, began=102, now=117).durations(CANARY)


def test_half_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0.5 is no count"):
        total(up(), requests({100.0: 0, 115.0: 0.5}))


def test_without_a_scrape_nothing_grew() -> None:
    assert grown({100.0: 5.0}, []) == 0
