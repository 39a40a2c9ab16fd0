"""A job's document becomes the Python file of the same job."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from configs.errors import JobSpecError
from inventory import environments
from jobs import ingress, web, web_docker
from jobs.nomad import imported, said, spec
from tests.unit.jobs import trees

_SCRIPT = 'echo "a"\n\techo \\t """\r\n\x00é"'


def _rendered(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "imported", "exec"), names)  # noqa: S102 - it is the very text that is tested
    rendered: dict[str, Any] = names["job"](environments.load("test")).to_api()
    return rendered


def _job(*tasks: dict[str, Any], **group: Any) -> dict[str, Any]:
    return {"ID": "web", "Name": "web", "TaskGroups": [{"Name": "api", "Tasks": list(tasks), **group}]}


def _task(name: str = "app", driver: str = "exec", **task: Any) -> dict[str, Any]:
    return {"Name": name, "Driver": driver, **task}


@settings(max_examples=20)
@given(trees.blocks(spec.Job))
def test_the_file_of_any_job_renders_to_the_same_job(job: spec.Job) -> None:
    assert _rendered(imported.python_file(job.to_api())) == said.only(job.to_api())


@pytest.mark.parametrize("made", [web.job, web_docker.job, ingress.job])
def test_the_file_of_our_jobs_renders_to_the_same_job(made: Callable[..., spec.Job]) -> None:
    document = made(environments.load("test"), lambda *_: "0" * 64).to_api()
    assert _rendered(imported.python_file(document)) == said.only(document)


def test_the_file_reads_as_one_would_write_it() -> None:
    text = imported.python_file(
        _job(_task(Config={"command": "true", "args": ["-v"]}, KillTimeout=90_000_000_000, Leader=False), Count=2)
    )
    assert text == _EXPECTED


def test_texts_of_several_lines_stand_by_themselves() -> None:
    document = _job(_task(Templates=[{"DestPath": "local/run.sh", "EmbeddedTmpl": _SCRIPT}], Env={"A": "one\n"}))
    text = imported.python_file(document)
    assert _rendered(text) == document
    assert '\n_RUN_SH = """\\\necho "a"\n' in text
    assert 'env={"A": "one\\n"}' in text


def test_tasks_of_one_name_have_functions_of_their_own() -> None:
    document = _job(_task("app"), _task("APP"), _task("日本"))
    text = imported.python_file(document)
    assert "tasks=(_task_app(), _task_app_2(), _task_it())" in text
    assert _rendered(text) == document


def test_a_config_that_the_drivers_type_does_not_hold_stays_a_mapping() -> None:
    configs: list[dict[str, Any]] = [{"command": "a", "future": 1}, {"command": "a", "args": "b"}, {"args": []}]
    for config in configs:
        document = _job(_task(Config=config))
        text = imported.python_file(document)
        assert "config={" in text
        assert _rendered(text) == document
    assert "config=drivers.Exec(" in imported.python_file(_job(_task(Config={"command": "a"})))


def test_what_says_nothing_and_what_nomad_wrote_is_left_out() -> None:
    live = {**_job(_task(User="", Leader=False, Env=None)), "Status": "running", "Version": 2, "Region": None}
    assert _rendered(imported.python_file(live)) == _job(_task())


def test_zero_is_kept_where_it_says_something() -> None:
    check = {"Type": "http", "Interval": 1, "Timeout": 0}
    document = _job(
        _task(), Count=0, ShutdownDelay=0, Update={"AutoRevert": False}, Services=[{"Name": "", "Checks": [check]}]
    )
    [group] = said.only(document)["TaskGroups"]
    assert (group["Count"], group["ShutdownDelay"], group["Update"]) == (0, 0, {"AutoRevert": False})
    assert group["Services"] == [{"Name": "", "Provider": "consul", "Checks": [check]}]


def test_nomads_defaults_are_said_where_ours_differ() -> None:
    [task] = said.only(_job(_task(Vault={"Env": None, "Role": ""})))["TaskGroups"][0]["Tasks"]
    assert task["Vault"] == {"Env": True, "DisableFile": False, "ChangeMode": "restart"}


def test_names_are_nomads_whatever_their_case() -> None:
    job = said.only({**_job(_task()), "UI": {"Links": [{"Label": "docs", "Url": "https://docs"}]}})
    assert job["UI"] == {"Links": [{"Label": "docs", "URL": "https://docs"}]}


def test_a_job_with_mistakes_is_not_imported() -> None:
    with pytest.raises(JobSpecError, match=r"web\.group\[api\]\.count: -1 is too small"):
        imported.python_file(_job(_task(), Count=-1))


_EXPECTED = '''\
"""web, as Nomad had it; what may differ between environments is still to be said."""

from datetime import timedelta

from configs.environment import Environment
from jobs.nomad import drivers, spec


def job(_env: Environment) -> spec.Job:
    """The job; it is the same in every environment so far."""
    return spec.Job(id="web", task_groups=(_group_api(),))


def _group_api() -> spec.TaskGroup:
    """The group api."""
    return spec.TaskGroup(name="api", count=2, tasks=(_task_app(),))


def _task_app() -> spec.Task:
    """The task app."""
    return spec.Task(
        name="app",
        driver="exec",
        config=drivers.Exec(command="true", args=("-v",)),
        kill_timeout=timedelta(seconds=90),
    )
'''
