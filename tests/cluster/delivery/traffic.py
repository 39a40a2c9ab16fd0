"""Steady traffic through every ingress host of an environment, from a process of its own, and what it was answered."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from scipy import stats

from configs import ports
from configs.environment import Role
from inventory import tls
from inventory.access import Access
from tests.cluster.convergence import ROOT
from tests.cluster.delivery.generator import TIMEOUT_S, Order, Target

RATE: Final = 60.0
"""Requests a second for a service, over all ingress hosts."""

CONNECTIONS: Final = 8
"""Kept open for each service to each ingress host."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got.

    Attributes:
        at: when it was sent, epoch seconds.
        ingress: the host that it was sent to.
        status: HTTP's; 0 when there was no answer.
        release: what the instance says of its version; empty when it did not say.
        alloc: its allocation; empty when it did not say.
        seconds: how long it took.
        why: what went wrong.
    """

    at: float
    service: str
    ingress: str
    status: int
    release: str
    alloc: str
    seconds: float
    why: str

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == HTTPStatus.OK

    def within(self, killed: float, bound_s: float) -> bool:
        """Whether it was under way when something was killed (epoch seconds), or sent within so many seconds of it."""
        return self.at + self.seconds >= killed and self.at < killed + bound_s

    def __str__(self) -> str:
        return (
            f"{self.at:.3f} {self.ingress}: {self.status or 'no answer'} after {self.seconds:.3f} s {self.why}".strip()
        )


class Traffic:
    """Requests to services, for as long as the `with` block lasts.

    Args:
        access: of the environment.
        rates: by service, requests a second over all ingress hosts.
    """

    def __init__(self, access: Access, rates: Mapping[str, float]) -> None:
        self._order = order(access, rates)
        self._path = Path(tempfile.mkdtemp(prefix="traffic-")) / "answers"
        self._kept: str | None = None

    def __enter__(self) -> Self:
        with self._path.open("w") as answers:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.delivery.generator"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=answers, text=True,
            )  # fmt: skip
        assert self._process.stdin
        self._process.stdin.write(json.dumps(self._order) + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(2 * TIMEOUT_S)
        self._kept = self._path.read_text()
        shutil.rmtree(self._path.parent)

    def answers(self, service: str, since: float = 0.0, until: float = float("inf")) -> list[Answer]:
        """What requests got that were sent from one time to another (epoch seconds), in order of their answers."""
        text = self._path.read_text() if self._kept is None else self._kept
        lines = text.splitlines(keepends=True)
        found = (Answer(*json.loads(line)) for line in lines if line.endswith("\n"))
        return [each for each in found if each.service == service and since <= each.at <= until]


def order(access: Access, rates: Mapping[str, float]) -> Order:
    """What the generator is told."""
    hosts = access.env.having(Role.INGRESS)
    targets: list[Target] = []
    for service, rate in rates.items():
        for host in hosts:
            address, port = tls.endpoint(access, host, ports.HTTPS)
            targets.append(
                {
                    "service": service,
                    "ingress": host.name,
                    "address": address,
                    "port": port,
                    "name": f"{service}.{access.env.ingress_domain}",
                    "rate": rate / len(hosts),
                }
            )
    return {"targets": targets, "ca_file": str(access.ca_file), "connections": CONNECTIONS}


def failures(answers: Iterable[Answer]) -> list[str]:
    """Those that are not what was asked for, as text for a report."""
    return [str(each) for each in answers if not each.ok]


def served(answers: Iterable[Answer], release: str) -> int:
    """How many were answered by a release."""
    return sum(each.release == release for each in answers)


def interval(total: int, share: float, confidence: float = 0.99) -> tuple[int, int]:
    """Between which counts a share of so many requests lies by chance."""
    low, high = stats.binom.interval(confidence, total, share)
    return int(low), int(high)


def most(total: int, share: float, chance: float = 0.005) -> int:
    """The count that a share of so many requests exceeds with this chance at most."""
    return int(stats.binom.isf(chance, total, share))
