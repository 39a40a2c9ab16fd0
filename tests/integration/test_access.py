"""Access to real servers: by the environment's CA alone, with short-lived tokens, past hosts that do not answer."""

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from configs import certificates, ports
from configs.environment import Environment, Host, Role
from configs.errors import AccessError
from inventory import authority, local, secrets
from inventory.access import Access
from tests.integration import servers

# An address of loopback that no other test's servers have.
HOST = Host(name="a", address="127.77.0.1", roles=frozenset(Role))
ENV = Environment(name="lab", hosts=(HOST,), control=("127.0.0.1/32",), ingress_domain="lab.test", single_server=True)
INVENTORY = """
from inventory import environments
from tests.integration.test_access import ENV
globals().update(environments.define(ENV))
"""


@pytest.fixture(scope="module")
def tools(binary: Callable[[str], Path]) -> dict[str, Path]:
    """The stock tools, found before the cache is another."""
    return {name: binary(name) for name in ("consul", "nomad", "vault")}


@pytest.fixture(scope="module")
def desk(tools: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An operator's machine: a key, a cache and a folder of secrets of its own."""
    assert all(path.is_file() for path in tools.values())
    root = tmp_path_factory.mktemp("desk")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / "key")], check=True)
    (root / "operators.pub").write_text((root / "key.pub").read_text())
    (root / "lab.py").write_text(INVENTORY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root))
        patch.setenv("SOCLE_SECRETS", str(root / "secrets"))
        patch.setenv("SOCLE_IDENTITY", str(root / "key"))
        patch.setattr(local, "CACHE", root / ".cache" / "socle")
        yield root


@pytest.fixture(scope="module")
def access(desk: Path, tools: dict[str, Path]) -> Iterator[Access]:
    """The access to Consul, Nomad and Vault as they run on a host, their ACLs bootstrapped."""
    found = Access.for_environment(ENV)
    issuer = authority.ensure(found.secrets, ENV.name)
    for leaf in certificates.leaves(ENV, HOST):
        issued = issuer.issue(leaf)
        (desk / f"{leaf.service}-cert.pem").write_text(issued.cert)
        (desk / f"{leaf.service}-key.pem").write_text(issued.key)
    with ExitStack() as stack:
        stack.enter_context(consul(tools["consul"], desk, found))
        stack.enter_context(nomad(tools["nomad"], desk, found))
        stack.enter_context(vault(tools["vault"], desk, found))
        yield found


def tls(desk: Path, service: str) -> dict[str, str]:
    return {
        "ca_file": str(Access.for_environment(ENV).ca_file),
        "cert_file": str(desk / f"{service}-cert.pem"),
        "key_file": str(desk / f"{service}-key.pem"),
    }


def configured(folder: Path, document: Mapping[str, Any]) -> Path:
    folder.mkdir()
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return path


@contextmanager
def consul(binary: Path, desk: Path, access: Access) -> Iterator[None]:
    path = configured(
        desk / "consul",
        {
            "server": True, "bootstrap_expect": 1, "datacenter": ENV.name, "data_dir": str(desk / "consul" / "data"),
            "bind_addr": HOST.address, "client_addr": HOST.address,
            "ports": {"http": -1, "https": ports.CONSUL_HTTPS, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1},
            "tls": {"defaults": tls(desk, "consul")},
            "acl": {"enabled": True, "default_policy": "deny", "tokens": {
                "initial_management": access.secrets.ensure("consul/bootstrap", lambda: "5f0a1c9e-planted-consul"),
            }},
        },
    )  # fmt: skip

    def healthy() -> bool:
        return bool(access.session().get(f"{access.url('consul')}/v1/status/leader").json())

    with servers.running([binary, "agent", "-config-file", path], path.parent, healthy=_asked(healthy)):
        servers.until("the management token is known", _asked(access.consul().acl.token.read_self))
        yield


@contextmanager
def nomad(binary: Path, desk: Path, access: Access) -> Iterator[None]:
    path = configured(
        desk / "nomad",
        {
            "region": ENV.region, "data_dir": str(desk / "nomad" / "data"), "bind_addr": HOST.address,
            "advertise": dict.fromkeys(("http", "rpc", "serf"), HOST.address),
            "server": {"enabled": True, "bootstrap_expect": 1}, "acl": {"enabled": True},
            "tls": {"http": True, "rpc": True, "verify_https_client": False, **tls(desk, "nomad")},
            "consul": {"server_auto_join": False, "auto_advertise": False}, "disable_update_check": True,
        },
    )  # fmt: skip

    def bootstrapped() -> bool:
        secret = access.secrets.ensure("nomad/bootstrap", lambda: "1b4e28ba-2fa1-11d2-883f-0016d3cca427")
        answer = access.session().post(f"{access.url('nomad')}/v1/acl/bootstrap", json={"BootstrapSecret": secret})
        return answer.status_code == 200

    with servers.running([binary, "agent", "-config", path], path.parent, healthy=_asked(bootstrapped)):
        yield


@contextmanager
def vault(binary: Path, desk: Path, access: Access) -> Iterator[None]:
    listener = {
        "address": f"{HOST.address}:{ports.VAULT_API}",
        "tls_cert_file": tls(desk, "vault")["cert_file"],
        "tls_key_file": tls(desk, "vault")["key_file"],
    }
    document = {"storage": {"inmem": {}}, "disable_mlock": True, "listener": [{"tcp": listener}]}
    path = configured(desk / "vault", document)

    def answers() -> bool:
        return not access.vault(token="").sys.is_initialized()

    with servers.running([binary, "server", "-config", path], path.parent, healthy=_asked(answers)):
        answer = access.vault(token="").sys.initialize(secret_shares=1, secret_threshold=1)
        access.vault(token="").sys.submit_unseal_key(answer["keys"][0])
        root = access.vault(token=answer["root_token"])
        servers.until("Vault is active", _asked(root.auth.token.lookup_self))
        _let_operator_in(root, access)
        yield


def _let_operator_in(root: Any, access: Access) -> None:
    role = access.secrets.ensure("vault/operator-role-id", lambda: "planted-role-id")
    proof = access.secrets.ensure("vault/operator-secret-id", lambda: "planted-secret-id")
    root.sys.enable_auth_method("approle")
    root.auth.approle.create_or_update_approle("operator", token_policies=["default"], token_ttl="8h")
    root.auth.approle.update_role_id("operator", role)
    root.auth.approle.create_custom_secret_id("operator", proof)


def _asked(ask: Callable[[], Any]) -> Callable[[], Any]:
    """Not there yet is not an error."""

    def answer() -> Any:
        try:
            return ask()
        except Exception as error:
            raise AssertionError(repr(error)) from error

    return answer


def test_the_stock_tools_work_with_the_exported_variables(access: Access, desk: Path, tools: dict[str, Path]) -> None:
    script = (
        f'eval "$({sys.executable} -m inventory.access {desk}/lab.py)" && '
        f"{tools['consul']} members && {tools['nomad']} server members && {tools['vault']} token lookup"
    )
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"{HOST.address}:8301" in done.stdout
    assert "alive" in done.stdout
    assert "creation_ttl        8h" in done.stdout
    assert access.secrets.get("consul/bootstrap") not in done.stdout


def test_the_operators_tokens_end_after_eight_hours(access: Access) -> None:
    exported = access.variables()
    minted = access.nomad(token=exported["NOMAD_TOKEN"]).acl.get_self_token()
    assert minted["Type"] == "management"
    assert minted["ExpirationTTL"] == "8h0m0s"
    consuls = access.consul(token=exported["CONSUL_HTTP_TOKEN"]).acl.token.read_self()
    assert [policy["Name"] for policy in consuls["Policies"]] == ["global-management"]
    assert consuls["ExpirationTime"]
    assert access.vault(token=exported["VAULT_TOKEN"]).auth.token.lookup_self()["data"]["creation_ttl"] == 8 * 3600


def test_variables_of_another_cluster_lead_nobody_astray(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONSUL_HTTP_ADDR", "NOMAD_ADDR", "VAULT_ADDR", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "https://192.0.2.1:1")
    for name in ("CONSUL_HTTP_TOKEN", "NOMAD_TOKEN", "VAULT_TOKEN", "NOMAD_NAMESPACE", "NOMAD_REGION"):
        monkeypatch.setenv(name, "not-ours")
    assert access.consul().acl.token.read_self()["Policies"]
    assert access.nomad().acl.get_self_token()["Type"] == "management"
    assert access.vault().is_authenticated()
    assert access.session().get(f"{access.url('nomad')}/v1/status/leader").status_code == 200


def test_a_server_with_a_certificate_of_another_ca_is_refused(access: Access, tmp_path: Path) -> None:
    stranger = secrets.Secrets("lab", tmp_path / "lab.age")
    authority.ensure(stranger, "lab")
    elsewhere = Access(replace(ENV, name="other"), stranger)
    with pytest.raises(AccessError, match="certificate verify failed"):
        elsewhere.url("nomad")
    with pytest.raises(requests.exceptions.SSLError):
        elsewhere.session().get(access.url("nomad"))


def test_a_host_that_hangs_is_passed_over_within_seconds(access: Access) -> None:
    hung = Host(name="hung", address="127.77.0.2", roles=frozenset({Role.SERVER}))
    gone = Host(name="gone", address="127.77.0.3", roles=frozenset({Role.SERVER}))
    env = replace(ENV, hosts=(hung, gone, HOST))
    with socket.create_server((hung.address, ports.NOMAD_HTTP)):
        began = time.monotonic()
        assert Access(env, access.secrets).url("nomad") == f"https://{HOST.address}:{ports.NOMAD_HTTP}"
        assert time.monotonic() - began < 5


def test_when_none_answers_the_error_names_each_and_what_to_do(access: Access) -> None:
    with pytest.raises(AccessError, match=r"lab: loki answers on none of its hosts, tried a \(.*refused\) - bring"):
        access.url("loki")


def test_a_refused_login_shows_no_secret(access: Access, desk: Path) -> None:
    other = secrets.Secrets("lab", desk / "other" / "lab.age")
    for key in ("ca/key", "ca/cert", "vault/operator-role-id"):
        other.put(key, access.secrets.get(key))
    other.put("vault/operator-secret-id", "planted-wrong-id")
    with pytest.raises(AccessError, match=r"lab: vault refused the operator's login \(InvalidRequest\)") as caught:
        Access(ENV, other).vault()
    assert "planted" not in str(caught.value) + repr(caught.value)


def test_the_operators_key_is_private_and_his_certificate_lasts_a_day(access: Access) -> None:
    cert, key = access.certificate
    assert access.certificate == (cert, key)
    assert Path(key).stat().st_mode & 0o777 == 0o600
    ends = ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(cert)["notAfter"])  # type: ignore[attr-defined]  # noqa: SLF001
    assert 23.9 * 3600 < ends - time.time() <= 24 * 3600
    assert access.ca_file.stat().st_mode & 0o777 == 0o644


def test_a_service_behind_client_certificates_and_one_behind_a_password_are_both_reached(access: Access) -> None:
    access.secrets.ensure("prometheus/password", lambda: "planted-password")
    assert access.session().auth is None
    assert access.session("prometheus").auth == ("operator", "planted-password")
    assert access.session().cert == access.certificate
