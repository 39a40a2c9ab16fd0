"""The very programs accept the documents that hosts get, and refuse a wrong one."""

import subprocess
from pathlib import Path

import pytest

from configs import alertmanager, certificates, collector, loki, prometheus
from configs.environment import Environment
from configs.merge import merge
from inventory import environments
from tests.integration.conftest import Binary

HASH = "$2b$10$s9fbEOYGkVr7pnwSGZpp0u3rE4xxyKcRGsXIDvb1mAqKM2C9T5xQy"


def accepted(*command: str | Path) -> str:
    """What a program complains about; nothing when it accepts."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture(params=["dev", "test", "prod"])
def env(request: pytest.FixtureRequest) -> Environment:
    return environments.load(request.param)


@pytest.fixture
def rendered(tmp_path: Path, pki: Path) -> "Rendered":
    return Rendered(tmp_path, pki)


class Rendered:
    """Writes documents with this test's folders in the place of the host's."""

    def __init__(self, folder: Path, pki: Path) -> None:
        self.folder, self.pki = folder, pki
        for name in ("password", "consul-token"):
            (folder / name).write_text("x")
        for name, text in prometheus.rules().items():
            (folder / name).write_text(text)

    def __call__(self, text: str) -> Path:
        """The path of a document."""
        places = {
            certificates.FOLDER: self.pki,
            prometheus.RULES: self.folder,
            "/etc/prometheus/secrets": self.folder,
            loki.DATA: self.folder,
            collector.DATA: self.folder,
        }
        for there, here in places.items():
            text = text.replace(there, str(here))
        path = self.folder / "document.yaml"
        path.write_text(text)
        return path


def test_promtool_accepts_the_scrape_configuration(env: Environment, rendered: Rendered, tool: Binary) -> None:
    path = rendered(prometheus.dump(prometheus.config(env)))
    assert accepted(tool("promtool"), "check", "config", path) == ""


def test_promtool_refuses_a_setting_that_prometheus_does_not_know(
    env: Environment, rendered: Rendered, tool: Binary
) -> None:
    path = rendered(prometheus.dump(merge(prometheus.config(env), {"global": {"scrape_intervall": "1s"}})))
    assert "scrape_intervall not found" in accepted(tool("promtool"), "check", "config", path)


@pytest.mark.parametrize("service", ["prometheus", "alertmanager"])
def test_promtool_accepts_the_access_rules(service: str, rendered: Rendered, tool: Binary) -> None:
    path = rendered(prometheus.dump(prometheus.web_config(service, HASH)))
    assert accepted(tool("promtool"), "check", "web-config", path) == ""


def test_amtool_accepts_the_routes(env: Environment, rendered: Rendered, tool: Binary) -> None:
    assert accepted(tool("amtool"), "check-config", rendered(prometheus.dump(alertmanager.config(env)))) == ""


def test_loki_accepts_its_configuration(env: Environment, rendered: Rendered, binary: Binary) -> None:
    path = rendered(prometheus.dump(loki.config(env)))
    assert accepted(binary("loki"), "-verify-config", f"-config.file={path}") == ""


def test_the_collector_accepts_its_configuration_on_every_host(
    env: Environment, rendered: Rendered, binary: Binary
) -> None:
    for host in env.hosts:
        path = rendered(prometheus.dump(collector.config(env, host)))
        assert accepted(binary("otelcol"), "validate", f"--config={path}") == ""
