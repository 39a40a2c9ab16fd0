"""Typed blocks become the documents of Nomad's API."""

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest

from jobs.nomad import document, spec


def test_what_is_not_said_is_not_sent() -> None:
    assert document.encode(spec.Update()) == {}
    assert document.encode(spec.Update(auto_revert=False, canary=0)) == {"AutoRevert": False, "Canary": 0}


def test_durations_are_nanoseconds() -> None:
    assert document.encode(spec.Restart(delay=timedelta(milliseconds=1.5))) == {"Delay": 1_500_000}


def test_names_follow_nomads_own_where_they_differ() -> None:
    constraint = spec.Constraint(attribute="${meta.ingress}", value="true")
    assert document.encode(constraint) == {"LTarget": "${meta.ingress}", "RTarget": "true", "Operand": "="}
    check = spec.Check(type="http", interval=timedelta(seconds=1), timeout=timedelta(seconds=1), tls_server_name="web")
    assert document.encode(check)["TLSServerName"] == "web"
    assert document.encode(spec.Resources(cpu=1, memory_mb=2)) == {"CPU": 1, "MemoryMB": 2}


def test_blocks_in_blocks_are_encoded_down_to_the_last() -> None:
    network = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http", to=8080),))
    assert document.encode(network) == {"Mode": "bridge", "DynamicPorts": [{"Label": "http", "To": 8080}]}


def test_fields_that_a_block_does_not_have_are_sent_as_they_are() -> None:
    block = spec.Spread(attribute="${node.datacenter}", extra={"FutureField": {"Deep": [1]}})
    assert document.encode(block) == {"Attribute": "${node.datacenter}", "FutureField": {"Deep": [1]}}


def test_a_field_of_the_block_wins_over_an_extra_of_its_name() -> None:
    assert document.encode(spec.Update(canary=1, extra={"Canary": 9})) == {"Canary": 1}


def test_a_job_is_named_by_its_id_unless_it_says_otherwise() -> None:
    assert spec.Job(id="a", type="batch", task_groups=()).to_api()["Name"] == "a"
    assert spec.Job(id="a", name="b", type="batch", task_groups=()).to_api()["Name"] == "b"


def test_a_block_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        spec.Port(label="http").label = "https"  # type: ignore[misc]


def test_a_task_keeps_its_vault_token_to_itself() -> None:
    assert document.encode(spec.Vault()) == {"Env": False, "DisableFile": True, "ChangeMode": "noop"}
