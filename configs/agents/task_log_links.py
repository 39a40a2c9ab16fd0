"""Links the log files of Nomad's tasks to paths that say whose they are.

Runs on every client with the standard library alone. Nomad's own paths name the allocation and the task; the
Collector also wants namespace, job and group, from an allocation's first line on. It reads through these links only:

    <links>/<namespace>/<job>/<group>/<task>/<alloc_id>/<stream>.<number>

They are hard links: the Collector needs no right to any folder of Nomad's, and the last lines of an allocation stay
readable after Nomad has removed it. Nothing is remembered: the folder is the state.
"""

import argparse
import errno
import json
import logging
import os
import re
import ssl
import stat
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

LOG_FILE = re.compile(r"(?P<task>.+)\.(?P<stream>stdout|stderr)\.(?P<number>\d+)")
WAIT_S = 55
RETRY_S = 2.0
SWEEP_S = 60.0

log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """Whose an allocation is."""

    namespace: str
    job: str
    group: str


def main() -> None:
    """Keep the links, for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nomad", required=True, help="https address of the local agent")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--token-file", required=True, type=Path)
    parser.add_argument("--node-id-file", required=True, type=Path)
    parser.add_argument("--allocations", required=True, type=Path, help="Nomad's folder of allocations")
    parser.add_argument("--links", required=True, type=Path)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks at the folders")
    parser.add_argument("--grace", type=float, default=600, help="seconds a file is kept after Nomad removed it")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    owners = Owners(given.nomad, ssl.create_default_context(cafile=given.ca), given.token_file, given.node_id_file)
    owners.known = recorded(given.links)
    threading.Thread(target=owners.follow, daemon=True).start()
    keep(owners, Links(given.allocations, given.links), given.interval, given.grace)


def keep(owners: "Owners", links: "Links", interval: float, grace: float) -> None:
    """Link what is new at each look, and now and then remove what is over."""
    swept = 0.0
    while True:
        for allocation, owner in list(owners.known.items()):
            links.add(allocation, owner)
        if time.monotonic() - swept > SWEEP_S:
            links.sweep(time.time() - grace)
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
                log.warning("%s: %s - links of known allocations are kept", self.address, error)
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


class Links:
    """The folder of links."""

    def __init__(self, allocations: Path, links: Path) -> None:
        self.allocations, self.links = allocations, links
        self.seen: dict[str, int] = {}

    def add(self, allocation: str, owner: Owner) -> None:
        """Link the log files of an allocation that have no link yet.

        Tasks can write to that folder: a symbolic link in it, or in its place, is never followed.
        """
        try:
            folder = os.open(self.allocations / allocation / "alloc/logs", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            self.seen.pop(allocation, None)
            return
        try:
            modified = os.fstat(folder).st_mtime_ns
            if self.seen.get(allocation) != modified:
                self.link(folder, allocation, owner)
                self.seen[allocation] = modified
        finally:
            os.close(folder)

    def link(self, folder: int, allocation: str, owner: Owner) -> None:
        """Link every regular log file of an open folder."""
        for name in sorted(os.listdir(folder)):
            if found := LOG_FILE.fullmatch(name):
                target = self.path(owner, found["task"], allocation) / f"{found['stream']}.{found['number']}"
                file = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(file.st_mode) and not same(target, file):
                    place(name, folder, target)

    def path(self, owner: Owner, task: str, allocation: str) -> Path:
        """The folder of one task of one allocation."""
        return self.links.joinpath(*(encode(name) for name in (*owner, task)), allocation)

    def sweep(self, before: float) -> None:
        """Remove files whose other name has been gone since before then (a removal sets ctime), and empty folders."""
        for folder, _, names in os.walk(self.links, topdown=False):
            for name in names:
                path = Path(folder, name)
                file = path.lstat()
                if file.st_nlink == 1 and file.st_ctime < before:
                    path.unlink()
            if folder != str(self.links) and not any(Path(folder).iterdir()):
                Path(folder).rmdir()


def same(target: Path, file: os.stat_result) -> bool:
    """Whether a link is of this very file."""
    try:
        there = target.lstat()
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (file.st_dev, file.st_ino)


def place(name: str, folder: int, target: Path) -> None:
    """Make one link, in the place of an older one."""
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(name, target, src_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:
            sys.exit(f"{target}: on another file system than the allocations - keep Nomad's data_dir in one")
        raise
    if not stat.S_ISREG(target.lstat().st_mode):
        target.unlink()


def encode(name: str) -> str:
    """A name as one path component: job IDs may hold slashes, and none may climb out of the folder."""
    return name.replace("%", "%25").replace("/", "%2F").replace(".", "%2E")


def decode(name: str) -> str:
    """The name that was encoded."""
    return name.replace("%2E", ".").replace("%2F", "/").replace("%25", "%")


def recorded(links: Path) -> dict[str, Owner]:
    """Whose the allocations are that have links already, for as long as Nomad cannot be asked."""
    found = links.glob("*/*/*/*/*")
    return {p.name: Owner(*(decode(part) for part in p.relative_to(links).parts[:3])) for p in found}


if __name__ == "__main__":
    main()
