"""Names and expressions reach Prometheus and Loki as they were meant."""

import pytest

from jobs.rollout import queries

KNOWN = queries.values(job='we"b', service=None, canaries=["a-1", "a-2"], stables=[], seconds=12.3)


def test_names_are_replaced_and_quoted() -> None:
    query = 'x{job="$job", alloc_id=~"$canaries"}[$window] - x{alloc_id=~"${stables}$$"}'
    assert queries.replaced(query, KNOWN) == r'x{job="we\"b", alloc_id=~"a-1|a-2"}[13s] - x{alloc_id=~"-$"}'


def test_no_allocation_is_never_an_empty_pattern() -> None:
    assert queries.lines("web", [], "", 5) == 'sum(count_over_time({job="web", alloc_id=~"-"} [5s]))'


def test_an_unknown_name_is_not_replaced_in_silence() -> None:
    with pytest.raises(KeyError):
        queries.replaced("$nothing", KNOWN)


def test_an_expression_with_quotes_and_backslashes_stays_whole() -> None:
    assert queries.pipeline('say "\\d+" `x`') == ' |~ "say \\"\\\\d+\\" `x`"'


def test_a_pipeline_stays_as_it_is() -> None:
    assert queries.pipeline('| json | level="error"') == ' | json | level="error"'


def test_counters_are_asked_for_since_a_scrape_before_the_step() -> None:
    assert queries.counters("web", "x_total", began=100.0, now=112.5) == (
        '{__name__=~"up|x_total", job="traefik", service=~"|web\\\\-canary@file|web\\\\-stable@file"}[42500ms]'
    )
