"""Job files are found by name or path; mistakes say what to write instead."""

from pathlib import Path

import pytest

from configs.artifacts import WEB
from configs.environment import Arch, Environment, Host, Role
from configs.errors import ConfigError, JobError
from jobs import __main__ as command_line
from jobs import files
from jobs.nomad import mirror

_FILE = """
from jobs.nomad import spec
def job(env):
    return spec.Job(id=f"mine-{env.name}", type="batch", task_groups=())
"""


def test_a_job_is_found_by_its_name() -> None:
    assert files.load("web").job.__module__ == "jobs.web"


@pytest.mark.parametrize("name", ["nomad", "commands", "../web", "nothing"])
def test_a_name_that_is_no_job_is_answered_with_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError, match="use acceptance, controller, ingress, web, web_docker, or"):
        files.load(name)


def test_a_job_is_found_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(_FILE)
    assert command_line.main(["render", str(path), "--env", "test"]) == 0
    assert '"ID": "mine-test"' in capsys.readouterr().out


def test_a_path_without_a_job_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.py"
    path.write_text("")
    assert command_line.main(["render", str(path), "--env", "test"]) == 2
    assert "has no function job(env)" in capsys.readouterr().err


def test_an_unknown_environment_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["render", "web", "--env", "moon"]) == 2
    assert "use dev, test, prod" in capsys.readouterr().err


def test_a_plan_of_several_jobs_names_every_one_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["plan", "nothing", "web", "neither", "--env", "test"]) == 255
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["nothing", "neither"]


def test_what_a_plan_cannot_tell_has_nomads_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["plan", "nothing", "--env", "test"]) == 255
    assert "there is no job of this name" in capsys.readouterr().err


def test_clients_of_two_architectures_cannot_share_one_checksum() -> None:
    roles = frozenset({Role.SERVER, Role.MONITOR, Role.MIRROR})
    hosts = (
        Host(name="s", address="10.0.0.1", roles=roles),
        Host(name="a", address="10.0.0.2", roles=frozenset({Role.CLIENT, Role.INGRESS})),
        Host(name="b", address="10.0.0.3", roles=frozenset({Role.CLIENT}), arch=Arch.ARM64),
    )
    env = Environment(
        name="mixed", hosts=hosts, control=("10.0.0.0/24",), ingress_domain="mixed.internal", single_server=True
    )
    with pytest.raises(JobError, match="amd64, arm64"):
        mirror.fetched(env, WEB, lambda *_: "0" * 64)
    assert mirror.same_arch(env, Role.INGRESS).value == "amd64"
