"""Whether a host's resolver answers."""

import pytest

from deploy.facts.names import Resolves


@pytest.mark.parametrize(("said", "answer"), [(["yes"], True), (["no"], False), ([], False)])
def test_the_last_word_counts(said: list[str], answer: bool) -> None:
    assert Resolves().process(said) is answer


def test_every_name_is_asked_for() -> None:
    command = Resolves().command(names=["a.service.consul", "b.service.consul"], tries=40)
    assert "getent ahostsv4 a.service.consul" in command
    assert "getent ahostsv4 b.service.consul" in command
