"""An environment's secrets: one file, encrypted with age to its operators, written before a secret is used.

python -m inventory.secrets ENV list | recipients | rewrap | show KEY | remove KEY | add-operator 'ssh-ed25519 ...'
"""

import argparse
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyrage

from configs.environment import Environment
from configs.errors import SecretsError, SocleError
from inventory import environments, operators, redaction

LOCK_WAIT_S = 30.0
"""How long another run may hold the file before we give up, in seconds; it holds it for milliseconds."""

_lock = threading.RLock()
"""Greenlets of one process share its flock, so they need a lock of their own; pyinfra's gevent patches it."""

_held: set[Path] = set()
"""The files whose flock the holder of `_lock` has."""

_opened_files: dict[Path, "Secrets"] = {}
"""One value a file, so that it is decrypted once a change, not once a host."""

_frozen: list[Callable[[], bool]] = []


def freeze_while(condition: Callable[[], bool]) -> None:
    """Refuse to make or change a secret while a condition holds: who only looks leaves the file as it is."""
    _frozen.append(condition)


class Secrets:
    """The secrets of one environment; `repr` and errors show no value.

    Attributes:
        path: the encrypted file.
    """

    def __init__(self, environment: str, path: Path) -> None:
        self.environment = environment
        self.path = path
        self._read: tuple[tuple[int, int, int], dict[str, str]] | None = None

    def __repr__(self) -> str:
        return f"Secrets({self.environment!r}, {str(self.path)!r})"

    def find(self, key: str) -> str | None:
        """The value, or None when there is none yet."""
        return self._load().get(key)

    def get(self, key: str) -> str:
        """The value.

        Raises:
            SecretsError: when there is none yet, or the file cannot be opened.
        """
        if (value := self.find(key)) is None:
            raise SecretsError(
                f"{self.environment}: the secret {key!r} is not in {self.path} - bringing the cluster up makes it: "
                f"run pyinfra inventory/{self.environment}.py deploy/cluster.py"
            )
        return value

    def put(self, key: str, value: str) -> None:
        """Keep a value; it is on disk when this returns."""
        with self._exclusive():
            self._store({**self._load(), key: value})

    def ensure(self, key: str, make: Callable[[], str]) -> str:
        """The value; made, and on disk before it is returned, when there was none. All callers get the same one."""
        if (value := self.find(key)) is not None:
            return value
        with self._exclusive():
            if self.find(key) is None:
                value = make()  # may itself ask for secrets, so what is there is read after it
                self._store({**self._load(), key: value})
            return self.get(key)

    def ensure_all(self, keys: Collection[str], make: Callable[[], str]) -> None:
        """Have a value for each key, as `ensure` does, with one write for all that are missing."""
        if any(self.find(key) is None for key in keys):
            with self._exclusive():
                now = self._load()
                self._store({**{key: make() for key in keys if key not in now}, **now})

    def remove(self, key: str) -> None:
        """Forget a value; it is gone from the file when this returns."""
        with self._exclusive():
            if key in (now := self._load()):
                self._store({name: value for name, value in now.items() if name != key})

    def keys(self) -> tuple[str, ...]:
        """The names of the secrets, in order."""
        return tuple(sorted(self._load()))

    def rewrap(self) -> None:
        """Encrypt the same values anew, to the operators of now."""
        with self._exclusive():
            self._store(self._load())

    def _load(self) -> dict[str, str]:
        with _lock:
            try:
                stat = self.path.stat()
            except FileNotFoundError:
                return {}
            signature = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._read is None or self._read[0] != signature:
                values: dict[str, str] = json.loads(_decrypt(self.environment, self.path))
                for value in values.values():
                    redaction.remember(value)
                self._read = (signature, values)
            return self._read[1]

    def _store(self, values: dict[str, str]) -> None:
        plain = json.dumps(values, sort_keys=True).encode()
        sealed = pyrage.encrypt(plain, [op.recipient() for op in operators.recipients(self.environment)], armored=True)
        if _opened(self.environment, sealed) is None:
            raise SecretsError(
                f"{self.path}: you could not read it back, so it is not written - add your own key to "
                f"{operators.file()}, or set SOCLE_IDENTITY to its private half; {operators.explain(self.environment)}"
            )
        _replace(self.path, sealed)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Alone with the file: among this process's greenlets and threads, and among processes."""
        if any(condition() for condition in _frozen):
            raise SecretsError(f"{self.environment}: {self.path} is only read now - a run that is not dry writes it")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _lock:
            if self.path in _held:
                yield
                return
            with self.path.with_suffix(".lock").open("a") as lock:
                _acquire(lock.fileno(), self.path)
                _held.add(self.path)
                try:
                    yield
                finally:
                    _held.remove(self.path)


def open(environment: Environment) -> Secrets:  # noqa: A001 - read as secrets.open(env)
    """The secrets of an environment, whose file is opened once so that a missing identity shows at once.

    Raises:
        SecretsError: when nobody could open the file, or we cannot.
    """
    operators.recipients(environment.name)
    path = operators.folder() / f"{environment.name}.age"
    found = _opened_files.setdefault(path, Secrets(environment.name, path))
    found.keys()
    return found


def _decrypt(environment: str, path: Path) -> bytes:
    plain = _opened(environment, path.read_bytes())
    if plain is None:
        raise SecretsError(
            f"{path}: none of your identities opens it - set SOCLE_IDENTITY to the private half of an operator's key, "
            f"or have an operator add yours; {operators.explain(environment)}"
        )
    return plain


def _opened(environment: str, sealed: bytes) -> bytes | None:
    for identity in operators.identities(environment):
        with suppress(pyrage.DecryptError):
            return bytes(pyrage.decrypt(sealed, [identity]))
    return None


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all, and on disk when this returns."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SecretsError(f"{path}: cannot be written ({error.strerror}) - make room or fix its owner") from error
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _acquire(descriptor: int, path: Path) -> None:
    end = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise SecretsError(
                    f"{path}: another run has held it for {LOCK_WAIT_S:.0f} s - wait for that run, or end it"
                ) from error
            time.sleep(0.02)  # not a blocking flock: it would stop every greenlet of pyinfra's


def add_operator(environment: Environment, line: str) -> None:
    """List a public key in operators.pub, then encrypt the environment's secrets to all operators.

    Raises:
        SecretsError: when it is not an SSH public key, or the file cannot be opened by us first.
    """
    operators.Operator(line.strip(), "the key given").recipient()
    path = operators.file()
    listed = path.read_text() if path.is_file() else ""
    if line.split()[1] not in listed:
        path.write_text(f"{listed.rstrip()}\n{line.strip()}\n".lstrip())
    open(environment).rewrap()


def main(arguments: list[str]) -> int:
    """The command line; 0 done, 2 wrong usage, 5 the secrets cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m inventory.secrets", description=__doc__.splitlines()[0])
    parser.add_argument("environment", help="dev, test, prod, or the path of an inventory file")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "recipients", "rewrap"):
        commands.add_parser(name)
    for name in ("show", "remove"):
        commands.add_parser(name).add_argument("key")
    commands.add_parser("add-operator").add_argument("public_key")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.writelines(f"{line}\n" for line in _answer(environments.load(options.environment), options))
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _answer(environment: Environment, options: argparse.Namespace) -> list[str]:
    match options.command:
        case "list":
            return list(open(environment).keys())
        case "recipients":
            return [str(op) for op in operators.recipients(environment.name)]
        case "rewrap":
            open(environment).rewrap()
        case "show":
            return [open(environment).get(options.key)]
        case "remove":
            open(environment).remove(options.key)
        case "add-operator":
            add_operator(environment, options.public_key)
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
