"""Nothing is lost between blocks and documents, whatever is in them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import JobSpecError
from jobs.nomad import document, drivers, spec
from jobs.nomad.document import Block
from tests.unit.jobs import trees

_CLASSES = [
    block for name in spec.__all__ if isinstance(block := getattr(spec, name), type) and issubclass(block, Block)
]

_SOME = settings(max_examples=4)

_TASK: dict[str, Any] = {"Name": "app", "Driver": "exec", "Config": {"command": "true"}}


def _job(**task: Any) -> dict[str, Any]:
    return {"ID": "web", "Name": "web", "TaskGroups": [{"Name": "api", "Tasks": [{**_TASK, **task}]}]}


def _through(job: dict[str, Any]) -> dict[str, Any]:
    return spec.Job.from_api(job).to_api()


@pytest.mark.parametrize("block", _CLASSES, ids=lambda block: block.__name__)
@_SOME
@given(data=st.data())
def test_a_block_comes_back_from_its_document(block: type[Block], data: st.DataObject) -> None:
    made = data.draw(trees.blocks(block))
    assert document.decode(block, document.encode(made)) == made


@pytest.mark.parametrize("block", _CLASSES, ids=lambda block: block.__name__)
@_SOME
@given(data=st.data())
def test_a_document_with_nulls_and_unknown_fields_comes_back_from_its_block(
    block: type[Block], data: st.DataObject
) -> None:
    names = [field.api for field in document.table(block) if not field.required]
    nulls = data.draw(st.sets(st.sampled_from(names))) if names else set()
    whole = {**dict.fromkeys(nulls), **document.encode(data.draw(trees.blocks(block))), **data.draw(trees.UNKNOWN)}
    assert document.encode(document.decode(block, whole)) == whole


@given(trees.blocks(spec.Job))
def test_a_job_comes_back_from_the_api(job: spec.Job) -> None:
    assert spec.Job.from_api(job.to_api()) == job


@pytest.mark.parametrize(
    "task",
    [
        {"KillTimeout": 1_500},
        {"KillTimeout": 5_000_000_001},
        {"Leader": False, "User": "", "Env": {}, "Templates": []},
        {"Lifecycle": None, "Constraints": [None]},
        {"Services": [{"Name": "", "Provider": "", "Checks": [{"Type": "HTTP", "Interval": 0, "Timeout": 0}]}]},
        {"RestartPolicy": {"Mode": "from the future"}},
        {"Vault": {}},
        {"ScalingPolicies": [{"Policy": {"cooldown": "1m", "check": [{"a": [{}]}]}}]},
    ],
)
def test_what_a_field_cannot_hold_is_kept_as_it_is(task: dict[str, Any]) -> None:
    assert _through(_job(**task)) == _job(**task)


def test_an_empty_list_is_told_from_none_and_from_nothing() -> None:
    jobs: list[dict[str, Any]] = [
        {"TaskGroups": []},
        {"TaskGroups": [], "Datacenters": []},
        {"TaskGroups": [], "Datacenters": None},
    ]
    for job in jobs:
        whole = {"ID": "web", "Name": "web", **job}
        assert _through(whole) == whole


def test_a_group_without_tasks_is_one_of_a_gateway() -> None:
    gateway = {"Name": "edge", "Connect": {"Gateway": {"Ingress": {"Listeners": None}}}}
    groups: list[dict[str, Any]] = [{"Tasks": None}, {"Tasks": []}, {}]
    for group in groups:
        whole = {"ID": "web", "Name": "web", "TaskGroups": [{"Name": "api", "Services": [gateway], **group}]}
        assert _through(whole) == whole
        assert spec.Job.from_api(whole).task_groups[0].tasks == ()
    with pytest.raises(JobSpecError, match=r"web\.group\[api\]\.tasks: missing"):
        spec.Job(id="web", task_groups=(spec.TaskGroup(name="api"),))


def test_a_job_that_is_named_as_its_id_comes_back_however_it_was_said() -> None:
    group = spec.TaskGroup(name="api", tasks=(spec.Task(name="app", driver="exec"),))
    said, unsaid = (spec.Job(id="web", name=name, task_groups=(group,)) for name in ("web", None))
    assert said == unsaid == spec.Job.from_api(said.to_api())
    assert said.to_api()["Name"] == "web"


def test_what_is_read_is_typed() -> None:
    job = spec.Job.from_api(_job(KillTimeout=5_000_000_000, Vault={"Role": "web"}, New=1))
    [task] = job.task_groups[0].tasks
    assert task.kill_timeout == timedelta(seconds=5)
    assert task.vault == spec.Vault(role="web", env=None, disable_file=None, change_mode=None)
    assert task.extra == {"New": 1}


def test_what_nomad_wrote_into_a_job_is_taken_out_of_it() -> None:
    job = _job()
    job["TaskGroups"][0]["Scaling"] = {"Min": 1, "ID": "a-b", "CreateIndex": 7, "Target": {"Job": "web"}}
    live = {**job, "Version": 3, "Stable": True, "JobModifyIndex": 9, "Status": "running", "Stop": False, "Future": 1}
    read = spec.Job.from_api(live)
    assert read.to_api() == live
    job["TaskGroups"][0]["Scaling"] = {"Min": 1}
    assert read.without_server_fields().to_api() == {**job, "Future": 1}


def test_a_drivers_config_equals_the_mapping_that_nomad_has() -> None:
    config = drivers.Docker(image="web:1", ports=("http",), mount=(drivers.DockerMount(type="bind", target="/x"),))
    plain = {"image": "web:1", "ports": ["http"], "mount": [{"type": "bind", "target": "/x"}]}
    assert config == plain
    assert config != {**plain, "image": "web:2"}
    task = spec.Task(name="app", driver="docker", config=config)
    job = spec.Job(id="web", task_groups=(spec.TaskGroup(name="api", tasks=(task,)),))
    assert job.to_api()["TaskGroups"][0]["Tasks"][0]["Config"] == plain
    assert spec.Job.from_api(job.to_api()) == job
