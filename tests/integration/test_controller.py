"""The controller as a process of its own, on a real Consul with the rights it has on a cluster, and a real Nomad."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import consul as consul_api
import pytest
import requests

from configs import consul as documents
from configs import controller
from jobs.nomad import spec
from jobs.rollout import plan, runner
from jobs.rollout.journal import Journal
from jobs.rollout.reach import Reach
from jobs.rollout.state import Phase, Result, State
from tests.integration import rollouts, servers
from tests.integration.conftest import Binary
from tests.integration.rollouts import Consul
from tests.integration.servers import Server

NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def journals(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """The Consul of the journals; Nomad's own is another."""
    with rollouts.started(binary("consul"), tmp_path_factory.mktemp("journals")) as started:
        yield started


@pytest.fixture(scope="module")
def token(journals: Consul) -> str:
    return journals.token(documents.POLICIES[controller.NAME])


@pytest.fixture
def client(journals: Consul) -> consul_api.Consul:
    return rollouts.client(journals.url, rollouts.rollout_token(journals))


@pytest.fixture
def given(journals: Consul, nomad: Server, tmp_path: Path) -> Path:
    """The folder of what Nomad gives the task."""
    found = {"env": "test", "region": "global", "nomad": [nomad.url], "consul": [journals.url], "ingresses": {}}
    (tmp_path / "reach.json").write_text(json.dumps({**found, "prometheus": NOBODY, "loki": NOBODY}))
    for name in ("nomad-token", "password"):
        (tmp_path / name).write_text("")
    return tmp_path


@dataclass(kw_only=True)
class Instance:
    """A controller, what it said, and where it serves."""

    name: str
    process: subprocess.Popen[str]
    url: str
    said: list[dict[str, Any]]

    @property
    def figures(self) -> dict[str, float]:
        """Its series by name with labels."""
        lines = requests.get(f"{self.url}/metrics", timeout=5).text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    @property
    def active(self) -> bool:
        """Whether it says that it is the one."""
        return self.figures["socle_controller_active"] == 1

    def of(self, job: str, kind: str) -> list[dict[str, Any]]:
        """What it said of a job."""
        return [line for line in self.said if line.get("nomad_job") == job and line["kind"] == kind]


@pytest.fixture
def start(given: Path, token: str) -> Iterator[Callable[[str], Instance]]:
    with ExitStack() as processes:
        yield lambda name: processes.enter_context(_running(name, given, token))


@contextmanager
def _running(name: str, given: Path, token: str) -> Iterator[Instance]:
    (port,) = servers.free_ports(1)
    told = {"CONSUL_HTTP_TOKEN": token, "NOMAD_PORT_http": str(port), "NODE_NAME": name}
    command = [sys.executable, "-m", "jobs.rollout.controller", str(given)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **told}) as process:
        instance = Instance(name=name, process=process, url=f"http://127.0.0.1:{port}", said=[])
        listener = threading.Thread(target=_listen, args=(instance,), daemon=True)
        listener.start()
        try:
            servers.until("it serves", lambda: requests.get(f"{instance.url}/health", timeout=5).ok)
            yield instance
        finally:
            process.kill()
            listener.join()


def _listen(instance: Instance) -> None:
    assert instance.process.stdout
    instance.said.extend(json.loads(line) for line in iter(instance.process.stdout.readline, ""))


@pytest.fixture
def job() -> spec.Job:
    """A job that no other test knows; its first version needs no canary."""
    task = spec.Task(
        name="sleep",
        driver="raw_exec",
        config={"command": "/bin/sleep", "args": ["300"]},
        resources=spec.Resources(cpu=10, memory_mb=16),
        kill_timeout=timedelta(seconds=1),
    )
    update = spec.Update(health_check="task_states", min_healthy_time=timedelta(seconds=1))
    group = spec.TaskGroup(name="sleep", update=update, tasks=(task,))
    return spec.Job(id=f"sleep-{secrets.token_hex(4)}", type="service", datacenters=("test",), task_groups=(group,))


def lasting(job: spec.Job) -> spec.Job:
    """The job with a rollout that outlasts the loss of its runner."""
    (group,) = job.task_groups
    update = replace(group.update or spec.Update(), min_healthy_time=timedelta(seconds=20))
    return replace(job, task_groups=(replace(group, update=update),))


def held_on(client: consul_api.Consul, job: spec.Job) -> str | None:
    """Where the instance is that has the lease of a job's rollout."""
    holder = Journal(client, job.id).holder()
    return holder.who.rpartition(" ")[2] if holder else None


def begun(client: consul_api.Consul, given: Path, job: spec.Job) -> State:
    """A rollout as it begins."""
    reach = Reach.of_task(given, client.token)
    return runner.fresh(reach, job, plan.rolling(), who="ada@desk", fingerprint="", now=time.time())


def opened(client: consul_api.Consul, given: Path, job: spec.Job, **more: Any) -> None:
    """A rollout that nobody runs, as a command leaves it that does not wait for its end."""
    with Journal(client, job.id).lease("ada@desk") as lease:
        lease.write(replace(begun(client, given, job), **more))


def ended(client: consul_api.Consul, job: spec.Job, within_s: float = 60) -> State:
    journal = Journal(client, job.id)
    servers.until("the rollout has ended", journal.history, within_s)
    return journal.history()[0]


def test_a_rollout_that_nobody_runs_is_taken_to_its_end_told_and_counted(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    instance = start("alpha")
    servers.until("it is active", lambda: instance.active)
    opened(client, given, job)
    found = ended(client, job)
    assert found.result is Result.DONE
    servers.until("its end is told", lambda: instance.of(job.id, "end"))
    assert [line["result"] for line in instance.of(job.id, "end")] == ["done"]
    assert [line["text"] for line in instance.of(job.id, "decision")] == [each.text for each in found.decisions]
    figures = instance.figures
    assert figures[f'socle_rollouts_total{{nomad_job="{job.id}",result="done"}}'] == 1
    assert not [name for name in figures if name.startswith("socle_rollout_phase") and job.id in name]


def test_a_rollout_goes_on_when_its_runner_is_killed(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job, journals: Consul
) -> None:
    instance = start("alpha")
    servers.until("it is active", lambda: instance.active)
    with _elsewhere(journals.url, client.token, begun(client, given, job)) as holder:
        servers.until("it is followed", lambda: instance.figures["socle_controller_attended"] == 1)
        assert str(Journal(client, job.id).holder()).startswith("bob@desk")
        holder.kill()
        servers.until("another has the lease", lambda: held_on(client, job) == "alpha")
        assert ended(client, job).result is Result.DONE


def test_another_instance_stands_by_and_goes_on_when_the_active_one_is_killed(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    first = start("alpha")
    servers.until("the first is active", lambda: first.active)
    second = start("beta")
    opened(client, given, lasting(job))
    servers.until("the first has it", lambda: held_on(client, job) == "alpha")
    assert not second.active
    first.process.kill()
    servers.until("the second has it", lambda: held_on(client, job) == "beta")
    servers.until("the second is active", lambda: second.active)
    assert ended(client, job).result is Result.DONE


def test_an_instance_that_is_told_to_end_gives_everything_back_at_once(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    first = start("alpha")
    servers.until("the first is active", lambda: first.active)
    second = start("beta")
    opened(client, given, lasting(job))
    servers.until("the first has it", lambda: held_on(client, job) == "alpha")
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(20) == 0
    assert held_on(client, job) != "alpha"
    servers.until("the second is active", lambda: second.active, within_s=5)
    assert ended(client, job).result is Result.DONE


def test_a_held_rollout_is_left_alone_until_a_person_asks_for_something(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    instance = start("alpha")
    servers.until("it is active", lambda: instance.active)
    opened(client, given, job, phase=Phase.HELD, reason="no data")
    phase = f'socle_rollout_phase{{nomad_job="{job.id}",phase="held"}}'
    servers.until("it is seen", lambda: instance.figures.get(phase) == 1)
    assert instance.figures["socle_controller_attended"] == 0
    Journal(client, job.id).ask("abort", "eve@desk")
    assert ended(client, job).result is not Result.DONE


def test_what_was_told_is_not_told_again_by_the_next_instance(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    first = start("alpha")
    servers.until("the first is active", lambda: first.active)
    opened(client, given, job)
    servers.until("its end is told", lambda: first.of(job.id, "end"), within_s=60)
    first.process.kill()
    second = start("beta")
    servers.until("the second is active", lambda: second.active)
    opened(client, given, replace(job, id=f"{job.id}-next"))
    servers.until("the next end is told", lambda: second.of(f"{job.id}-next", "end"), within_s=60)
    assert second.of(job.id, "end") == []
    assert second.of(job.id, "decision") == []


def test_a_journal_that_cannot_be_read_is_told_once_and_stops_no_other(
    start: Callable[[str], Instance], client: consul_api.Consul, given: Path, job: spec.Job
) -> None:
    client.kv.put("socle/rollouts/broken/current", "not a state")
    instance = start("alpha")
    opened(client, given, job)
    assert ended(client, job).result is Result.DONE
    servers.until("the end is told", lambda: instance.of(job.id, "end"))
    broken = [line for line in instance.said if "broken" in line.get("text", "")]
    assert [line["kind"] for line in broken] == ["trouble"]
    client.kv.delete("socle/rollouts/broken/current")


_HOLDER = """
import sys, time
from jobs.rollout.journal import Journal
from jobs.rollout.state import State
from tests.integration import rollouts
url, token, text = (sys.stdin.readline().strip() for _ in range(3))
state = State.from_json(text)
with Journal(rollouts.client(url, token), state.job).lease("bob@desk") as lease:
    lease.write(state)
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def _elsewhere(url: str, token: str, state: State) -> Iterator[subprocess.Popen[str]]:
    """Another runner, that has begun a rollout and does nothing but hold it."""
    command = [sys.executable, "-c", _HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{url}\n{token}\n{state.to_json()}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
