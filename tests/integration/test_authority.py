"""The CA's certificates, judged by openssl."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from configs import certificates
from configs.certificates import Leaf
from configs.environment import Environment, Host, Role
from inventory import authority
from inventory.authority import Authority, Issued
from inventory.secrets import Secrets

LEAF = Leaf(service="consul", names=("server.x.consul", "localhost"), addresses=("127.0.0.1",), client=True)


@pytest.fixture
def issuer() -> Authority:
    return made("x")


def made(name: str) -> Authority:
    key = authority.new_key()
    return authority.load(key, authority.root(key, name))


def digest(pair: Issued) -> str:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    return authority.public_sha256(key.public_key())


def verify(folder: Path, issuer: Authority, cert: str, *options: str) -> bool:
    (folder / "ca.pem").write_text(issuer.pem)
    (folder / "cert.pem").write_text(cert)
    command = ["openssl", "verify", "-x509_strict", *options, "-CAfile", "ca.pem", "cert.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_accepts_a_leaf_for_its_names_and_its_purposes(tmp_path: Path, issuer: Authority) -> None:
    cert = issuer.issue(LEAF).cert
    assert verify(tmp_path, issuer, cert, "-purpose", "sslserver", "-verify_hostname", "server.x.consul")
    assert verify(tmp_path, issuer, cert, "-purpose", "sslclient", "-verify_ip", "127.0.0.1")


def test_openssl_refuses_a_leaf_for_what_it_is_not(tmp_path: Path, issuer: Authority) -> None:
    cert = issuer.issue(replace(LEAF, client=False)).cert
    assert not verify(tmp_path, issuer, cert, "-purpose", "sslclient")
    assert not verify(tmp_path, issuer, cert, "-verify_hostname", "server.y.consul")
    assert not verify(tmp_path, made("x"), cert)


def test_a_leaf_cannot_issue_certificates_itself(tmp_path: Path, issuer: Authority) -> None:
    pair = issuer.issue(LEAF)
    rogue = authority.load(pair.key, pair.cert)
    (tmp_path / "between.pem").write_text(pair.cert)
    assert not verify(tmp_path, issuer, rogue.issue(LEAF).cert, "-untrusted", "between.pem")


def test_a_clients_leaf_passes_for_no_server(tmp_path: Path, issuer: Authority) -> None:
    hosts = tuple(
        Host(name=f"h{n}", address=f"10.0.0.{n}", roles=frozenset(roles))
        for n, roles in enumerate(({Role.SERVER, Role.MONITOR, Role.MIRROR}, {Role.CLIENT, Role.INGRESS}), start=1)
    )
    env = Environment(name="x", hosts=hosts, control=("10.0.0.0/24",), ingress_domain="x.test", single_server=True)
    for leaf in certificates.leaves(env, env.host("h2")):
        for name in ("server.x.consul", "server.global.nomad", "vault.service.consul", "nomad.service.consul"):
            assert not verify(tmp_path, issuer, issuer.issue(leaf).cert, "-verify_hostname", name)


def test_a_leaf_is_left_alone_until_a_third_of_its_life_is_left(issuer: Authority) -> None:
    now = datetime.now(UTC)
    pair = issuer.issue(LEAF, now)
    assert issuer.due(LEAF, pair.cert, digest(pair), now) is None
    assert issuer.due(LEAF, pair.cert, digest(pair), now + timedelta(days=59)) is None
    assert "a third of its life" in str(issuer.due(LEAF, pair.cert, digest(pair), now + timedelta(days=61)))


def test_what_is_missing_foreign_misnamed_or_unpaired_is_replaced(issuer: Authority) -> None:
    pair, other = issuer.issue(LEAF), made("x").issue(LEAF)
    assert issuer.due(LEAF, "", "") == "there is none"
    assert issuer.due(LEAF, "-----BEGIN NOTHING", "") == "it cannot be read"
    assert issuer.due(LEAF, other.cert, digest(other)) == "another CA issued it"
    assert issuer.due(LEAF, pair.cert, digest(other)) == "the key beside it is another one's"
    wider = replace(LEAF, names=(*LEAF.names, "new.name"))
    assert issuer.due(wider, pair.cert, digest(pair)) == "its names or usages are not those wanted"
    assert issuer.due(replace(LEAF, client=False), pair.cert, digest(pair)) is not None


def test_no_key_is_in_a_repr(issuer: Authority) -> None:
    pair = issuer.issue(LEAF)
    assert pair.key not in repr(pair)
    assert "PRIVATE" not in repr(pair) + repr(issuer)


def test_the_authority_is_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: Authority
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    (tmp_path / "operators.pub").write_text((tmp_path / "key.pub").read_text())
    monkeypatch.setenv("SOCLE_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("SOCLE_IDENTITY", str(tmp_path / "key"))
    kept = Secrets("elsewhere", tmp_path / "secrets" / "elsewhere.age")
    assert authority.find(kept) is None
    first = authority.ensure(kept, "elsewhere")
    assert authority.ensure(kept, "elsewhere").pem == first.pem
    assert first.pem != issuer.pem
    assert verify(tmp_path, first, first.pem)
