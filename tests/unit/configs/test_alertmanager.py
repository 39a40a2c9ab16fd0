"""Who is told of an alert."""

import dataclasses

import pytest

from configs import alertmanager
from configs.environment import Environment
from inventory import environments


@pytest.fixture
def env() -> Environment:
    return environments.load("test")


def test_without_a_webhook_alerts_are_kept(env: Environment) -> None:
    document = alertmanager.config(env)
    assert document["receivers"] == [{"name": "kept"}]
    assert document["route"]["receiver"] == "kept"


def test_a_webhook_gets_all_alerts_and_the_watchdog_every_minute(env: Environment) -> None:
    document = alertmanager.config(dataclasses.replace(env, alert_webhook="https://ops.example.com/hook"))
    assert {receiver["name"] for receiver in document["receivers"]} == {"kept", "webhook"}
    assert document["route"]["receiver"] == "webhook"
    (watchdog,) = document["route"]["routes"]
    assert (watchdog["matchers"], watchdog["repeat_interval"]) == (['alertname="Watchdog"'], "1m")


def test_the_webhook_s_address_is_for_alertmanager_alone(env: Environment) -> None:
    (file,) = alertmanager.live_files(env)
    assert (file.user, file.group, file.mode) == ("root", "prometheus", "640")
    assert file.check


def test_a_lone_alertmanager_opens_no_gossip_port(env: Environment) -> None:
    assert "--cluster.listen-address= " in alertmanager.service_files(env, lambda: "hash")[1].text().replace('"\n', " ")
