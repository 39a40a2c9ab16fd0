"""A process that asks services at a steady rate and writes down every answer.

It reads one line of JSON (`Order`), writes a line for each answer, and ends when its standard input does. Requests are
sent when they are due, over connections that stay open, and never tried again: what a user sees is what is counted.
"""

import itertools
import json
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, TypedDict

import urllib3

TIMEOUT_S: Final = 10.0
"""How long an answer may take."""

_RELEASE: Final = ("release", "alloc")
_WRITING: Final = threading.Lock()


class Target(TypedDict):
    """One service at one ingress host, and how many requests a second it is sent."""

    service: str
    ingress: str
    address: str
    port: int
    name: str
    rate: float


class Order(TypedDict):
    """All that is asked: the services, the CA's file, and how many connections share the rate of each target."""

    targets: list[Target]
    ca_file: str
    connections: int


class _Asker(threading.Thread):
    """One connection; it sends its share of a target's requests, each at its time."""

    def __init__(self, target: Target, ca_file: str, number: int, of: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._target, self._stop_event = target, stop
        self._period = of / target["rate"]
        self._first = time.monotonic() + self._period * number / of
        self._pool = urllib3.HTTPSConnectionPool(
            target["address"], target["port"], maxsize=1, ca_certs=ca_file, retries=False,
            server_hostname=target["name"], assert_hostname=target["name"], headers={"Host": target["name"]},
            timeout=TIMEOUT_S,
        )  # fmt: skip

    def run(self) -> None:
        """Ask until told to stop; what is late is sent at once, and counted by when it was sent."""
        for number in itertools.count():
            due = self._first + number * self._period
            if self._stop_event.wait(max(0.0, due - time.monotonic())):
                return
            _write(self._asked())

    def _asked(self) -> list[Any]:
        at, began = time.time(), time.monotonic()
        status, why = 0, ""
        said: Mapping[str, Any] = {}
        try:
            answer = self._pool.urlopen("GET", "/")
            status, said = answer.status, _document(answer.data)
        except urllib3.exceptions.HTTPError as error:
            why = f"{type(error).__name__}: {error}"[:200]
        target = self._target
        told = (str(said.get(name, "")) for name in _RELEASE)
        took = time.monotonic() - began
        return [at, target["service"], target["ingress"], status, *told, took, why or str(said.get("error", ""))]


def _write(answer: list[Any]) -> None:
    with _WRITING:
        sys.stdout.write(json.dumps(answer) + "\n")


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {"error": body[:100].decode(errors="replace")}
    return said if isinstance(said, dict) else {}


def main() -> int:
    """Ask until the standard input ends."""
    order: Order = json.loads(sys.stdin.readline())
    stop, of = threading.Event(), order["connections"]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    askers = [_Asker(target, order["ca_file"], number, of, stop) for target in order["targets"] for number in range(of)]
    for asker in askers:
        asker.start()
    sys.stdin.read()
    stop.set()
    for asker in askers:
        asker.join(TIMEOUT_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
