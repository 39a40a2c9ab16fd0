"""What the Collector reads, and what becomes of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from configs import collector
from configs.agents import task_logs
from configs.environment import Environment, Host
from inventory import environments


@pytest.fixture
def env() -> Environment:
    return environments.load("test")


@pytest.fixture
def client(env: Environment) -> Host:
    return env.clients[0]


def document(env: Environment, host: Host) -> dict[str, Any]:
    return collector.config(env, host)


def test_every_host_ships_its_journal_and_clients_their_tasks_output(env: Environment, client: Host) -> None:
    assert list(document(env, env.servers[0])["receivers"]) == ["journald"]
    assert list(document(env, client)["receivers"]) == ["journald", "filelog/tasks"]


def test_offsets_and_the_unsent_are_kept_on_disk(env: Environment, client: Host) -> None:
    found = document(env, client)
    assert {receiver["storage"] for receiver in found["receivers"].values()} == {"file_storage"}
    queue = found["exporters"]["otlp_http/loki"]["sending_queue"]
    assert (queue["storage"], queue["block_on_overflow"]) == ("file_storage", True)


def test_a_line_is_sent_until_loki_has_it(env: Environment, client: Host) -> None:
    assert document(env, client)["exporters"]["otlp_http/loki"]["retry_on_failure"]["max_elapsed_time"] == "0"


def test_its_own_metrics_are_on_loopback_and_behind_a_client_certificate_elsewhere(
    env: Environment, client: Host
) -> None:
    (reader,) = document(env, client)["service"]["telemetry"]["metrics"]["readers"]
    assert reader["pull"]["exporter"]["prometheus"]["host"] == "127.0.0.1"
    options = collector.proxy_files()[1].text()
    assert "-web.listen-address= " in options
    assert "-web.tls.verify" in options


def test_the_path_of_a_copy_gives_all_labels_of_a_task(env: Environment, client: Host) -> None:
    parser = next(o for o in document(env, client)["receivers"]["filelog/tasks"]["operators"] if "regex" in o)
    copies = task_logs.Copies(Path("/var/lib/nomad/alloc"), Path(collector.TASK_LOGS), 600)
    folder = copies.path(task_logs.Owner("team", "etl/periodic-1", "g"), "app.v2", "a-1")
    found = re.fullmatch(parser["regex"].replace("$$", "$"), str(task_logs.segment(folder / "stderr.12", 4096)))
    assert found is not None
    assert found.groupdict() == {
        "namespace": "team",
        "job": "etl%2Fperiodic-1",
        "group": "g",
        "task": "app%2Ev2",
        "alloc_id": "a-1",
        "stream": "stderr",
    }


def test_only_what_copies_the_tasks_output_may_read_nomad_s_folders(client: Host, env: Environment) -> None:
    units = {file.path.rsplit("/", 1)[1]: file.text() for file in collector.task_logs_files(lambda: "t")}
    assert "CapabilityBoundingSet=CAP_DAC_READ_SEARCH\n" in units["socle-task-logs.service"]
    assert "CAP_DAC" not in collector.files(env, client)[1].text()


def test_its_token_of_nomad_is_for_its_own_user_alone() -> None:
    (token,) = (f for f in collector.task_logs_files(lambda: "t") if f.path == collector.TASK_LOGS_TOKEN)
    assert (token.user, token.group, token.mode) == ("root", "collector", "640")
