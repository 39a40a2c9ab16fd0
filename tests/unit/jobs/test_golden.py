"""Every job of every environment, whole, as Nomad's API gets it."""

import json
from typing import Any

import pytest

from configs import artifacts
from configs.environment import Environment
from inventory import environments
from jobs import acceptance, controller, files, ingress, web, web_docker
from tests.conftest import Golden

_JOBS = {
    "acceptance": acceptance.job,
    "controller": controller.job,
    "web": web.job,
    "web_docker": web_docker.job,
    "ingress": ingress.job,
}
_SUM = "0123456789abcdef" * 4


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
@pytest.mark.parametrize("job", sorted(_JOBS))
def test_the_job_is_as_it_was_reviewed(golden: Golden, name: str, job: str) -> None:
    env = environments.load(name)
    golden(f"{name}/{job}", _reviewed(env, _JOBS[job](env, lambda *_: _SUM).to_api()))


def _reviewed(env: Environment, document: Any) -> Any:
    """Our own programs' versions are digests of their sources: each change of those would differ."""
    text = json.dumps(document)
    for artifact in artifacts.python(env):
        text = text.replace(f"{artifact.name}_{artifact.version}_", f"{artifact.name}_<version>_")
    return json.loads(text)


def test_every_job_has_a_golden_output() -> None:
    assert files.names() == sorted(_JOBS)


def test_a_job_is_called_as_its_file_is() -> None:
    env = environments.load("test")
    for name, made in _JOBS.items():
        assert made(env, lambda *_: _SUM).id == files.identify(name, env)
