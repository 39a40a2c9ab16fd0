"""The journal and the lease of rollouts on a real Consul, with a token that may do no more than they need."""

import dataclasses
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import consul as consul_api
import pytest

from configs import ingress
from configs.errors import AccessError, HeldError, LostError, RolloutError
from jobs.rollout import hold, keys, lease
from jobs.rollout.journal import Journal
from jobs.rollout.kv import KV
from jobs.rollout.state import Phase
from tests.integration import rollouts, servers
from tests.integration.conftest import Binary

TAKEN_OVER_S = 36
"""A dead runner's lease is another's within this time."""


@pytest.fixture(scope="module")
def server(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rollouts.Consul]:
    with rollouts.started(binary("consul"), tmp_path_factory.mktemp("consul")) as started:
        yield started


@pytest.fixture(scope="module")
def token(server: rollouts.Consul) -> str:
    return rollouts.rollout_token(server)


@pytest.fixture
def client(server: rollouts.Consul, token: str) -> consul_api.Consul:
    return rollouts.client(server.url, token)


@pytest.fixture
def job() -> str:
    """A job that no other test knows."""
    return f"web-{secrets.token_hex(4)}"


@pytest.fixture
def journal(client: consul_api.Consul, job: str) -> Journal:
    return Journal(client, job)


@dataclass(kw_only=True)
class Runner:
    """A runner that is a process of its own, and the lines that it told."""

    process: subprocess.Popen[str]
    lines: list[str]

    def told(self, line: str, within_s: float = 30) -> None:
        """Wait until it told a line."""
        servers.until(f"it tells {line}", lambda: line in self.lines, within_s)


@pytest.fixture
def run(server: rollouts.Consul, token: str, job: str, tmp_path: Path) -> Iterator[Callable[[str], Runner]]:
    with ExitStack() as processes:

        def start(who: str) -> Runner:
            process = processes.enter_context(_process())
            assert process.stdin
            process.stdin.write(f"{server.url} {token} {job} {who} {tmp_path / 'acts'}\n")
            process.stdin.flush()
            runner = Runner(process=process, lines=[])
            threading.Thread(target=_listen, args=(runner,), daemon=True).start()
            return runner

        yield start


@contextmanager
def _process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integration.runner"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _listen(runner: Runner) -> None:
    assert runner.process.stdout
    runner.lines.extend(line.strip() for line in iter(runner.process.stdout.readline, ""))


def test_a_rollout_is_found_again_as_it_was_written(journal: Journal, job: str) -> None:
    assert journal.read() is None
    state = rollouts.state(job)
    with journal.lease("ada") as held:
        held.write(state)
        assert journal.read() == state
        on = dataclasses.replace(state, phase=Phase.ANALYSING, version=7, step_began=12.5)
        held.write(on)
        assert journal.read() == on


def test_a_spec_larger_than_a_key_may_be_is_kept(journal: Journal, job: str) -> None:
    state = rollouts.state(job, spec={"ID": job, "Templates": ["a line of a template\n" * 50_000]})
    with journal.lease("ada") as held:
        held.write(state)
        assert journal.read() == state


def test_a_spec_that_consul_cannot_keep_is_refused_with_its_size(journal: Journal, job: str) -> None:
    state = rollouts.state(job, spec={"ID": job, "Templates": [secrets.token_hex(400_000)]})
    with journal.lease("ada") as held, pytest.raises(RolloutError, match="bytes compressed"):
        held.write(state)
    assert journal.read() is None


def test_a_state_that_cannot_be_read_is_named(journal: Journal, client: consul_api.Consul, job: str) -> None:
    client.kv.put(keys.Keys(job).current, '{"phase": "unheard of"}')
    with pytest.raises(RolloutError, match=f"{job}/current"):
        journal.read()


def test_a_second_runner_is_refused_within_two_heartbeats_and_told_who_runs(journal: Journal, job: str) -> None:
    with journal.lease("ada@desk"):
        began = time.monotonic()
        with pytest.raises(HeldError, match=rf"{job}: ada@desk, since .* `abort`") as refused:
            journal.lease("bob@desk")
        assert time.monotonic() - began < 2 * hold.BEAT_S
        assert refused.value.exit_code == 4
        holder = journal.holder()
        assert holder
        assert holder.who == "ada@desk"


def test_a_lease_that_was_given_up_is_another_s_at_once_and_leaves_nothing(
    journal: Journal, server: rollouts.Consul, job: str
) -> None:
    with journal.lease("ada"):
        pass
    began = time.monotonic()
    with journal.lease("bob"):
        assert time.monotonic() - began < hold.FRESH_S
    assert journal.holder() is None
    management = rollouts.client(server.url, server.management)
    assert management.kv.get(f"socle/rollouts/{job}/", recurse=True)[1] is None
    assert not [each for each in management.session.list()[1] if job in each["Name"]]


def test_a_killed_runner_is_taken_over_from_within_seconds(run: Callable[[str], Runner], journal: Journal) -> None:
    runner = run("ada")
    runner.told("held")
    servers.until("it acts", journal.read)
    runner.process.kill()
    runner.process.wait()
    began = time.monotonic()
    with journal.lease("bob") as held:
        took = time.monotonic() - began
        state = journal.read()
        assert state
        held.write(dataclasses.replace(state, step=-1))
    assert hold.FRESH_S < took < TAKEN_OVER_S


def test_runners_that_compete_and_die_never_act_at_the_same_time(run: Callable[[str], Runner]) -> None:
    runners = [run(f"runner-{number}") for number in range(4)]
    for _ in range(2):
        holder = servers.until(
            "one holds", lambda: [r for r in runners if "held" in r.lines], within_s=TAKEN_OVER_S + 3
        )
        assert len(holder) == 1
        holder[0].process.kill()
        holder[0].process.wait()
        runners.remove(holder[0])
    servers.until("one holds", lambda: [r for r in runners if "held" in r.lines], within_s=TAKEN_OVER_S + 3)
    assert not [line for runner in runners for line in runner.lines if line == "overlap"]


def test_a_runner_that_was_stopped_and_goes_on_later_writes_nothing_more(
    run: Callable[[str], Runner], journal: Journal
) -> None:
    runner = run("ada")
    runner.told("held")
    servers.until("it acts", journal.read)
    with ExitStack() as bobs:
        with servers.frozen(runner.process):
            held = bobs.enter_context(journal.lease("bob"))
            state = journal.read()
            assert state
            ours = dataclasses.replace(state, who="bob")
            held.write(ours)
        runner.told("LostError")
        assert runner.process.wait(10) == 0
        assert journal.read() == ours
        held.confirm()


@pytest.mark.parametrize("write", ["state", "weights", "history"])
def test_a_runner_whose_session_is_gone_writes_nothing(
    journal: Journal, client: consul_api.Consul, server: rollouts.Consul, job: str, write: str
) -> None:
    state = rollouts.state(job)
    with journal.lease("ada") as held:
        held.write(state)
        management = rollouts.client(server.url, server.management)
        management.session.destroy(client.kv.get(keys.Keys(job).lease)[1]["Session"])
        with pytest.raises(LostError):
            {
                "state": lambda: held.write(dataclasses.replace(state, step=1)),
                "weights": lambda: held.put_weights(job, 100),
                "history": lambda: held.finish(state),
            }[write]()
        with pytest.raises(LostError):
            held.confirm()
        began = time.monotonic()
        with journal.lease("bob"):
            assert time.monotonic() - began < hold.FRESH_S
        assert journal.read() == state
        assert journal.history() == ()
        assert client.kv.get(ingress.weights_key(job))[1] is None


def test_a_lease_outlives_an_outage_of_consul(journal: Journal, server: rollouts.Consul, token: str, job: str) -> None:
    state = rollouts.state(job)
    with journal.lease("ada") as held:
        held.write(state)
        refused: list[Exception] = []

        def candidate() -> None:
            try:
                Journal(rollouts.client(server.url, token), job).lease("bob")
            except (HeldError, AccessError) as error:
                refused.append(error)

        server.stop()
        waiting = threading.Thread(target=candidate)
        waiting.start()
        end = time.monotonic() + hold.SILENT_S + 1
        servers.until("an outage longer than a heart may stand still", lambda: time.monotonic() > end)
        server.start()
        held.confirm()
        held.write(dataclasses.replace(state, step=1))
        waiting.join()
    assert [type(error) for error in refused] == [HeldError]


def test_a_lease_outlives_the_loss_of_consul_s_leader_and_of_a_server_that_hangs(
    binary: Binary, tmp_path: Path, job: str
) -> None:
    with rollouts.three(binary("consul"), tmp_path) as cluster:
        client = rollouts.failover(cluster, rollouts.rollout_token(cluster[0]))
        with Journal(client, job).lease("ada") as held:
            held.write(rollouts.state(job))
            leader = next(each for each in cluster if each.leads)
            leader.process.kill()
            for step in range(20):
                held.confirm()
                held.write(rollouts.state(job, step=step))
            leader.stop()
            leader.start()
            leader = servers.until("there is a leader", lambda: next(each for each in cluster if each.leads))
            with servers.frozen(leader.process):
                held.write(rollouts.state(job, step=30))
                with pytest.raises(HeldError):
                    Journal(client, job).lease("bob")
                held.confirm()
                held.write(rollouts.state(job, step=31))


def test_a_runner_that_does_not_reach_consul_does_not_act(
    journal: Journal, server: rollouts.Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "_UNREACHED_S", 1)
    with journal.lease("ada") as held:
        server.stop()
        try:
            servers.until("the last heartbeat is old", lambda: _refused(held.confirm), within_s=hold.FRESH_S + 5)
        finally:
            server.start()
        held.confirm()


def _refused(confirm: Callable[[], None]) -> bool:
    try:
        confirm()
    except AccessError:
        return True
    return False


def test_a_change_by_somebody_without_the_lease_is_noticed_and_kept(
    journal: Journal, client: consul_api.Consul, job: str
) -> None:
    state = rollouts.state(job)
    with journal.lease("ada") as held:
        held.write(state)
        foreign = dataclasses.replace(state, who="eve")
        client.kv.put(keys.Keys(job).current, foreign.to_json())
        with pytest.raises(LostError, match="without the lease"):
            held.write(dataclasses.replace(state, step=1))
        assert journal.read() == foreign


@pytest.mark.parametrize("verb", ["cas", "lock", "set", "delete"])
def test_what_was_done_though_its_answer_was_lost_is_done_once_and_counts(
    server: rollouts.Consul, token: str, job: str, verb: str
) -> None:
    with rollouts.deaf(server, verb) as url:
        journal = Journal(rollouts.client(url, token), job)
        with journal.lease("ada") as held:
            held.write(rollouts.state(job))
            held.write(rollouts.state(job, step=1))
            held.put_weights(job, 10)
            held.finish(rollouts.state(job, id="ended"))
            assert [state.id for state in journal.history()] == ["ended"]
            assert journal.read() is None


def test_ended_rollouts_are_told_the_newest_first_without_their_specs(journal: Journal, job: str) -> None:
    with journal.lease("ada") as held:
        for started in (10.0, 30.0, 20.0):
            held.write(rollouts.state(job, id=f"at-{started:.0f}", started=started))
            held.finish(rollouts.state(job, id=f"at-{started:.0f}", started=started, phase=Phase.ENDED))
            assert journal.read() is None
    assert [state.id for state in journal.history()] == ["at-30", "at-20", "at-10"]
    assert [state.id for state in journal.history(limit=1)] == ["at-30"]
    assert {tuple(state.spec) for state in journal.history()} == {()}


def test_the_history_has_a_bound(journal: Journal, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "KEPT", 3)
    with journal.lease("ada") as held:
        for number in range(6):
            held.finish(rollouts.state(job, id=f"number-{number}", started=float(number)))
    assert [state.id for state in journal.history()] == ["number-5", "number-4", "number-3"]


def test_what_a_person_asks_reaches_the_runner_each_time(journal: Journal, job: str) -> None:
    with pytest.raises(RolloutError, match="no rollout is open"):
        journal.ask("pause", "ada")
    with journal.lease("ada") as held:
        held.write(rollouts.state(job))
        assert journal.request() is None
        first = journal.ask("promote", "ada")
        found = journal.request()
        assert found
        assert (found.action, found.who, found.index) == ("promote", "ada", first)
        assert journal.ask("promote", "ada") > first
        held.finish(rollouts.state(job))
        assert journal.request() is None


def test_nothing_but_what_a_rollout_knows_can_be_asked_for(
    journal: Journal, client: consul_api.Consul, job: str
) -> None:
    with journal.lease("ada") as held:
        held.write(rollouts.state(job))
        with pytest.raises(RolloutError, match="explode"):
            journal.ask("explode", "ada")
        client.kv.put(keys.Keys(job).request, "nonsense")
        assert journal.request() is None


def test_open_rollouts_are_found_whatever_their_jobs_are_called(client: consul_api.Consul, job: str) -> None:
    named = f"team/{job}/ä%20/current"
    with Journal(client, named).lease("ada") as held:
        held.write(rollouts.state(named))
        assert named in Journal.open_jobs(client)
        held.finish(rollouts.state(named))
        assert named not in Journal.open_jobs(client)


def test_a_token_that_may_not_is_told_of_and_not_told(server: rollouts.Consul, job: str) -> None:
    secret = server.token({"key_prefix": {"socle/": {"policy": "read"}}})
    journal = Journal(rollouts.client(server.url, secret), job)
    assert journal.read() is None
    with pytest.raises(AccessError, match="ROLLOUTS") as refused:
        journal.lease("ada")
    assert secret not in str(refused.value)
    assert refused.value.exit_code == 5


def test_a_consul_that_is_not_there_is_told_of(token: str) -> None:
    [port] = servers.free_ports(1)
    with pytest.raises(AccessError, match="did not answer"):
        KV(rollouts.client(f"http://127.0.0.1:{port}", token)).get("any", within=0.5)
