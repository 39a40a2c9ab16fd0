"""What the ingress is told follows from the environment."""

from configs import ingress
from inventory import environments


def test_metrics_and_api_are_for_holders_of_a_certificate_alone() -> None:
    env = environments.load("test")
    document = ingress.dynamic(env)
    routers = document["http"]["routers"].values()
    assert {router["service"] for router in routers} == {"prometheus@internal", "api@internal"}
    assert all(router["tls"] == {"options": "internal"} for router in routers)
    assert all(router["entryPoints"] == ["internal"] for router in routers)
    assert document["tls"]["options"]["internal"]["clientAuth"]["clientAuthType"] == "RequireAndVerifyClientCert"


def test_the_internal_routes_name_every_address_at_which_they_are_asked() -> None:
    env = environments.load("test")
    rule = ingress.dynamic(env)["http"]["routers"]["internal-api"]["rule"]
    for name in (ingress.NAME, "172.30.20.14", "172.30.20.15", "127.0.0.1"):
        assert f"Host(`{name}`)" in rule


def test_the_access_log_drops_headers_that_may_hold_secrets() -> None:
    headers = ingress.static()["accessLog"]["fields"]["headers"]
    assert headers["defaultMode"] == "drop"
    assert not {"Authorization", "Cookie"} & set(headers["names"])


def test_the_certificate_covers_every_service_of_the_domain() -> None:
    leaf = ingress.leaf(environments.load("test"))
    assert "*.test.socle.internal" in leaf.names
    assert ingress.NAME in leaf.names
    assert leaf.server
    assert not leaf.client


def test_weights_are_one_value() -> None:
    assert ingress.weights(90, 10) == '{"stable": 90, "canary": 10}'
    assert ingress.weights_key("web") == "socle/weights/web"
