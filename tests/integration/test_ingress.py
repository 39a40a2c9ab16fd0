"""The ingress job's routes and Traefik, rendered by a real Nomad from a real Consul."""

import re

import pytest
import requests
import urllib3

from configs import ingress, ports
from tests.integration import servers
from tests.integration.ingress import Backends, Ingress


def _answers(traefik: Ingress, service: str, count: int) -> dict[str, int]:
    name = f"{service}.{traefik.env.ingress_domain}"
    told: dict[str, int] = {}
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", traefik.ports[ports.HTTPS], ca_certs=str(traefik.ca), server_hostname=name, assert_hostname=name
    ) as pool:
        for _ in range(count):
            answer = pool.request("GET", "/", headers={"Host": name}, retries=False, timeout=10)
            key = answer.data.decode() if answer.status == 200 else str(answer.status)
            told[key] = told.get(key, 0) + 1
    return told


def test_traffic_is_split_exactly_by_the_weights_in_consul(traefik: Ingress, web: Backends) -> None:
    for name, half in (("stable-1", "live"), ("stable-2", "live"), ("canary-1", "canary")):
        web.add(name, half)
    traefik.weigh("web", ingress.weights(90, 10))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 90, "canary": 10})
    assert _answers(traefik, "web", 200) == {"stable-1": 90, "stable-2": 90, "canary-1": 20}


def test_without_weights_a_canary_gets_no_traffic(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    servers.until("both halves are there", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})
    assert _answers(traefik, "web", 50) == {"stable-1": 50}


def test_a_canary_that_goes_gives_all_back_to_the_stable_half_whatever_the_weights(
    traefik: Ingress, web: Backends
) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(0, 100))
    servers.until("the canary has all", lambda: traefik.weights("web") == {"stable": 0, "canary": 100})
    web.remove("canary-1")
    servers.until("stable stands alone", lambda: traefik.weights("web") == {"stable": 100})
    assert _answers(traefik, "web", 20) == {"stable-1": 20}


def test_a_canary_alone_serves_whatever_the_weights(traefik: Ingress, web: Backends) -> None:
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(100, 0))
    servers.until("the canary serves", lambda: traefik.ask("web").status == 200)
    assert _answers(traefik, "web", 20) == {"canary-1": 20}


@pytest.mark.parametrize("text", ["nonsense", '{"stable": 10}', '{"stable": 1e9, "canary": -1}', "{}", ""])
def test_weights_that_are_no_weights_count_as_none(traefik: Ingress, web: Backends, text: str) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(50, 50))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 50, "canary": 50})
    traefik.weigh("web", text)
    servers.until("the defaults are in force", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})


def test_two_weights_of_zero_do_not_stop_the_service(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(0, 0))
    servers.until("stable has all", lambda: traefik.weights("web") == {"stable": 1, "canary": 0})
    assert _answers(traefik, "web", 10) == {"stable-1": 10}


def test_an_instance_that_fails_its_check_gets_nothing(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("stable-2", "live", passing=False)
    servers.until("it serves", lambda: traefik.ask("web").status == 200)
    assert _answers(traefik, "web", 20) == {"stable-1": 20}


def test_a_service_without_a_passing_instance_is_unavailable_not_unknown(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live", passing=False)
    servers.until("it is unavailable", lambda: traefik.ask("web").status == 503)


def test_a_lost_instance_costs_no_request_while_another_of_its_half_lives(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("stable-2", "live")
    servers.until("both serve", lambda: len(_answers(traefik, "web", 4)) == 2)
    web.kill("stable-1")
    assert _answers(traefik, "web", 50) == {"stable-2": 50}


def test_a_service_named_like_a_half_is_left_out_and_harms_no_other(traefik: Ingress, web: Backends) -> None:
    clashing = Backends(traefik.consul, "web-stable")
    clashing.add("clash", "live")
    web.add("stable-1", "live")
    servers.until("the service serves", lambda: traefik.ask("web").status == 200)
    assert traefik.ask("web-stable").status == 404
    clashing.close()


def test_a_host_that_nobody_serves_is_not_found(traefik: Ingress) -> None:
    assert traefik.ask("nobody").status == 404


def test_plain_http_is_sent_to_https(traefik: Ingress) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{traefik.ports[ports.HTTP]}/path",
        headers={"Host": f"web.{traefik.env.ingress_domain}"},
        allow_redirects=False,
        timeout=5,
    )
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"].startswith(f"https://web.{traefik.env.ingress_domain}")


def test_answers_carry_the_security_headers(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    servers.until("it serves", lambda: traefik.ask("web").status == 200)
    headers = traefik.ask("web").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_of_each_half_are_told_to_holders_of_a_certificate(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    traefik.weigh("web", ingress.weights(50, 50))
    servers.until("both serve", lambda: len(_answers(traefik, "web", 4)) == 2)
    text = traefik.internal("/metrics").data.decode()
    for half in ("stable", "canary"):
        assert re.search(rf'traefik_service_requests_total{{code="200".*service="web-{half}@file"}}', text)
        assert re.search(rf'_request_duration_seconds_bucket{{.*service="web-{half}@file",le="0.0025"}}', text)


@pytest.mark.parametrize("path", ["/metrics", "/api/rawdata"])
def test_without_a_certificate_the_internal_port_tells_nothing(traefik: Ingress, path: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        traefik.internal(path, certified=False)


@pytest.mark.parametrize("path", ["/metrics", "/api/rawdata"])
def test_a_connection_opened_for_another_name_does_not_reach_the_internal_routes(traefik: Ingress, path: str) -> None:
    assert traefik.internal(path, sni="localhost", certified=False).status in (404, 421)


def test_the_public_ports_tell_neither_metrics_nor_api(traefik: Ingress) -> None:
    name = ingress.NAME
    for path in ("/metrics", "/api/rawdata"):
        assert traefik.ask("web", path).status == 404
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", traefik.ports[ports.HTTPS], ca_certs=str(traefik.ca), server_hostname="localhost",
            assert_hostname="localhost",
        ) as pool:  # fmt: skip
            assert pool.request("GET", path, headers={"Host": name}, retries=False).status in (404, 421)


def test_a_weight_that_is_written_comes_into_force(traefik: Ingress, web: Backends) -> None:
    web.add("stable-1", "live")
    web.add("canary-1", "canary")
    servers.until("both halves are there", lambda: traefik.weights("web") == {"stable": 100, "canary": 0})
    traefik.weigh("web", ingress.weights(75, 25))
    servers.until("the weights are in force", lambda: traefik.weights("web") == {"stable": 75, "canary": 25})
