"""Copies the output of Nomad's tasks, as it grows, to paths that say whose it is.

Runs on every client with the standard library alone. Nomad's own paths name the allocation and the task; the
Collector also wants namespace, job and group, from an allocation's first line on. It reads these copies only:

    <copies>/<namespace>/<job>/<group>/<task>/<alloc_id>/<stream>.<number>.<start>

A copy begins with a line that no other has, because the Collector knows a file by its first bytes: two tasks that say
the same words would be one file to it. A copy is continued in a new one, from byte `start` of Nomad's file, when it is
full; one that has been continued is removed after an hour. Nothing else is remembered: how far a file is copied is
its last copy's start and size.
"""

import argparse
import json
import logging
import os
import re
import ssl
import stat
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

LOG_FILE = re.compile(r"(?P<task>.+)\.(?P<stream>stdout|stderr)\.(?P<number>\d+)")
WAIT_S = 55
RETRY_S = 2.0
SWEEP_S = 60.0
SETTLED_S = 2.0
CHUNK = 4 * 1024 * 1024
FULL = 8 * 1024 * 1024
MARK = "socle-task-log-copy "

log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """Whose an allocation is."""

    namespace: str
    job: str
    group: str


def main() -> None:
    """Keep the copies, for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nomad", required=True, help="https address of the local agent")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--token-file", required=True, type=Path)
    parser.add_argument("--node-id-file", required=True, type=Path)
    parser.add_argument("--allocations", required=True, type=Path, help="Nomad's folder of allocations")
    parser.add_argument("--copies", required=True, type=Path)
    parser.add_argument("--interval", type=float, default=0.25, help="seconds between looks at the files")
    parser.add_argument("--grace", type=float, default=600, help="seconds a copy is kept after Nomad removed its file")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    owners = Owners(given.nomad, ssl.create_default_context(cafile=given.ca), given.token_file, given.node_id_file)
    owners.known = recorded(given.copies)
    threading.Thread(target=owners.follow, daemon=True).start()
    keep(owners, Copies(given.allocations, given.copies, given.grace), given.interval)


def keep(owners: "Owners", copies: "Copies", interval: float) -> None:
    """Copy what is new at each look, and now and then remove what is over."""
    swept = time.monotonic()
    while True:
        for allocation, owner in list(owners.known.items()):
            copies.follow(allocation, owner)
        if time.monotonic() - swept > SWEEP_S:
            copies.sweep(time.time())
            swept = time.monotonic()
        owners.changed.wait(interval)
        owners.changed.clear()


class Owners:
    """Whose each allocation of this node is, followed by a blocking query."""

    def __init__(self, address: str, tls: ssl.SSLContext, token_file: Path, node_id_file: Path) -> None:
        self.address, self.tls = address, tls
        self.token_file, self.node_id_file = token_file, node_id_file
        self.known: Mapping[str, Owner] = {}
        self.changed = threading.Event()
        self.index = 0

    def follow(self) -> None:
        """Update what is known at each change."""
        while True:
            try:
                self.update(*self.ask())
            except (OSError, ValueError) as error:
                log.warning("%s: %s - known allocations are followed on", self.address, error)
                self.index = 0
                time.sleep(RETRY_S)

    def update(self, index: int, allocations: Iterable[Mapping[str, Any]]) -> None:
        """Take over an answer; Nomad's index may go back after a restore."""
        self.index = index if index >= self.index else 0
        self.known = {a["ID"]: Owner(a["Namespace"], a["JobID"], a["TaskGroup"]) for a in allocations}
        self.changed.set()

    def ask(self) -> tuple[int, list[dict[str, Any]]]:
        """The node's allocations once they have changed, from any server, so that an election is no gap."""
        node = self.node_id_file.read_text().strip()
        url = f"{self.address}/v1/node/{node}/allocations?stale=true&wait={WAIT_S}s&index={self.index}"
        request = urllib.request.Request(url, headers={"X-Nomad-Token": self.token_file.read_text().strip()})  # noqa: S310
        with urllib.request.urlopen(request, timeout=WAIT_S + 20, context=self.tls) as answer:  # noqa: S310
            return int(answer.headers.get("X-Nomad-Index", 0)), json.load(answer)


class Copies:
    """The folder of copies."""

    def __init__(self, allocations: Path, copies: Path, grace: float) -> None:
        self.allocations, self.copies, self.grace = allocations, copies, grace
        self.last: dict[Path, tuple[int, int]] = {}
        self.gone: dict[Path, float] = {}

    def follow(self, allocation: str, owner: Owner) -> None:
        """Copy what an allocation's tasks have said since the last look.

        Tasks can write to that folder: a symbolic link in it, or in its place, is never followed.
        """
        try:
            folder = os.open(self.logs(allocation), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            for name in sorted(os.listdir(folder)):  # noqa: PTH208 - a descriptor, so that no link is followed
                if found := LOG_FILE.fullmatch(name):
                    copy = self.path(owner, found["task"], allocation) / f"{found['stream']}.{found['number']}"
                    self.continue_copy(folder, name, copy)
        finally:
            os.close(folder)

    def continue_copy(self, folder: int, name: str, copy: Path) -> None:
        """Append to a file's last copy what it has and the copy has not."""
        start, end = self.last.get(copy) or position(copy)
        while data := news(folder, name, end):
            start, end = append(copy, start, end, data)
        self.last[copy] = start, end

    def logs(self, allocation: str) -> Path:
        """Where Nomad keeps an allocation's log files."""
        return self.allocations / allocation / "alloc" / "logs"

    def path(self, owner: Owner, task: str, allocation: str) -> Path:
        """The folder of one task of one allocation."""
        return self.copies.joinpath(*(encode(name) for name in (*owner, task)), allocation)

    def sweep(self, now: float) -> None:
        """Remove copies whose file has been gone for the grace, those continued long ago, and empty folders."""
        for copy in sorted({segment.with_suffix("") for segment in self.copies.glob("*/*/*/*/*/*")}):
            *continued, last = segments(copy)
            if self.is_over(copy, now):
                last.unlink()
            for segment in continued:
                if not last.exists() or now - segment.stat().st_mtime > 6 * self.grace:
                    segment.unlink()
        for folder, _, _ in os.walk(self.copies, topdown=False):
            if folder != str(self.copies) and not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def is_over(self, copy: Path, now: float) -> bool:
        """Whether a copy's file has been seen to be gone for the grace."""
        source = self.logs(copy.parent.name) / f"{decode(copy.parent.parent.name)}.{copy.name}"
        if source.exists():
            self.gone.pop(copy, None)
            return False
        over = now - self.gone.setdefault(copy, now) >= self.grace
        if over:
            self.gone.pop(copy)
            self.last.pop(copy, None)
        return over


def news(folder: int, name: str, start: int) -> bytes:
    """Whole lines of a regular file from a byte on; the rest of one too once nothing more has come for a while."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode) or found.st_size <= start:
            return b""
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:  # Nomad has removed it, or a task has put something else in its place.
        return b""
    try:
        data = os.pread(file, CHUNK, start)
    finally:
        os.close(file)
    ended = time.time() - found.st_mtime > SETTLED_S if len(data) < CHUNK else b"\n" not in data
    return data if ended else data[: data.rfind(b"\n") + 1]


def append(copy: Path, start: int, end: int, data: bytes) -> tuple[int, int]:
    """Append to the last copy, or begin the next one; where the last one now starts, and how far it goes."""
    new = end == start or end - start >= FULL
    if new:
        copy.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        start = end
    with segment(copy, start).open("ab") as file:
        file.write((header(copy, start) if new else b"") + data)
    return start, end + len(data)


def position(copy: Path) -> tuple[int, int]:
    """Where the last copy of a file starts, and how far it goes, as found on disk."""
    found = segments(copy)
    if not found:
        return 0, 0
    start = int(found[-1].suffix[1:])
    return start, start + max(0, found[-1].stat().st_size - len(header(copy, start)))


def segments(copy: Path) -> list[Path]:
    """The copies of a file, in order."""
    return sorted(copy.parent.glob(f"{copy.name}.*"), key=lambda path: int(path.suffix[1:]))


def segment(copy: Path, start: int) -> Path:
    """The copy that starts at a byte."""
    return copy.with_name(f"{copy.name}.{start}")


def header(copy: Path, start: int) -> bytes:
    """The first line of a copy, which no other has; the Collector drops it."""
    return f"{MARK}{'/'.join(copy.parts[-6:])}.{start}\n".encode()


def encode(name: str) -> str:
    """A name as one path component: job IDs may hold slashes, and none may climb out of the folder."""
    return name.replace("%", "%25").replace("/", "%2F").replace(".", "%2E")


def decode(name: str) -> str:
    """The name that was encoded."""
    return name.replace("%2E", ".").replace("%2F", "/").replace("%25", "%")


def recorded(copies: Path) -> dict[str, Owner]:
    """Whose the allocations are that have copies already, for as long as Nomad cannot be asked."""
    return {path.name: owner for path, owner in _owners(copies)}


def _owners(copies: Path) -> Iterator[tuple[Path, Owner]]:
    for path in copies.glob("*/*/*/*/*"):
        namespace, job, group = (decode(part) for part in path.relative_to(copies).parts[:3])
        yield path, Owner(namespace, job, group)


if __name__ == "__main__":
    main()
