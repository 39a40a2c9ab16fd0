"""The documents of observability are those that were reviewed."""

import pytest

from configs import alertmanager, collector, loki, prometheus
from configs.environment import Role
from inventory import environments
from tests.conftest import Golden


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_the_documents_are_as_they_were_reviewed(golden: Golden, name: str) -> None:
    env = environments.load(name)
    golden(f"{name}/prometheus", prometheus.config(env))
    golden(f"{name}/alertmanager", alertmanager.config(env))
    golden(f"{name}/loki", loki.config(env))
    golden(f"{name}/collector", collector.config(env, env.having(Role.CLIENT)[0]))
