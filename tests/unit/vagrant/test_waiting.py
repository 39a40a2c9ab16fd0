"""Waiting ends with the first truthy answer, or with an error that tells the last one."""

import io

import pytest

from configs.errors import HostError
from vagrant import progress, waiting


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE_S", 0.0)


def test_the_first_truthy_answer_is_returned() -> None:
    answers = iter(["", "", "ready"])
    assert waiting.wait("a host", lambda: next(answers), bound_s=5) == "ready"


def test_an_exception_is_an_answer_of_not_yet() -> None:
    answers = iter([0, 1])
    assert waiting.wait("a division", lambda: 1 / next(answers), bound_s=5) == 1


def test_the_error_tells_what_was_waited_for_and_the_last_answer() -> None:
    with pytest.raises(HostError, match=r"the leader: not within 0 s - last answer: ZeroDivisionError"):
        waiting.wait("the leader", lambda: 1 / 0, bound_s=0.01)


def test_a_step_says_when_it_begins_and_how_long_it_took() -> None:
    out = io.StringIO()
    with progress.Progress(out).step("hosts"):
        pass
    begun, done = out.getvalue().splitlines()
    assert begun.endswith(" s] hosts")
    assert "] hosts: done in 0." in done


def test_a_step_that_fails_is_not_said_to_be_done() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), progress.Progress(out).step("hosts"):
        _ = 1 / 0
    assert "done" not in out.getvalue()


def test_a_long_step_says_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress, "REPEAT_S", 0.01)
    with progress.Progress(out).step("hosts"):
        waiting.wait("a repeated line", lambda: "so far" in out.getvalue(), bound_s=5)
