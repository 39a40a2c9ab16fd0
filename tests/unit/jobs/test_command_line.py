"""The command line: what may be said, how commands end, what a person sees of a rollout."""

import argparse
import io
from datetime import timedelta
from typing import Any

import pytest

from configs.errors import AccessError, ConfigError, HeldError, JobError, PromotionError, RolloutError
from jobs import __main__ as command_line
from jobs.commands import advance, exits, follow, history, output, plan, status
from jobs.commands.exits import Exit
from jobs.rollout.checks import SuccessRate
from jobs.rollout.plan import CHECKS, Plan, Step
from jobs.rollout.state import Decision, Phase, Result, State, Tally
from jobs.rollout.verdicts import Verdict

_PLAN = Plan(strategy="canary", steps=(Step(weight=10, hold=timedelta(seconds=30)),), checks=CHECKS)


def _state(phase: Phase, result: Result | None = None, **more: Any) -> State:
    return State(
        id="1", job="web", plan=_PLAN, spec={}, who="ada@desk", started=0, since=60, phase=phase, result=result, **more
    )


def _decision(text: str, check: str | None = None, verdict: Verdict | None = None) -> Decision:
    return Decision(at=0, text=text, phase=Phase.ANALYSING, weight=10, check=check, verdict=verdict)


@pytest.mark.parametrize(
    ("phase", "result", "code"),
    [
        (Phase.ENDED, Result.DONE, 0),
        (Phase.ENDED, Result.REVERTED, 1),
        (Phase.ENDED, Result.FAILED, 1),
        (Phase.ENDED, Result.STUCK, 3),
        (Phase.HELD, None, 3),
        (Phase.ENDED, Result.SUPERSEDED, 4),
        (Phase.ENDED, Result.REFUSED, 6),
        (Phase.REGISTERING, None, 0),
    ],
)
def test_a_command_ends_as_its_rollout_is_left(phase: Phase, result: Result | None, code: int) -> None:
    assert exits.of(_state(phase, result)) == code


def test_every_result_has_an_exit_code() -> None:
    assert {exits.of(_state(Phase.ENDED, result)) for result in Result} <= set(Exit)


def test_errors_end_with_the_documented_codes() -> None:
    codes = [kind.exit_code for kind in (JobError, ConfigError, HeldError, AccessError, PromotionError, RolloutError)]
    assert codes == [Exit.FAILED, Exit.USAGE, Exit.BUSY, Exit.UNREACHED, Exit.REFUSED, Exit.REFUSED]


@pytest.mark.parametrize("command", sorted(command_line.COMMANDS))
def test_every_command_tells_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main([command, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_a_command_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["deploy", "web", "--env", "test"])
    assert ended.value.code == Exit.USAGE
    assert "invalid choice: 'deploy'" in capsys.readouterr().err


def test_options_of_another_command_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["status", "web", "--env", "test", "--supersede"])
    assert ended.value.code == Exit.USAGE
    assert "--supersede" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--from", "test", "--to", "prod"], ("test", "prod")),
        (["--all"], ("dev", "test", "prod")),
        (["--all", "test", "stage", "prod"], ("test", "stage", "prod")),
    ],
)
def test_environments_are_gone_through_in_the_order_that_is_said(words: list[str], names: tuple[str, ...]) -> None:
    assert tuple(advance.names(_advance(*words))) == names


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--from", "test"],
        ["--from", "test", "--to", "test"],
        ["--all", "test"],
        ["--all", "test", "test"],
        ["--all", "--from", "test"],
    ],
)
def test_environments_that_do_not_make_a_way_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="say --from ENV --to ENV, or --all"):
        advance.names(_advance(*words))


def _advance(*words: str) -> argparse.Namespace:
    return command_line.parser().parse_args(["advance", "web", *words])


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_pipe_every_decision_is_a_line_and_nothing_is_said_twice() -> None:
    stream = io.StringIO()
    with output.Progress(stream) as progress:
        for _ in range(3):
            progress(_decision("rate: pass: 100 %", "rate", Verdict.PASS))
        progress(_decision("step 1 passed"))
    lines = stream.getvalue().splitlines()
    assert [line.partition("%")[2] for line in lines] == [" rate: pass: 100 %", " step 1 passed"]


def test_on_a_terminal_what_passes_is_written_over_and_what_does_not_stays() -> None:
    stream = _Terminal()
    with output.Progress(stream) as progress:
        progress(_decision("rate: pass: 99 %", "rate", Verdict.PASS))
        progress(_decision("rate: fail: 90 %", "rate", Verdict.FAIL))
        progress(_decision("rate: pass: 98 %", "rate", Verdict.PASS))
    first, second = stream.getvalue().split("\n", 1)
    assert first.split("\r\033[K")[-1].endswith("rate: fail: 90 %")
    assert second.endswith("rate: pass: 98 %\n")


def test_a_held_rollout_says_what_a_person_can_do() -> None:
    held = _state(Phase.HELD, version=3, weight=0, reason="rate: no data")
    first, second = follow.told(held)
    assert first == "web, version 3: held at 0 %: rate: no data"
    assert all(word in second for word in ("resume", "promote", "abort"))


def test_the_document_of_a_rollout_leaves_the_job_out() -> None:
    shown = output.state(_state(Phase.ENDED, Result.DONE))
    assert "spec" not in shown
    assert shown["result"] == "done"
    assert shown["plan"]["steps"] == [{"weight": 10, "hold": "PT30S"}]


def test_status_tells_the_last_measurement_of_each_check() -> None:
    tallies = {"rate": Tally(verdict=Verdict.PASS, since=0, row=4), "lines": Tally(verdict=Verdict.NO_DATA, since=0)}
    decisions = (_decision("rate: fail: 90 %", "rate"), _decision("rate: pass: 99 %", "rate"))
    measured = status.measurements(_state(Phase.ANALYSING, tallies=tallies, decisions=decisions))
    assert [*measured] == ["rate: pass: 99 % (4 in a row)", "lines: no data (1 in a row)"]


def test_history_tells_numbers_and_queries_only_when_asked() -> None:
    measured = Decision(
        at=0, text="rate: fail", phase=Phase.ANALYSING, weight=10, numbers={"failed": 5.0}, query="Prometheus: up"
    )
    ended = _state(Phase.ENDED, Result.REVERTED, version=4, ended=90.0, reason="rate: fail", decisions=(measured,))
    short = [*history.rollout(ended, verbose=False)]
    assert short == ["1970-01-01 00:00:00Z  version 4  reverted after 0:01:30  canary, by ada@desk", "    rate: fail"]
    whole = "\n".join(history.rollout(ended, verbose=True))
    assert "failed 5" in whole
    assert "Prometheus: up" in whole


def test_a_plan_says_how_much_traffic_it_takes_to_see_that_a_version_is_bad() -> None:
    steps = (Step(weight=10, hold=timedelta(minutes=1)),)
    strict, lax = (Plan(strategy="canary", steps=steps, checks=(SuccessRate(at_least=at),)) for at in (0.99, 0.9))
    needed = [int(line.split()[2]) for made in (strict, lax) for line in plan.told(made) if "requests" in line]
    assert len(needed) == 2
    assert needed[0] > needed[1]
