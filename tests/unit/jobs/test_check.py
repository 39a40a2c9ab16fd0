"""Mistakes are found when a job is made: all of them, each with the path to its field."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from configs.errors import JobSpecError
from jobs.nomad import drivers, spec

_TASK = spec.Task(name="app", driver="exec", config={"command": "true"})
_GROUP = spec.TaskGroup(name="api", tasks=(_TASK,))
_CHECK = spec.Check(type="http", interval=timedelta(seconds=2), timeout=timedelta(seconds=1))


def _job(**job: Any) -> spec.Job:
    return spec.Job(**{"id": "web", "task_groups": (_GROUP,), **job})


def _group(**group: Any) -> spec.Job:
    return _job(task_groups=(spec.TaskGroup(**{"name": "api", "tasks": (_TASK,), **group}),))


def _task(**task: Any) -> spec.Job:
    return _group(tasks=(spec.Task(**{"name": "app", "driver": "exec", **task}),))


def _network(*ports: spec.Port) -> spec.Job:
    return _group(networks=(spec.Network(dynamic_ports=ports),))


_UNTYPED: Any = "3"
_MILLISECONDS: Any = 500
_LIST: Any = ["a"]
_ODD: Any = "soon"


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (lambda: _job(id="my web"), "my web.id: 'my web' cannot be - give a name without spaces and null characters"),
        (lambda: _job(priority=0), "web.priority: 0 is too small - the least is 1"),
        (lambda: _job(type=_ODD), "web.type: 'soon' is not known - give one of service, system, batch, sysbatch"),
        (lambda: _job(task_groups=(_GROUP, _GROUP)), "web.group[api]: two groups have this name - give each one of"),
        (lambda: _job(task_groups=None), "web.task_groups: missing - it must be said"),
        (lambda: _job(extra={"Priority": 50}), "web.extra[Priority]: is the field priority - say it there"),
        (lambda: _job(extra={"Future": (1,)}), "web.extra[Future]: is a tuple - give a list"),
        (lambda: _job(meta={"a": 1}), "web.meta[a]: is of type int - give a str"),
        (lambda: _group(count=_UNTYPED), "web.group[api].count: is of type str - give an int"),
        (lambda: _group(count=-1), "web.group[api].count: -1 is too small - the least is 0"),
        (lambda: _group(count=True), "web.group[api].count: is of type bool - give an int"),
        (lambda: _group(shutdown_delay=_MILLISECONDS), "web.group[api].shutdown_delay: is of type int - give a timed"),
        (lambda: _group(shutdown_delay=timedelta(-1)), "web.group[api].shutdown_delay: -1 day, 0:00:00 is negative"),
        (lambda: _group(tasks=(_TASK, _TASK)), "web.group[api].task[app]: two tasks have this name"),
        (lambda: _group(tasks=_LIST), "web.group[api].task: is of type list - give a tuple"),
        (lambda: _group(services=(_CHECK,)), "web.group[api].service[0]: is of type Check - give a Service"),
        (lambda: _group(affinities=(spec.Affinity(weight=101),)), "web.group[api].affinity[0].weight: 101 is too la"),
        (lambda: _network(spec.Port(label="http", static=65536)), "web.group[api].network[0].dynamic_port[http].st"),
        (lambda: _network(*[spec.Port(label="a")] * 2), "web.group[api].network[0].port[a]: two ports have this la"),
        (lambda: _group(scaling=spec.ScalingPolicy(min=3, max=2)), "web.group[api].scaling.max: 2 is less than min=3"),
        (lambda: _group(volumes={"d": "x"}), "web.group[api].volumes[d]: is of type str - give a VolumeRequest"),
        (lambda: _task(name="a/b"), "web.group[api].task[a/b].name: 'a/b' cannot be - give a name without slashes"),
        (lambda: _task(env={"A": 1}), "web.group[api].task[app].env[A]: is of type int - give a str"),
        (lambda: _task(resources=spec.Resources(cpu=_UNTYPED)), "web.group[api].task[app].resources.cpu: is of type"),
        (lambda: _task(resources=spec.Resources(cpu=5, cores=1)), "web.group[api].task[app].resources.cpu: 5 MHz, and"),
        (
            lambda: _task(resources=spec.Resources(memory_mb=64, memory_max_mb=32)),
            "web.group[api].task[app].resources.memory_max_mb: 32 is less than memory_mb=64",
        ),
        (
            lambda: _task(resources=spec.Resources(memory_mb=64, secrets_mb=65)),
            "web.group[api].task[app].resources.secrets_mb: 65 is more than memory_mb=64",
        ),
        (lambda: _task(templates=(spec.Template(destination="a"),) * 2), "web.group[api].task[app].template: two are"),
        (
            lambda: _task(volume_mounts=(spec.VolumeMount(volume="data", destination="/data"),)),
            "web.group[api].task[app].volume_mount: 'data' is no volume of the group - add it",
        ),
        (lambda: _task(config={"args": ("a",)}), "web.group[api].task[app].config[args]: is a tuple - give a list"),
        (lambda: _task(config={"t": [timedelta(1)]}), "web.group[api].task[app].config[t][0]: is a timedelta - give"),
        (lambda: _task(config={"t": {1}}), "web.group[api].task[app].config[t]: is of type set - give a value of JSON"),
        (lambda: _task(config=drivers.Exec(command="a", args=_LIST)), "web.group[api].task[app].config.args: is of t"),
        (lambda: _task(config=drivers.Java()), "web.group[api].task[app].config.jar_path: missing, and class_ too"),
        (
            lambda: _task(config=drivers.Docker(image="a", oom_score_adj=-1001)),
            "web.group[api].task[app].config.oom_score_adj: -1001 is too small - the least is -1000",
        ),
        (
            lambda: _group(services=(spec.Service(name="web", checks=(replace(_CHECK, type=_ODD),)),)),
            "web.group[api].service[web].check[0].type: 'soon' is not known - give one of http, tcp, grpc, script",
        ),
        (
            lambda: _group(services=(spec.Service(name="my_web"),)),
            "web.group[api].service[my_web].name: 'my_web' cannot be - a service is called by letters, digits",
        ),
    ],
)
def test_a_mistake_is_told_with_the_path_to_its_field(make: Any, finding: str) -> None:
    with pytest.raises(JobSpecError) as caught:
        make()
    [found] = caught.value.findings
    assert found.startswith(finding)


def test_all_mistakes_are_told_at_once() -> None:
    broken = replace(_TASK, resources=spec.Resources(cpu=-1, memory_mb=-2), kill_timeout=_MILLISECONDS)
    with pytest.raises(JobSpecError) as caught:
        _job(priority=-1, task_groups=(replace(_GROUP, count=-1, tasks=(broken,)),))
    assert [finding.partition(":")[0] for finding in caught.value.findings] == [
        "web.priority",
        "web.group[api].count",
        "web.group[api].task[app].resources.cpu",
        "web.group[api].task[app].resources.memory_mb",
        "web.group[api].task[app].kill_timeout",
    ]


def test_a_mistake_does_not_hide_those_around_it() -> None:
    wrong: Any = 5
    broken = replace(_TASK, resources=spec.Resources(cpu=-1, cores=1), volume_mounts=wrong)
    with pytest.raises(JobSpecError) as caught:
        _job(task_groups=(replace(_GROUP, tasks=(broken,)), _GROUP))
    assert [finding.partition(":")[0] for finding in caught.value.findings] == [
        "web.group[api].task[app].resources.cpu",
        "web.group[api].task[app].resources.cpu",
        "web.group[api].task[app].volume_mount",
        "web.group[api]",
    ]


def test_a_value_of_a_wrong_type_is_not_shown_it_may_be_a_secret() -> None:
    secret: Any = b"hunter2"
    with pytest.raises(JobSpecError) as caught:
        _task(env={"PASSWORD": secret})
    assert "hunter2" not in str(caught.value)


def test_what_nomad_takes_is_no_mistake() -> None:
    port = spec.Port(label="http", static=65535, to=-1)
    mount = spec.VolumeMount(volume="data", destination="/data")
    task = replace(
        _TASK,
        volume_mounts=(mount,),
        resources=spec.Resources(cores=1, memory_mb=64, memory_max_mb=-1),
        templates=(spec.Template(destination="a", uid=-1),),
        config=drivers.Docker(image="a", pids_limit=-1),
    )
    group = spec.TaskGroup(
        name="${any}",
        count=0,
        networks=(spec.Network(reserved_ports=(port,)),),
        volumes={"data": spec.VolumeRequest(name="data", type="host", source="data")},
        services=(spec.Service(name="${JOB}-web"), spec.Service(name="")),
        affinities=(spec.Affinity(weight=-100),),
        tasks=(task,),
    )
    assert _job(priority=32767, task_groups=(group,)).priority == 32767


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(JobSpecError, match=r"web\.priority"):
        replace(_job(), priority=-5)
