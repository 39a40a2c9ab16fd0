"""How Loki keeps logs."""

import dataclasses
from datetime import timedelta

import pytest

from configs import loki
from configs.environment import Environment, Retention
from inventory import environments


@pytest.fixture
def env() -> Environment:
    return environments.load("test")


def test_both_ports_ask_for_a_certificate_of_the_environment(env: Environment) -> None:
    server = loki.config(env)["server"]
    for port in ("http", "grpc"):
        assert server[f"{port}_tls_config"]["client_auth_type"] == "RequireAndVerifyClientCert"
        assert server[f"{port}_tls_config"]["client_ca_file"] == "/etc/socle/pki/ca.pem"
    assert server["grpc_listen_address"] == "127.0.0.1"


def test_lines_are_kept_as_long_as_the_environment_says_and_then_deleted(env: Environment) -> None:
    document = loki.config(dataclasses.replace(env, retention=Retention(logs=timedelta(days=3))))
    assert document["limits_config"]["retention_period"] == "72h"
    assert document["compactor"]["retention_enabled"] is True
    assert document["compactor"]["delete_request_store"] == "filesystem"


def test_nothing_is_reported_to_the_vendor(env: Environment) -> None:
    assert loki.config(env)["analytics"] == {"reporting_enabled": False}


def test_a_stream_can_carry_all_index_labels() -> None:
    loki_s_limit = 15
    assert len(loki.LABELS) < loki_s_limit


def test_anything_else_of_loki_can_be_said(env: Environment) -> None:
    more = dataclasses.replace(env, extra={"loki": {"limits_config": {"max_query_series": 9}}})
    limits = loki.config(more)["limits_config"]
    assert (limits["max_query_series"], limits["volume_enabled"]) == (9, True)


def test_loki_must_accept_its_configuration_before_it_is_put_in_place(env: Environment) -> None:
    assert "-verify-config" in (loki.files(env)[0].check or "")
