"""Lines reach Loki with their labels, through real processes with the documents that hosts get."""

import contextlib
import dataclasses
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from configs import certificates, collector, loki, prometheus
from configs.agents import task_logs
from configs.environment import Environment
from tests.integration import servers
from tests.integration.conftest import Binary

OWNER = task_logs.Owner("default", "shop/web", "front")
ACCEPTED = re.compile(r'otelcol_receiver_accepted_log_records_total{.*receiver="filelog/tasks".*} (.+)')


class Part:
    """A process that a test may end and start again."""

    def __init__(self, command: list[str | Path], folder: Path) -> None:
        self.command, self.folder = command, folder
        self.run = contextlib.ExitStack()

    def start(self) -> None:
        """Start it."""
        self.server = self.run.enter_context(servers.running(self.command, self.folder))

    def stop(self, *, kill: bool = False) -> None:
        """End it, with or without a chance to tidy up."""
        if kill:
            self.server.process.kill()
        self.run.close()


class Pipeline:
    """Loki and a Collector, with the folders of a client host."""

    def __init__(self, folder: Path, env: Environment, pki: Path, ports: Mapping[str, int]) -> None:
        self.folder, self.env, self.pki, self.ports = folder, env, pki, ports
        self.allocations, self.task_logs = folder / "alloc", folder / "task-logs"
        self.task_logs.mkdir()
        self.copies = task_logs.Copies(self.allocations, self.task_logs, 600)
        self.loki: Part
        self.collector: Part

    def document(self, name: str, content: Mapping[str, Any]) -> Path:
        """A host's document with this test's folders in the place of the host's."""
        text = prometheus.dump(content)
        places = {
            certificates.FOLDER: self.pki,
            loki.DATA: self.folder / "loki",
            collector.DATA: self.folder / "collector",
            collector.TASK_LOGS: self.task_logs,
        }
        for there, here in places.items():
            text = text.replace(there, str(here))
        path = self.folder / name
        path.write_text(text)
        return path

    def output(self, allocation: str, text: str, *, task: str = "app", number: int = 0) -> Path:
        """A task says something, as Nomad records it; it is copied at once."""
        logs = self.allocations / allocation / "alloc" / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"{task}.stdout.{number}"
        with path.open("a") as file:
            file.write(text)
        self.copies.follow(allocation, OWNER)
        return path

    def streams(self, selector: str) -> list[dict[str, Any]]:
        """What a selector finds."""
        answer = requests.get(
            f"https://127.0.0.1:{self.ports['loki']}/loki/api/v1/query_range",
            params={"query": selector, "limit": "5000", "start": str(int(time.time() - 3600))},
            verify=str(self.pki / "ca.pem"),
            cert=(str(self.pki / "loki" / "cert.pem"), str(self.pki / "loki" / "key.pem")),
            timeout=10,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def arrives(self, selector: str, *lines: str) -> None:
        """Wait until exactly these lines are there, each once."""

        def there() -> bool:
            found = sorted(line for stream in self.streams(selector) for _, line in stream["values"])
            assert found == sorted(lines)
            return True

        servers.until(f"{selector} in Loki", there, within_s=60)

    def accepted(self) -> float:
        """How many lines of tasks the Collector has taken since it was started."""
        answer = requests.get(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=5)
        found = ACCEPTED.search(answer.text)
        return float(found[1]) if found else 0


@pytest.fixture(scope="module")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, loopback: Environment, pki: Path, binary: Binary
) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("logs")
    ports = dict(zip(("loki", "grpc", "metrics"), servers.free_ports(3), strict=True))
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": ports["metrics"]}}}}
    env = dataclasses.replace(
        loopback,
        extra={
            "loki": {"server": {"http_listen_port": ports["loki"], "grpc_listen_port": ports["grpc"]}},
            "collector": {
                "exporters": {"otlp_http/loki": {"endpoint": f"https://127.0.0.1:{ports['loki']}/otlp"}},
                "service": {"telemetry": {"metrics": {"readers": [reader]}}},
            },
        },
    )
    made = Pipeline(folder, env, pki, ports)
    loki_config = made.document("loki.yml", loki.config(env))
    collector_config = made.document("collector.yml", collector.config(env, env.hosts[0]))
    made.loki = Part([binary("loki"), f"-config.file={loki_config}"], folder / "loki")
    made.collector = Part([binary("otelcol"), f"--config={collector_config}"], folder / "collector")
    made.loki.start()
    made.collector.start()
    yield made
    made.collector.stop()
    made.loki.stop()


def test_a_task_s_first_line_has_all_its_labels(pipeline: Pipeline) -> None:
    pipeline.output("a-1", "hello\n", task="app.v2")
    pipeline.arrives('{alloc_id="a-1"}', "hello")
    (stream,) = pipeline.streams('{alloc_id="a-1"}')
    assert {key: value for key, value in stream["stream"].items() if key in loki.LABELS} == {
        "env": "loop",
        "host": "loop-1",
        "namespace": "default",
        "job": "shop/web",
        "group": "front",
        "task": "app.v2",
        "alloc_id": "a-1",
        "stream": "stdout",
    }


def test_the_numbered_files_of_a_task_are_one_stream(pipeline: Pipeline) -> None:
    for number in range(3):
        pipeline.output("a-2", f"from file {number}\n", number=number)
    pipeline.arrives('{alloc_id="a-2", stream="stdout"}', "from file 0", "from file 1", "from file 2")


def test_lines_written_while_loki_and_the_collector_are_killed_arrive_once(pipeline: Pipeline) -> None:
    pipeline.output("a-3", "before\n")
    pipeline.arrives('{alloc_id="a-3"}', "before")
    pipeline.loki.stop(kill=True)
    read = pipeline.accepted()
    pipeline.output("a-3", "read in vain 1\nread in vain 2\n")
    servers.until("the Collector has read them", lambda: pipeline.accepted() == read + 2)
    pipeline.collector.stop(kill=True)
    pipeline.output("a-3", "not yet read\n")
    pipeline.collector.start()
    pipeline.loki.start()
    pipeline.arrives('{alloc_id="a-3"}', "before", "read in vain 1", "read in vain 2", "not yet read")


def test_the_last_lines_of_an_allocation_that_nomad_removed_arrive(pipeline: Pipeline) -> None:
    path = pipeline.output("a-4", "first\n")
    pipeline.arrives('{alloc_id="a-4"}', "first")
    pipeline.collector.stop()
    pipeline.output("a-4", "last words\n")
    path.unlink()
    pipeline.copies.sweep(time.time())
    pipeline.collector.start()
    pipeline.arrives('{alloc_id="a-4"}', "first", "last words")


def test_instances_that_say_the_very_same_words_are_told_apart(pipeline: Pipeline) -> None:
    for allocation in ("a-5", "a-6"):
        pipeline.output(allocation, "no such file: settings.json\n")
    for allocation in ("a-5", "a-6"):
        pipeline.arrives(f'{{alloc_id="{allocation}"}}', "no such file: settings.json")


def test_a_line_of_the_journal_is_labelled_with_its_unit(pipeline: Pipeline) -> None:
    if not shutil.which("systemd-cat") or not Path("/run/systemd/journal/stdout").exists():
        pytest.skip("this machine keeps no journal")
    subprocess.run(["systemd-cat", "-t", "socle-test", "echo", "a line for the journal"], check=True)
    pipeline.arrives('{unit=~".+", env="loop", host="loop-1"} |= "a line for the journal"', "a line for the journal")


def test_loki_refuses_a_client_without_the_environment_s_certificate(pipeline: Pipeline) -> None:
    url = f"https://127.0.0.1:{pipeline.ports['loki']}/ready"
    pipeline.output("a-7", "Loki runs\n")
    pipeline.arrives('{alloc_id="a-7"}', "Loki runs")
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, verify=str(pipeline.pki / "ca.pem"), timeout=10)
