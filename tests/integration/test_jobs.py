"""Jobs sent to a real Nomad: validated, planned, run once, followed to their end, stopped."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import nomad as nomad_api
import pytest

from configs.environment import Environment
from configs.errors import AccessError, JobError
from inventory import environments
from jobs import ingress, web, web_docker
from jobs.nomad import diff, mirror, registration, spec, watch
from jobs.nomad.client import Client
from tests.integration import servers
from tests.integration.servers import Server

JobFunction = Callable[[Environment, mirror.Checksum], spec.Job]

_WITHIN = timedelta(seconds=40)


@pytest.fixture(scope="module")
def client(nomad: Server) -> Client:
    return Client(nomad_api.Nomad(address=nomad.url))


@pytest.fixture
def job(request: pytest.FixtureRequest, client: Client) -> Iterator[spec.Job]:
    made = _job(request.node.name.replace("_", "-")[:40].strip("-"))
    yield made
    if (found := client.find(made.id)) and not found["Stop"]:
        client.stop(made.id)
        watch.stopped(client, made.id, within=_WITHIN)


def _job(name: str, *, command: str = "sleep 300") -> spec.Job:
    """A small job whose canaries are asked for from its second version on."""
    return spec.Job(
        id=name,
        type="service",
        datacenters=("test",),
        task_groups=(
            spec.TaskGroup(
                name="sleep",
                count=2,
                update=spec.Update(
                    canary=1,
                    health_check="task_states",
                    min_healthy_time=timedelta(seconds=1),
                    healthy_deadline=timedelta(seconds=10),
                    progress_deadline=timedelta(seconds=15),
                    auto_revert=True,
                ),
                restart=spec.Restart(attempts=0, interval=timedelta(seconds=10), delay=timedelta(0), mode="fail"),
                reschedule=spec.Reschedule(attempts=0, unlimited=False),
                tasks=(
                    spec.Task(
                        name="sleep",
                        driver="raw_exec",
                        config={"command": "/bin/sh", "args": ["-c", f"exec {command}"]},
                        resources=spec.Resources(cpu=10, memory_mb=16),
                        kill_timeout=timedelta(seconds=1),
                    ),
                ),
            ),
        ),
    )


def _changed(job: spec.Job, command: str) -> spec.Job:
    return dataclasses.replace(_job(job.id, command=command))


def _run(client: Client, job: spec.Job) -> tuple[registration.Ran, list[str]]:
    told: list[str] = []
    return registration.settle(client, job, told.append, _WITHIN), told


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
@pytest.mark.parametrize("made", [web.job, web_docker.job, ingress.job])
def test_nomad_finds_our_jobs_valid(client: Client, name: str, made: JobFunction) -> None:
    errors = client.validate(made(environments.load(name), lambda *_: "0" * 64))
    # This Nomad has no Vault; everything else of the job is looked at all the same.
    assert [error for error in errors if "Vault" not in error] == []


def test_nomad_keeps_every_field_that_we_send(client: Client) -> None:
    sent = _job("kept")
    registration.settle(client, sent, lambda _: None, _WITHIN)
    kept = client.job("kept")
    assert _missing(sent.to_api(), kept) == []
    client.stop("kept")


def test_a_job_is_planned_run_once_and_left_alone_the_second_time(client: Client, job: spec.Job) -> None:
    planned = client.plan(job)
    assert planned.changes
    assert planned.index == 0
    ran, told = _run(client, job)
    assert ran.changed
    assert client.status(job.id).whole
    assert not client.plan(job).changes
    again, told = _run(client, job)
    assert not again.changed
    assert told == [f"{job.id}: unchanged, version 0"]


def test_a_new_version_is_shown_as_a_diff_then_canaried_and_promoted(client: Client, job: spec.Job) -> None:
    _run(client, job)
    changed = _changed(job, "sleep 301")
    lines = [line.show(colour=False) for line in diff.lines(client.plan(changed).diff)]
    assert any("args[1]: 'exec sleep 300' => 'exec sleep 301'" in line for line in lines)
    ran, told = _run(client, changed)
    assert ran.version == 1
    assert "all canaries are healthy: promoting them" in told
    status = client.status(job.id)
    assert status.whole
    assert status.deployment == "successful: Deployment completed successfully"


def test_a_version_that_fails_is_told_with_its_reason_and_reverted(client: Client, job: spec.Job) -> None:
    _run(client, job)
    with pytest.raises(JobError) as caught:
        _run(client, _changed(job, "false"))
    assert "version 1: deployment failed" in str(caught.value)
    assert "Exit Code: 1" in str(caught.value)
    servers.until("Nomad reverted it", lambda: client.status(job.id).version == 2, 20)
    servers.until("the reverted version is whole", lambda: client.status(job.id).whole, 20)


def test_a_job_that_cannot_be_placed_is_told_with_what_kept_it(client: Client, job: spec.Job) -> None:
    nowhere = dataclasses.replace(job, constraints=(spec.Constraint(attribute="${attr.cpu.arch}", value="vax"),))
    assert any("vax" in reason for reason in client.plan(nowhere).troubles)
    with pytest.raises(JobError, match="vax"):
        registration.settle(client, nowhere, lambda _: None, timedelta(seconds=3))


def test_a_registration_at_an_old_index_is_refused(client: Client, job: spec.Job) -> None:
    planned = client.plan(job)
    _run(client, job)
    with pytest.raises(JobError, match="index"):
        client.register(_changed(job, "sleep 302"), planned.index)
    assert client.job(job.id)["Version"] == 0


def test_a_run_that_was_cut_off_is_taken_up_by_the_next(client: Client, job: spec.Job) -> None:
    _run(client, job)
    changed = _changed(job, "sleep 303")
    client.register(changed, client.plan(changed).index)
    ran, told = _run(client, changed)
    assert not ran.changed
    assert "all canaries are healthy: promoting them" in told
    assert client.status(job.id).whole


def test_a_stopped_job_runs_again_when_it_is_run(client: Client, job: spec.Job) -> None:
    _run(client, job)
    client.stop(job.id)
    watch.stopped(client, job.id, within=_WITHIN)
    assert client.status(job.id).status == "stopped"
    ran, _ = _run(client, job)
    assert ran.changed
    assert client.status(job.id).whole


def test_a_job_purged_right_after_its_registration_takes_no_server_down(client: Client, job: spec.Job) -> None:
    nowhere = dataclasses.replace(job, constraints=(spec.Constraint(attribute="${attr.cpu.arch}", value="vax"),))
    for _ in range(5):
        client.register(nowhere, client.plan(nowhere).index)
        client.purge(job.id)
        assert client.find(job.id) is None
    client.purge(job.id)


def test_a_job_that_nomad_does_not_have_is_said_to_be_missing(client: Client) -> None:
    assert client.find("nothing") is None
    with pytest.raises(JobError, match="no job of this name"):
        client.status("nothing")


def test_a_nomad_that_is_not_there_is_told_apart_from_one_that_refuses() -> None:
    [port] = servers.free_ports(1)
    begun = time.monotonic()
    with pytest.raises(AccessError, match="not reached"):
        Client(nomad_api.Nomad(address=f"http://127.0.0.1:{port}")).find("web")
    assert time.monotonic() - begun < 5


def _missing(sent: object, kept: object, path: str = "job") -> list[str]:
    """What was sent and is not kept as it was; names of the path as in the API."""
    match sent, kept:
        case dict(), dict():
            return [line for key in sent for line in _missing(sent[key], kept.get(key), f"{path}.{key}")]
        case list(), list() if len(sent) == len(kept):
            return [line for i, item in enumerate(sent) for line in _missing(item, kept[i], f"{path}[{i}]")]
        case _:
            return [] if sent == kept else [f"{path}: {sent!r} is {kept!r}"]
