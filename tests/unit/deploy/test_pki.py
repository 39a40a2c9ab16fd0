"""Which certificates of a host are replaced, and why."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from configs.certificates import Leaf
from deploy.facts.pki import LeafState, Pki, PkiState
from deploy.operations import pki
from inventory import authority
from inventory.authority import Authority

LEAF = Leaf(service="consul", names=("server.x.consul",), group="consul")


@pytest.fixture
def issuer() -> Authority:
    key = authority.new_key()
    return authority.load(key, authority.root(key, "x"))


@pytest.fixture
def healthy(issuer: Authority) -> PkiState:
    pair = issuer.issue(LEAF)
    there = LeafState(
        cert_owner="644:root:root",
        key_owner="640:root:consul",
        public_key_sha256=authority.public_sha256(load_pem_private_key(pair.key.encode(), None).public_key()),
        cert=pair.cert,
    )
    ca = f"644:root:root {hashlib.sha256(issuer.pem.encode()).hexdigest()}"
    return PkiState(ca=ca, trusted=True, leaves={"consul": there})


def test_nothing_is_due_on_a_healthy_host(issuer: Authority, healthy: PkiState) -> None:
    assert pki.due(issuer, [LEAF], healthy) == {}


def test_before_there_is_a_ca_everything_is_due(healthy: PkiState) -> None:
    assert set(pki.due(None, [LEAF], healthy)) == {"ca", "consul"}


def test_a_ca_that_the_system_does_not_trust_is_due(issuer: Authority, healthy: PkiState) -> None:
    assert pki.due(issuer, [LEAF], replace(healthy, trusted=False)) == {"ca": "the system does not trust it"}
    assert "ca" in pki.due(issuer, [LEAF], replace(healthy, ca=""))


@pytest.mark.parametrize("owner", ["644:root:consul", "640:root:users", "none"])
def test_a_key_that_others_could_read_is_replaced(issuer: Authority, healthy: PkiState, owner: str) -> None:
    open_key = replace(healthy.leaves["consul"], key_owner=owner)
    assert "owner and mode" in pki.due(issuer, [LEAF], replace(healthy, leaves={"consul": open_key}))["consul"]


def test_the_fact_reads_what_the_host_says() -> None:
    output = [
        "L consul 644:root:root 640:root:consul abc", "C -----BEGIN CERTIFICATE-----", "C MIIB",
        "L nomad none none e3b0", "A 644:root:root def", "T", "END",
    ]  # fmt: skip
    state = Pki().process(output)
    assert state is not None
    assert (state.ca, state.trusted) == ("644:root:root def", True)
    assert state.leaves["consul"].cert == "-----BEGIN CERTIFICATE-----\nMIIB\n"
    assert state.leaves["nomad"].cert == ""


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    assert Pki().process(["L consul 644:root:root 640:root:consul abc"]) is None
    assert Pki().process([]) is None
