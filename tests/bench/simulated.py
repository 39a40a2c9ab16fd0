"""Hosts that pyinfra simulates (@fake), each with a memory: a fact tells what earlier commands have brought about.

What is simulated is a host's answer, not its work: packages, archives and programs are there as soon as they are
asked for. Every command takes one round trip of simulated time, and goes through all of pyinfra but its SSH.
"""

import atexit
import base64
import hashlib
import io
import json
import os
import re
import shlex
import tarfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyinfra.connectors.fake import FakeConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from configs import artifacts, certificates
from inventory import authority

STATE = "SOCLE_BENCH_STATE"
"""The variable that names the file in which the hosts' memories outlast a run."""

ROUND_TRIP_S = 0.03
"""About what a command with sudo takes over SSH on an idle local host."""


@dataclass(slots=True)
class Machine:
    """What a host has: files by path as `mode user group sha256`, units, packages, certificates, releases."""

    files: dict[str, str] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    dropins: dict[str, str] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    certs: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    releases: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    commands: int = 0

    def answer(self, name: str, command: str, stdin: str) -> list[str]:
        """What a host of this name prints when it is told this command."""
        self.commands += 1
        words = _words(command)
        for fragment, act in _ACTS.items():
            if fragment in command:
                return list(act(self, name, words, stdin))
        return []

    def report(self, name: str, _words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.preflight."""
        yield from (f"time {time.time()}", "system debian 12", "arch amd64", "memory 8000", "disk 50000")
        yield from (f"machine {hashlib.md5(name.encode()).hexdigest()}", "client 10.9.0.1", "END")  # noqa: S324

    def installed(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.packages."""
        yield from (f"ii  {package}" for package in self.packages if package in words)
        yield "END"

    def install(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """By deploy.operations.packages."""
        self.packages += words[words.index("install") + 1 :]
        yield from ()

    def state(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.state: the words name files, then units."""
        asked = [word for word in words if word in self.files]
        yield from (f"F {self.files[path]} {path}" for path in asked)
        for unit in words[_last(words, "sh") + 1 : _last(words, ";")]:
            known = self.units.get(unit, {})
            read = [known.get(key, "none") for key in ("enabled", "reload", "started", "reloaded")]
            yield f"U {unit} {known.get('active', 'inactive')} {read[0]} no {read[2]} {read[3]}"
        yield "END"

    def write(self, _name: str, words: list[str], stdin: str) -> Iterator[str]:
        """By deploy.operations.files: five words a file."""
        arguments, content = words[words.index("sh", 1) + 1 :], stdin.encode()
        for path, size, owner, mode, _check in zip(*[iter(arguments)] * 5, strict=True):
            text, content = content[: int(size)], content[int(size) :]
            self._have(path, text, owner=owner, mode=mode.lstrip("0"))
            if path.endswith(".service.d/90-socle.conf"):
                self.dropins[path.split("/")[4].removesuffix(".service.d")] = text.decode()
        yield from ()

    def unit(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """By deploy.operations.service: enabled, started and reloaded with what is there now."""
        script, unit = words[2], words[-1] if len(words) > 3 else words[2].split()[2]
        known = self.units.setdefault(unit, {})
        if "systemctl enable" in script:
            known["enabled"] = "enabled"
        if "systemctl restart" in script:
            started = re.search(r"echo ([0-9a-f]{64})", self.dropins.get(unit, ""))
            known |= {"active": "active", "started": started[1] if started else "none"}
        if found := re.search(r"sha256sum (\S.*?) \|", self.dropins.get(unit, "")):
            sums = "".join(self.files[path].split()[3] for path in found[1].split() if path in self.files)
            known["reloaded"] = hashlib.sha256(sums.encode()).hexdigest()
        yield from ()

    def pki(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.pki."""
        for service in words[words.index("sh", 1) + 1 :]:
            owners = [self._owner(path(service)) for path in (certificates.cert, certificates.key)]
            yield f"L {service} {owners[0]} {owners[1]} {self.keys.get(service, 'none')}"
            yield from (f"C {line}" for line in self.certs.get(service, "").splitlines())
        if certificates.CA_FILE in self.files:
            yield f"A {self._owner(certificates.CA_FILE)} {self.files[certificates.CA_FILE].split()[3]}"
            yield "T"
        yield "END"

    def trust(self, _name: str, _words: list[str], stdin: str) -> Iterator[str]:
        """By deploy.operations.pki."""
        self._have(certificates.CA_FILE, stdin.encode(), owner="root:root", mode="644")
        yield from ()

    def place(self, _name: str, _words: list[str], stdin: str) -> Iterator[str]:
        """By deploy.operations.pki: a tar of keys and certificates."""
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(stdin))) as archive:
            for member in archive:
                content = archive.extractfile(member)
                assert content is not None
                self._place(member, content.read())
        yield from ()

    def _place(self, member: tarfile.TarInfo, content: bytes) -> None:
        service, _, kind = member.name.partition("/")
        owner = f"{member.uname}:{member.gname}"
        self._have(f"{certificates.FOLDER}/{member.name}", content, owner=owner, mode=f"{member.mode:o}")
        if kind == "key.pem":
            self.keys[service] = authority.public_sha256(load_pem_private_key(content, None).public_key())
        else:
            self.certs[service] = content.decode()

    def released(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.artifacts."""
        for name in words[words.index(artifacts.INSTALLED) + 1 :]:
            version, digest, *binaries = self.releases.get(name, ["-", "-"])
            yield f"R {name} {version} {digest}"
            yield from (f"B {name} {binary}" for binary in binaries)
            yield from (f"L {name} {link}" for link in self.links)
        yield "END"

    def release(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """By deploy.operations.release."""
        name, version, digest, _url, _file, *members = words[words.index(artifacts.INSTALLED) + 1 :]
        self.releases[name] = [version, digest, *(member.partition("=")[0] for member in members)]
        self._have(f"{artifacts.INSTALLED}/{name}/{version}/.sha256", f"{digest}\n".encode(), "root:root", "644")
        yield from ()

    def link(self, _name: str, words: list[str], _stdin: str) -> Iterator[str]:
        """By deploy.operations.release."""
        self.links.append(words[-1].rpartition("/")[2])
        yield from ()

    def client_id(self, name: str, _words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.nomad."""
        yield name

    def resolves(self, _name: str, _words: list[str], _stdin: str) -> Iterator[str]:
        """To deploy.facts.names."""
        yield "yes"

    def _have(self, path: str, content: bytes, owner: str, mode: str) -> None:
        self.files[path] = f"{mode} {owner.replace(':', ' ')} {hashlib.sha256(content).hexdigest()}"

    def _owner(self, path: str) -> str:
        mode, user, group, _ = self.files.get(path, "none - - -").split()
        return f"{mode}:{user}:{group}" if mode != "none" else "none"


_ACTS = {
    "/etc/os-release": Machine.report,
    "dpkg-query": Machine.installed,
    "policy-rc.d": Machine.install,
    "socle-new": Machine.write,
    "UnitFileState": Machine.state,
    "openssl pkey": Machine.pki,
    "update-ca-certificates": Machine.trust,
    "base64 -d": Machine.place,
    "--connect-timeout": Machine.release,
    "/.sha256": Machine.released,
    "/usr/local/bin/": Machine.link,
    "client-id": Machine.client_id,
    "getent": Machine.resolves,
    "systemctl": Machine.unit,
}
"""What tells a command apart, and what it does; the first that fits."""


def simulate() -> dict[str, Machine]:
    """Give every @fake host a memory, its own name, and the simulated round trip; memories are kept at the end."""
    path = Path(os.environ[STATE])
    known = json.loads(path.read_text()) if path.is_file() else {}
    machines = {name: Machine(**{**values, "commands": 0}) for name, values in known.items()}

    def names(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        yield name, {"fake_delay": ROUND_TRIP_S, "fake_delay_jitter": 0.0}, []

    def run(connector: FakeConnector, command: Any, *_: object, **options: Any) -> tuple[bool, CommandOutput]:
        # Paramiko's part is not simulated; pyinfra's own, making a command line of it, is.
        connector._sleep()  # noqa: SLF001 - the only way to its simulated time
        text = command if isinstance(command, str) else command.get_raw_value()
        machine = machines.setdefault(connector.host.name, Machine())
        lines = machine.answer(connector.host.name, text, str(options.get("_stdin") or ""))
        return True, CommandOutput([OutputLine("stdout", line) for line in lines])

    FakeConnector.make_names_data = staticmethod(names)  # type: ignore[method-assign, assignment]
    FakeConnector.run_shell_command = run  # type: ignore[method-assign, assignment]
    atexit.register(lambda: path.write_text(json.dumps({name: asdict(each) for name, each in machines.items()})))
    return machines


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _last(words: list[str], word: str) -> int:
    return len(words) - 1 - words[::-1].index(word)
