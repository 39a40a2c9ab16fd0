"""Calls of a rollout outlive the servers that answered them: real Consuls, killed, hung and unreachable."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import consul as consul_api
import pytest
import requests

from configs.errors import AccessError
from inventory.https import Failover
from jobs.rollout import kv, reach
from jobs.rollout.kv import KV
from jobs.rollout.reach import Reach
from tests.integration import rollouts, servers
from tests.integration.conftest import Binary
from tests.integration.rollouts import Consul
from tests.integration.servers import Server

NOBODY = "http://127.0.0.1:1"
NO_CA = "/nowhere/ca.pem"
"""The servers of these tests speak no TLS."""


@pytest.fixture
def cluster(binary: Binary, tmp_path: Path) -> Iterator[tuple[Consul, ...]]:
    with rollouts.three(binary("consul"), tmp_path) as started:
        yield started


def session(*urls: str, token: str = "") -> Failover:
    return Failover([partial(str, url) for url in urls], NO_CA, header=("X-Consul-Token", lambda: token))


def client(started: Sequence[Consul]) -> consul_api.Consul:
    token = rollouts.rollout_token(started[0])
    return reach.consul_client([partial(str, each.url) for each in started], NO_CA, lambda: token)


def leader(started: Sequence[Consul]) -> Consul:
    servers.until("one of them leads", lambda: any(each.leads for each in started))
    return next(each for each in started if each.leads)


def test_reads_and_writes_go_on_when_the_leader_is_killed(cluster: tuple[Consul, ...]) -> None:
    killed = leader(cluster)
    first = [killed, *(each for each in cluster if each is not killed)]
    store = KV(client(first))
    store.commit(kv.put("socle/rollouts/web/current", b"before"))
    killed.process.kill()
    began = time.monotonic()
    store.commit(kv.put("socle/rollouts/web/current", b"after"))
    found = store.get("socle/rollouts/web/current")
    assert time.monotonic() - began < 30
    assert found is not None
    assert found.value == b"after"


def test_a_write_goes_to_the_next_server_when_the_first_is_not_connected_to(consul: Server) -> None:
    asked = session(NOBODY, consul.url)
    assert asked.put("https://any/v1/kv/written", data=b"once").json() is True
    assert asked.get("https://any/v1/kv/written?raw").content == b"once"


def test_a_read_leaves_a_server_that_hangs_and_does_not_come_back_to_it(consul: Server, hung: str) -> None:
    asked = session(hung, consul.url)
    assert asked.get("https://any/v1/status/leader", timeout=5).ok
    began = time.monotonic()
    assert asked.get("https://any/v1/status/leader", timeout=5).ok
    assert time.monotonic() - began < 5


def test_a_write_that_a_server_may_have_taken_is_not_done_again_elsewhere(consul: Server, hung: str) -> None:
    asked = session(hung, consul.url)
    with pytest.raises(requests.ReadTimeout):
        asked.put("https://any/v1/kv/ambiguous", data=b"1", timeout=0.5)
    assert asked.get("https://any/v1/kv/ambiguous").status_code == 404
    assert asked.put("https://any/v1/kv/ambiguous", data=b"2").ok  # the next call is the next server's


def test_a_read_goes_on_from_a_server_that_says_it_cannot(consul: Server, alone: Consul) -> None:
    """A server of three, alone: it has no leader, and answers 500."""
    asked = session(alone.url, consul.url)
    assert asked.get("https://any/v1/kv/none", timeout=60).status_code == 404


def test_when_no_server_is_reached_the_last_error_is_told(hung: str) -> None:
    with pytest.raises(requests.RequestException):
        session(NOBODY, hung).get("https://any/v1/status/leader", timeout=0.5)


def test_a_server_without_a_way_to_it_is_passed_over(consul: Server) -> None:
    def lost() -> str:
        raise AccessError("the jump host is gone")

    asked = Failover([lost, partial(str, consul.url)], NO_CA)
    assert asked.get("https://any/v1/status/leader").ok
    with pytest.raises(requests.ConnectionError, match="the jump host is gone"):
        Failover([lost], NO_CA).get("https://any/v1/status/leader")


def test_every_call_has_the_token_of_its_time(cluster: tuple[Consul, ...]) -> None:
    tokens = ["00000000-0000-0000-0000-000000000000", cluster[0].management]
    asked = Failover([partial(str, cluster[0].url)], NO_CA, header=("X-Consul-Token", lambda: tokens[0]))
    assert asked.get("https://any/v1/acl/token/self").status_code == 403
    tokens.pop(0)
    assert asked.get("https://any/v1/acl/token/self").ok


def test_a_task_that_lacks_a_file_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"reach\.json: No such file"):
        Reach.of_task(tmp_path, "")


@pytest.fixture
def hung(binary: Binary, tmp_path: Path) -> Iterator[str]:
    """A Consul that takes connections and never answers."""
    with servers.consul(binary("consul"), tmp_path / "hung") as server, servers.frozen(server.process):
        yield server.url


@pytest.fixture
def alone(binary: Binary, tmp_path: Path) -> Iterator[Consul]:
    """One of three servers, whose peers never come."""
    http, rpc, serf = servers.free_ports(3)
    peers = tuple(f"127.0.0.1:{port}" for port in (serf, *servers.free_ports(2)))
    found = Consul(binary=binary("consul"), folder=tmp_path / "alone", ports=(http, rpc, serf), peers=peers)
    with found.running:
        found.launch()
        servers.until("it answers", lambda: requests.get(f"{found.url}/v1/kv/any", timeout=30).status_code == 500, 90)
        yield found
