"""The traffic as a rollout sees it, at a real Traefik that follows a real Consul."""

import time
from collections.abc import Callable

import consul as consul_api
import pytest
import requests

from configs import ingress, ports
from configs.errors import AccessError
from inventory.https import Named, Session
from jobs.rollout.seen import Half, Traffic
from jobs.rollout.traffic import TIMEOUT_S, Ingress
from tests.integration import ingress as served
from tests.integration import rollouts, servers
from tests.integration.ingress import Backends

HOST = "client-1"


@pytest.fixture
def session(traefik: served.Ingress) -> requests.Session:
    made = Session(str(traefik.ca), traefik.client)
    made.mount("https://", Named(ingress.NAME))
    return made


@pytest.fixture
def client(traefik: served.Ingress) -> consul_api.Consul:
    return rollouts.client(traefik.consul.url, "")


@pytest.fixture
def every(traefik: served.Ingress, client: consul_api.Consul, session: requests.Session) -> Ingress:
    return Ingress(client, {HOST: f"https://127.0.0.1:{traefik.ports[ports.TRAEFIK_METRICS]}"}, session)


def _in_force(every: Ingress, half: Half) -> Traffic:
    """What is seen once this is in force."""
    return _seen(every, lambda now: now == half)


def _seen(every: Ingress, wanted: Callable[[Half | None], bool]) -> Traffic:
    def look() -> Traffic | None:
        found = every.look("web")
        return found if wanted(found.ingresses[HOST]) else None

    found = servers.until("it is in force", look)
    assert found
    return found


def test_a_service_that_no_ingress_knows_has_no_traffic(every: Ingress) -> None:
    nothing = Half(weight=0, canaries=0, stables=0)
    assert _in_force(every, nothing) == Traffic(written=0, ingresses={HOST: nothing})


@pytest.mark.parametrize("share", [0, 1, 50, 99, 100])
def test_a_share_is_seen_as_it_is_written_and_in_force(
    every: Ingress, traefik: served.Ingress, web: Backends, share: int
) -> None:
    for name, half in (("stable-1", "live"), ("stable-2", "live"), ("canary-1", "canary")):
        web.add(name, half)
    traefik.weigh("web", ingress.weights(100 - share, share))
    found = _in_force(every, Half(weight=share, canaries=1, stables=2))
    assert found.written == share
    assert found.in_force(share)


def test_a_canary_half_that_is_gone_has_no_share_whatever_is_written(
    every: Ingress, traefik: served.Ingress, web: Backends
) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(0, 100))
    _in_force(every, Half(weight=100, canaries=1, stables=1))
    web.remove("canary-1")
    found = _in_force(every, Half(weight=0, canaries=0, stables=1))
    assert found.written == 100
    assert not found.in_force(100)


def test_a_canary_alone_has_all_whatever_is_written(every: Ingress, traefik: served.Ingress, web: Backends) -> None:
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(100, 0))
    assert _in_force(every, Half(weight=100, canaries=1, stables=0)).written == 0


def test_a_canary_that_fails_its_check_is_not_counted(every: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary", passing=False)
    _in_force(every, Half(weight=0, canaries=0, stables=1))


@pytest.mark.parametrize(
    "text",
    ["nonsense", "{}", "", '{"stable": 10}', '{"stable": 1e1, "canary": 90}', '{"stable": 50, "canary": 101}',
     '{"stable": 0, "canary": 0}', '{"stable": 010, "canary": 90}', '{"canary": 90, "stable": 10}',
     '{"stable": 10, "canary": 90}\n', '{"stable":10,"canary":90}', '{"stable": 20, "canary": 20}'],
)  # fmt: skip
def test_what_is_written_is_read_as_the_ingress_reads_it(
    every: Ingress, traefik: served.Ingress, web: Backends, text: str
) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(93, 7))
    _in_force(every, Half(weight=7, canaries=1, stables=1))
    traefik.weigh("web", text)
    changed = _seen(every, lambda now: now != Half(weight=7, canaries=1, stables=1))
    half = changed.ingresses[HOST]
    assert half
    assert changed.written == half.weight


def test_a_service_whose_name_another_s_begins_with_is_told_apart(
    every: Ingress, traefik: served.Ingress, web: Backends
) -> None:
    other = Backends(traefik.consul, "web-two")
    other.add("two-stable", "live")
    other.add("two-canary", "canary")
    web.add("stable-1", "live")
    try:
        servers.until("both are known", lambda: every.look("web-two").canaries == 1)
        _in_force(every, Half(weight=0, canaries=0, stables=1))
    finally:
        other.close()


def test_an_ingress_that_does_not_answer_is_missed_at_once_and_hides_no_other(
    every: Ingress, traefik: served.Ingress, client: consul_api.Consul, session: requests.Session, web: Backends
) -> None:
    web.add("stable-1", "live")
    _in_force(every, Half(weight=0, canaries=0, stables=1))
    [port] = servers.free_ports(1)
    apis = {
        HOST: f"https://127.0.0.1:{traefik.ports[ports.TRAEFIK_METRICS]}",
        "refuses": f"https://127.0.0.1:{port}",
        "is-lost": "https://192.0.2.1:8082",
    }
    began = time.monotonic()
    found = Ingress(client, apis, session).look("web")
    assert time.monotonic() - began < TIMEOUT_S + 1
    assert found.silent == ("is-lost", "refuses")
    assert found.ingresses[HOST] == Half(weight=0, canaries=0, stables=1)
    assert not found.in_force(0)


def test_an_ingress_that_refuses_our_certificate_counts_as_not_answering(
    traefik: served.Ingress, client: consul_api.Consul
) -> None:
    stranger = Session(str(traefik.ca), None)
    stranger.mount("https://", Named(ingress.NAME))
    apis = {HOST: f"https://127.0.0.1:{traefik.ports[ports.TRAEFIK_METRICS]}"}
    assert Ingress(client, apis, stranger).look("web").ingresses == {HOST: None}


def test_weights_that_cannot_be_read_are_not_taken_for_none(session: requests.Session) -> None:
    [port] = servers.free_ports(1)
    nowhere = rollouts.client(f"http://127.0.0.1:{port}", "")
    with pytest.raises(AccessError, match="socle/weights/web"):
        Ingress(nowhere, {}, session).look("web")
