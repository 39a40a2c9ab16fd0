"""A steady stream of calls while hosts die: every answer is recorded, and all that was acknowledged is read back."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import requests

from configs import vault
from configs.environment import Host, Role
from inventory import tls
from inventory.access import Access

TRY_S = 3.0
"""How long one server has to answer before the next is asked."""

FOLDER = "survives"


@dataclass(slots=True)
class Stream:
    """Calls one after another; `call` raises requests.RequestException when it is not answered well.

    Attributes:
        answered: the calls that were, with the time at which they were (monotonic seconds).
        failed: those that were not, with that time and why.
    """

    name: str
    call: Callable[[int], None]
    pace_s: float
    answered: list[tuple[int, float]] = field(default_factory=list)
    failed: list[tuple[float, str]] = field(default_factory=list)

    def run(self, stop: Event) -> None:
        """Call until told to stop."""
        for number in itertools.count():
            try:
                self.call(number)
                self.answered.append((number, time.monotonic()))
            except requests.RequestException as error:
                self.failed.append((time.monotonic(), f"{type(error).__name__}: {error}"[:200]))
            if stop.wait(self.pace_s):
                return

    def gap(self, since: float) -> float:
        """The longest time without an answer, from `since` to now."""
        times = [since, *(when for _, when in tuple(self.answered) if when > since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def failures(self, since: float) -> list[tuple[float, str]]:
        """What failed from `since` on, each with the seconds after it."""
        return [(when - since, why) for when, why in tuple(self.failed) if when > since]


class Load:
    """Writes to Consul, Vault and Nomad through whichever server answers, and requests through every ingress host."""

    def __init__(self, access: Access) -> None:
        self.env, self.access = access.env, access
        self.tokens = {
            "consul": ("X-Consul-Token", access.secrets.get("consul/bootstrap")),
            "vault": ("X-Vault-Token", str(access.vault().token)),
            "nomad": ("X-Nomad-Token", access.secrets.get("nomad/bootstrap")),
        }
        self.sessions = {service: access.session() for service in self.tokens}
        self.writes = {name: Stream(name, self._write(name), 0.2) for name in self.tokens}
        self.requests = {
            host.name: Stream(host.name, _asking(access, host), 0.1) for host in self.env.having(Role.INGRESS)
        }

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """All streams at once, for as long as the `with` block takes."""
        stop = Event()
        streams = [*self.writes.values(), *self.requests.values()]
        threads = [Thread(target=stream.run, args=(stop,), name=stream.name) for stream in streams]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def lost(self) -> dict[str, list[int]]:
        """By service, the numbers of writes that were acknowledged and cannot be read back as they were written."""
        return {
            name: missing
            for name, stream in self.writes.items()
            if (missing := [number for number, _ in stream.answered if self._read(name, number) != number])
        }

    def forget(self) -> None:
        """Remove all that was written."""
        self._any("consul", "DELETE", f"/v1/kv/{FOLDER}/?recurse")
        for number, _ in self.writes["nomad"].answered:
            self._any("nomad", "DELETE", f"/v1/var/{FOLDER}/{number}")
        for number, _ in self.writes["vault"].answered:
            self._any("vault", "DELETE", f"/v1/{vault.KV}/metadata/{FOLDER}/{number}")

    def _write(self, service: str) -> Callable[[int], None]:
        def write(number: int) -> None:
            path, document = _PLACES[service](number)
            self._any(service, "PUT", path, document)

        return write

    def _read(self, service: str, number: int) -> int:
        answer = self._any(service, "GET", _PLACES[service](number)[0] + ("?raw" if service == "consul" else ""))
        return int(_VALUES[service](answer.json()))

    def _any(self, service: str, method: str, path: str, document: object = None) -> requests.Response:
        """What the first server says that answers well."""
        name, token = self.tokens[service]
        for server in self.env.servers:
            url = f"{self.access.url(service, server)}{path}"
            try:
                answer = self.sessions[service].request(
                    method, url, json=document, headers={name: token}, timeout=TRY_S
                )
                answer.raise_for_status()
            except requests.RequestException as error:
                last = error
            else:
                return answer
        raise last


_PLACES: dict[str, Callable[[int], tuple[str, object]]] = {
    "consul": lambda n: (f"/v1/kv/{FOLDER}/{n}", n),
    "vault": lambda n: (f"/v1/{vault.KV}/data/{FOLDER}/{n}", {"data": {"n": str(n)}}),
    "nomad": lambda n: (f"/v1/var/{FOLDER}/{n}", {"Path": f"{FOLDER}/{n}", "Items": {"n": str(n)}}),
}
_VALUES: dict[str, Callable[[Any], Any]] = {
    "consul": lambda answer: answer,
    "vault": lambda answer: answer["data"]["data"]["n"],
    "nomad": lambda answer: answer["Items"]["n"],
}


def _asking(access: Access, member: Host) -> Callable[[int], None]:
    name = f"web.{access.env.ingress_domain}"

    def ask(_: int) -> None:
        tls.get(access, member, name, timeout=TRY_S).raise_for_status()

    return ask
