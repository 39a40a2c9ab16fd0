"""The secrets file: whoever is an operator opens it, nobody else does, and no crash loses what it held."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from configs.environment import Environment, Host, Role
from configs.errors import SecretsError
from inventory import operators, secrets

ENV = Environment(
    name="elsewhere",
    hosts=(Host(name="a", address="10.0.0.1", roles=frozenset(Role)),),
    control=("10.0.0.0/24",),
    ingress_domain="elsewhere.test",
    single_server=True,
)
OPEN = "from inventory.secrets import Secrets; from pathlib import Path; s = Secrets('elsewhere', Path({path!r}));"


class Desk:
    """An operator's machine: a home of its own, and the project's folder of secrets."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.monkeypatch = monkeypatch
        self.file = root / "inventory" / "secrets" / "elsewhere.age"
        self.file.parent.mkdir(parents=True)
        monkeypatch.setenv("HOME", str(root / "home"))
        monkeypatch.setenv("SOCLE_SECRETS", str(self.file.parent))
        monkeypatch.delenv("SOCLE_IDENTITY", raising=False)

    def key(self, name: str, passphrase: str | None = None) -> str:
        """Make a key pair, and return the public half."""
        key = Ed25519PrivateKey.generate()
        lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else None
        (self.root / name).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                lock or serialization.NoEncryption(),
            )
        )
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return f"{public.decode()} {name}"

    def act_as(self, name: str) -> secrets.Secrets:
        """Open the file afresh with somebody's key."""
        self.monkeypatch.setenv("SOCLE_IDENTITY", str(self.root / name))
        secrets._opened_files.clear()  # noqa: SLF001 - another operator is another process
        return secrets.open(ENV)

    def python(self, code: str) -> "subprocess.Popen[str]":
        """Another process at the same file."""
        code = OPEN.format(path=str(self.file)) + code
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.fixture
def alice(desk: Desk) -> secrets.Secrets:
    operators.file().write_text(f"# who may open the secrets\n{desk.key('alice')}\n")
    return desk.act_as("alice")


def test_a_value_is_kept_encrypted_and_readable_by_its_owner_alone(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("consul/gossip", "planted-secret")
    assert desk.act_as("alice").get("consul/gossip") == "planted-secret"
    assert b"planted-secret" not in desk.file.read_bytes()
    assert desk.file.stat().st_mode & 0o777 == 0o600
    assert "planted-secret" not in repr(alice)


def test_a_value_is_made_once(alice: secrets.Secrets) -> None:
    assert alice.ensure("vault/x", lambda: "first") == "first"
    assert alice.ensure("vault/x", lambda: "second") == "first"


def test_many_values_are_made_with_one_write_and_those_that_are_there_stay(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("b", "kept")
    numbers = iter(range(9))
    alice.ensure_all(["a", "b", "c"], lambda: f"made {next(numbers)}")
    assert [alice.get(key) for key in "abc"] == ["made 0", "kept", "made 1"]
    written = desk.file.stat().st_mtime_ns
    alice.ensure_all(["a", "b", "c"], lambda: "another")
    assert desk.file.stat().st_mtime_ns == written


def test_a_value_may_be_made_from_another_that_is_made_on_the_way(alice: secrets.Secrets) -> None:
    alice.ensure("outer", lambda: alice.ensure("inner", lambda: "in") + "+out")
    assert (alice.get("outer"), alice.get("inner")) == ("in+out", "in")


def test_an_absent_value_is_an_error_that_says_what_makes_it(alice: secrets.Secrets) -> None:
    with pytest.raises(SecretsError, match=r"elsewhere: the secret 'consul/bootstrap' is not in .* - .* run pyinfra"):
        alice.get("consul/bootstrap")


def test_a_second_operator_reads_what_the_first_wrote_once_added(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("k", "v")
    secrets.add_operator(ENV, desk.key("bob"))
    bobs = desk.act_as("bob")
    assert bobs.get("k") == "v"
    bobs.put("k2", "v2")
    assert desk.act_as("alice").get("k2") == "v2"


def test_a_stranger_is_told_what_was_tried_and_who_could_help(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("k", "v")
    desk.key("mallory")
    with pytest.raises(SecretsError) as caught:
        desk.act_as("mallory")
    for part in (
        "none of your identities opens it",
        f"{desk.root}/mallory (does not fit)",
        "id_rsa (not there)",
        "alice (",
    ):
        assert part in str(caught.value)


def test_a_stranger_cannot_replace_the_file(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("k", "v")
    before = desk.file.read_bytes()
    desk.key("mallory")
    desk.monkeypatch.setenv("SOCLE_IDENTITY", str(desk.root / "mallory"))
    with pytest.raises(SecretsError):
        secrets.Secrets(ENV.name, desk.file).put("k", "other")
    assert desk.file.read_bytes() == before


def test_nobody_locks_himself_out(desk: Desk) -> None:
    operators.file().write_text(desk.key("alice"))
    desk.key("bob")
    with pytest.raises(SecretsError, match="could not read it back, so it is not written"):
        desk.act_as("bob").put("k", "v")
    assert not desk.file.exists()


def test_a_key_under_a_passphrase_is_named_when_nobody_can_be_asked(desk: Desk) -> None:
    operators.file().write_text(desk.key("alice", passphrase="hard to guess"))
    with pytest.raises(SecretsError, match=r"alice \(locked by a passphrase"):
        desk.act_as("alice").put("k", "v")


def test_no_operator_at_all_is_an_error_that_says_how_to_add_one(desk: Desk) -> None:
    with pytest.raises(SecretsError, match=r"elsewhere: no age identity - .* add-operator"):
        secrets.open(ENV)
    assert not desk.file.exists()


def test_a_line_that_is_no_key_is_named(desk: Desk) -> None:
    operators.file().write_text("alice@example.com\n")
    with pytest.raises(SecretsError, match=r"operators.pub: 'alice@example.com' is not an SSH public key"):
        secrets.Secrets(ENV.name, desk.file).put("k", "v")


def test_many_processes_at_once_agree_on_one_value_and_lose_none(desk: Desk, alice: secrets.Secrets) -> None:
    code = "import os; print(s.ensure('shared', lambda: str(os.getpid()))); s.put(f'own/{os.getpid()}', 'here')"
    processes = [desk.python(code) for _ in range(6)]
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(answers) == 1
    assert {process.returncode for process in processes} == {0}
    assert set(alice.keys()) == {"shared", *(f"own/{process.pid}" for process in processes)}


def test_a_process_killed_while_it_writes_loses_nothing_it_was_told_is_kept(desk: Desk, alice: secrets.Secrets) -> None:
    alice.put("before", "kept")
    for until in (1, 7, 20):
        process = desk.python("\nfor i in range(10**6):\n  s.put('n', str(i)); print(i, flush=True)")
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(until)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.communicate(timeout=60)[0].split()]
        assert alice.get("before") == "kept"
        assert int(alice.get("n")) in (acknowledged[-1], acknowledged[-1] + 1)


def test_the_command_line_lists_names_and_shows_one_value_when_asked(
    alice: secrets.Secrets, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    alice.put("consul/gossip", "planted-secret")
    inventory = tmp_path / "elsewhere.py"
    inventory.write_text(
        "from inventory import environments\nfrom tests.integration.test_secrets import ENV\n"
        "globals().update(environments.define(ENV))\n"
    )
    assert secrets.main([str(inventory), "list"]) == 0
    assert capsys.readouterr().out == "consul/gossip\n"
    assert secrets.main([str(inventory), "show", "consul/gossip"]) == 0
    assert capsys.readouterr().out == "planted-secret\n"
    assert secrets.main([str(inventory), "show", "absent"]) == 5
    assert capsys.readouterr().err.startswith("elsewhere: the secret 'absent'")
    assert secrets.main([str(inventory), "remove", "consul/gossip"]) == 0
    assert alice.keys() == ()


def test_who_only_looks_makes_and_changes_no_secret(
    desk: Desk, alice: secrets.Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.put("consul/gossip", "planted-secret")
    before = desk.file.read_bytes()
    monkeypatch.setattr(secrets, "_frozen", [])
    secrets.freeze_while(lambda: True)
    assert alice.ensure("consul/gossip", str) == "planted-secret"
    with pytest.raises(SecretsError, match="is only read now"):
        alice.ensure("nomad/gossip", lambda: "another-secret")
    with pytest.raises(SecretsError, match="is only read now"):
        alice.remove("consul/gossip")
    assert desk.file.read_bytes() == before
