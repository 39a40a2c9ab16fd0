"""Every job of every environment, whole, as Nomad's API gets it."""

import pytest

from inventory import environments
from jobs import acceptance, files, ingress, web, web_docker
from tests.conftest import Golden

_JOBS = {"acceptance": acceptance.job, "web": web.job, "web_docker": web_docker.job, "ingress": ingress.job}
_SUM = "0123456789abcdef" * 4


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
@pytest.mark.parametrize("job", sorted(_JOBS))
def test_the_job_is_as_it_was_reviewed(golden: Golden, name: str, job: str) -> None:
    golden(f"{name}/{job}", _JOBS[job](environments.load(name), lambda *_: _SUM).to_api())


def test_every_job_has_a_golden_output() -> None:
    assert files.names() == sorted(_JOBS)


def test_a_job_is_called_as_its_file_is() -> None:
    env = environments.load("test")
    for name, made in _JOBS.items():
        assert made(env, lambda *_: _SUM).id == files.identify(name, env)
