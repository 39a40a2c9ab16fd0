"""What environments have of their own is stated in one place; the rest is the same, or the difference is found."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.environment import Arch, Environment, Role
from configs.errors import ConfigError, PromotionError
from inventory import environments
from jobs import files
from jobs.differences import Differences, Differs, by_environment
from jobs.nomad import spec
from jobs.promotion import neutral, sameness
from tests.unit import example

_SUM = "0123456789abcdef" * 4
_PLATFORM = {"controller", "ingress"}
"""Jobs that are of one environment, made for its very hosts: the deployment releases them, nobody promotes them."""

_STATED = by_environment(
    Differs(count=2, cpu=100, memory_mb=64, settings={"LEVEL": "info"}),
    prod=Differs(count=5, memory_mb=512, settings={"LEVEL": "warning"}),
)


@dataclass
class _File:
    """A job file."""

    job: Callable[[Environment], spec.Job]
    DIFFERENCES: Differences = field(default_factory=Differences)


def _job(**more: Any) -> spec.Job:
    task = spec.Task(
        name="app",
        driver="docker",
        config={"image": "app@sha256:0"},
        env={"LEVEL": "none", "MODE": "plain"},
        resources=spec.Resources(cpu=50, memory_mb=32),
    )
    group = spec.TaskGroup(name="app", count=1, tasks=(task,))
    return spec.Job(id="app", type="service", task_groups=(group,), **more)


def _in(env: Environment) -> spec.Job:
    mirror = f"https://{env.mirror.address}:8443/app.zip"
    made = _job(
        datacenters=(env.name,), region=env.region, meta={"domain": f"app.{env.ingress_domain}", "from": mirror}
    )
    return _STATED.applied(env.name, made)


def _env(name: str, **settings: Any) -> Environment:
    return example.environment(name=name, **{"ingress_domain": f"{name}.test", **settings})


def _app(job: spec.Job) -> spec.Task:
    return job.task_groups[0].tasks[0]


def test_an_environment_that_is_named_has_its_own_and_the_defaults_where_it_says_nothing() -> None:
    prod, other = _STATED.applied("prod", _job()), _STATED.applied("elsewhere", _job())
    assert (prod.task_groups[0].count, other.task_groups[0].count) == (5, 2)
    assert _app(prod).resources == spec.Resources(cpu=100, memory_mb=512)
    assert _app(other).resources == spec.Resources(cpu=100, memory_mb=64)
    assert _app(prod).env == {"LEVEL": "warning", "MODE": "plain"}


def test_what_has_no_default_would_be_missing_elsewhere_and_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"differences of prod: cpu has no default.*\n.*setting LEVEL"):
        by_environment(Differs(count=1), prod=Differs(cpu=3, settings={"LEVEL": "info"}))


def test_a_group_or_task_that_the_job_does_not_have_is_refused() -> None:
    stated = by_environment(Differs(count={"db": 1}, cpu={"db": 5}))
    with pytest.raises(ConfigError, match=r"count: the job has no 'db' - use app\n.*cpu: the job has no 'db'"):
        stated.applied("test", _job())


@pytest.mark.parametrize("name", sorted(set(files.names()) - _PLATFORM))
@pytest.mark.parametrize(("one", "other"), [("dev", "test"), ("test", "prod")])
def test_our_jobs_are_the_same_in_every_environment_but_for_what_they_state(name: str, one: str, other: str) -> None:
    file = files.load(name)
    summed = SimpleNamespace(
        job=lambda env: cast("Any", file).job(env, lambda *_: _SUM),
        DIFFERENCES=getattr(file, "DIFFERENCES", Differences()),
    )
    assert sameness.same_but_for_differences(summed, environments.load(one), environments.load(other)) == []


def test_a_fingerprint_is_the_same_wherever_the_version_runs() -> None:
    file = _File(_in, _STATED)
    hosts = (*example.hosts(), dataclasses.replace(example.hosts()[-1], name="f", address="10.0.0.9"))
    elsewhere = _env("prod", hosts=hosts, region="north", ingress_domain="example.com")
    assert sameness.fingerprint(file, _env("test")) == sameness.fingerprint(file, elsewhere)


def test_another_value_of_what_may_differ_is_no_other_version() -> None:
    more = by_environment(Differs(count=9, cpu=1, memory_mb=99, settings={"LEVEL": "debug"}))

    def job(env: Environment) -> spec.Job:
        return more.applied(env.name, _in(env))

    env = _env("test")
    assert sameness.fingerprint(_File(job, more), env) == sameness.fingerprint(_File(_in, _STATED), env)


def test_a_job_that_asks_for_the_environments_name_is_found_out() -> None:
    def job(env: Environment) -> spec.Job:
        return dataclasses.replace(_in(env), priority=90 if env.name == "prod" else 50)

    file = _File(job, _STATED)
    assert sameness.same_but_for_differences(file, _env("test"), _env("prod")) == ["prod: Priority: 90 in place of 50"]
    assert sameness.fingerprint(file, _env("test"))
    with pytest.raises(PromotionError, match="Priority: 90 in place of 50"):
        sameness.fingerprint(file, _env("prod"))


def test_a_job_that_knows_certain_environments_alone_has_no_fingerprint_and_runs_all_the_same() -> None:
    file = _File(lambda env: _job(priority={"test": 50, "prod": 90}[env.name]))
    assert sameness.known(file, _env("test")) == ""
    with pytest.raises(PromotionError, match=r"cannot be made for .*KeyError.* - state in DIFFERENCES"):
        sameness.fingerprint(file, _env("test"))


def test_a_count_that_is_not_the_stated_one_is_found_out() -> None:
    def job(env: Environment) -> spec.Job:
        made = _in(env)
        return dataclasses.replace(made, task_groups=(dataclasses.replace(made.task_groups[0], count=7),))

    found = sameness.same_but_for_differences(_File(job, _STATED), _env("test"), _env("prod"))
    assert found == ["test: TaskGroups[app].Count: 7 in place of 2", "prod: TaskGroups[app].Count: 7 in place of 5"]


def test_a_setting_of_the_environment_that_reaches_the_job_is_found_out() -> None:
    def job(env: Environment) -> spec.Job:
        return dataclasses.replace(_in(env), meta={"shares": str(env.seal.shares)})

    one, other = _env("test"), _env("prod")
    other = dataclasses.replace(other, seal=dataclasses.replace(other.seal, shares=7))
    assert sameness.same_but_for_differences(_File(job, _STATED), one, other) == [
        "prod: Meta.shares: '7' in place of '5'"
    ]


def test_hosts_of_another_architecture_fetch_another_program_and_so_have_another_version() -> None:
    def job(env: Environment) -> spec.Job:
        return dataclasses.replace(_in(env), meta={"arch": env.having(Role.CLIENT)[0].arch.value})

    arm = _env("prod", hosts=tuple(dataclasses.replace(host, arch=Arch.ARM64) for host in example.hosts()))
    assert sameness.same_but_for_differences(_File(job, _STATED), _env("test"), arm) == [
        "prod: Meta.arch: 'arm64' in place of 'amd64'"
    ]


def test_where_long_texts_begin_to_differ_is_told() -> None:
    [found] = sameness.differing({"Data": "a" * 500 + "b" * 90}, {"Data": "a" * 500 + "c" * 90})
    assert found == f"Data: ...{'a' * 40}{'c' * 40}... in place of ...{'a' * 40}{'b' * 40}..."


def test_the_neutral_form_becomes_the_environment_again() -> None:
    env = _env("test")
    facts = neutral.of(env)
    texts = [f"https://{facts.env.mirror.address}:8443", facts.env.name, *(host.name for host in facts.env.servers)]
    assert facts.actual(texts) == [f"https://{env.mirror.address}:8443", "test", *(host.name for host in env.servers)]


_PLACES = {("TaskGroups", 0, "Count")} | {
    ("TaskGroups", 0, "Tasks", 0, *path) for path in [("Resources", "CPU"), ("Resources", "MemoryMB"), ("Env", "LEVEL")]
}


@given(st.data())
def test_any_change_outside_of_what_is_stated_makes_another_version(data: st.DataObject) -> None:
    env = _env("test")
    before = _in(env).to_api()
    path = data.draw(st.sampled_from(sorted(_paths(before), key=str)))
    value = data.draw(_other_than(_at(before, path)))

    def changed(given_env: Environment) -> spec.Job:
        document = copy.deepcopy(_in(given_env).to_api())
        _at(document, path[:-1])[path[-1]] = value
        return _Plain(document)  # type: ignore[return-value]

    one, other = (sameness.digest(_File(job, _STATED), env) for job in (_in, changed))
    assert (one == other) is (path in _PLACES)


@dataclass(frozen=True)
class _Plain:
    """A job as its document alone: a change need not be one that Nomad would take."""

    document: dict[str, Any]

    def to_api(self) -> dict[str, Any]:
        return self.document


def _paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value that is no container."""
    match document:
        case dict():
            for key, item in document.items():
                yield from _paths(item, (*path, key))
        case list():
            for number, item in enumerate(document):
                yield from _paths(item, (*path, number))
        case _:
            yield path


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _other_than(value: Any) -> st.SearchStrategy[Any]:
    kind = st.integers() if isinstance(value, int) else st.text()
    return kind.filter(lambda drawn: drawn != value)
