"""How a state is kept in Consul's KV, and under which keys."""

import secrets
from datetime import timedelta

import pytest

from configs.errors import RolloutError
from jobs.rollout.keys import Keys, job_of, packed, unpacked
from jobs.rollout.kv import Entry
from jobs.rollout.plan import CHECKS, Plan, Step
from jobs.rollout.state import State

PLAN = Plan(strategy="canary", steps=(Step(weight=10, hold=timedelta(seconds=30)),), checks=CHECKS)


def state(template: str = "", started: float = 0.0) -> State:
    spec = {"ID": "web", "Template": template}
    return State(id="a", job="web", plan=PLAN, spec=spec, who="ada", started=started, since=started)


def entry(value: bytes) -> Entry:
    return Entry(key="socle/rollouts/web/current", value=value, index=1)


@pytest.mark.parametrize("template", ["", "x" * 10_000, "a line\n" * 100_000])
def test_a_state_comes_back_as_it_was(template: str) -> None:
    assert unpacked(entry(packed(state(template)))) == state(template)


def test_an_ordinary_state_is_text_that_people_can_read() -> None:
    assert packed(state()).startswith(b'{"id":"a","job":"web"')


def test_a_long_state_is_kept_in_few_bytes() -> None:
    assert len(packed(state("a line\n" * 100_000))) < 10_000


def test_a_state_that_no_transaction_has_room_for_is_refused() -> None:
    with pytest.raises(RolloutError, match=r"web: .* bytes compressed, Consul keeps \d+ - move large templates"):
        packed(state(secrets.token_hex(400_000)))


@pytest.mark.parametrize("value", [b"", b"nonsense", b"{}", b"\x1f\x8bnonsense", b'{"id": "a"}', b"\xff\xfe"])
def test_what_is_no_state_is_named_by_its_key(value: bytes) -> None:
    with pytest.raises(RolloutError, match="socle/rollouts/web/current"):
        unpacked(entry(value))


def test_a_truncated_state_is_no_state() -> None:
    with pytest.raises(RolloutError):
        unpacked(entry(packed(state("a line\n" * 100_000))[:-20]))


@pytest.mark.parametrize("job", ["web", "team/web", "web/current", "a%2Fb", "ä"])
def test_a_job_is_known_by_the_key_of_its_open_rollout(job: str) -> None:
    keys = Keys(job)
    assert job_of(keys.current) == job
    assert [job_of(key) for key in (keys.lease, keys.request, f"{keys.history}current")] == [None] * 3


def test_no_two_jobs_share_a_key() -> None:
    assert Keys("a/history").current != f"{Keys('a').history}current"


def test_keys_of_ended_rollouts_sort_by_their_start() -> None:
    times = (0.0, 999_999_999.0, 1_000_000_000.0, 1_800_000_000.0)
    names = [Keys("web").ended(state(started=started)) for started in times]
    assert names == sorted(names)
