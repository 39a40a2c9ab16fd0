"""The memory of local hosts, from the control groups of their containers."""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vagrant.hosts import Fleet

SAMPLE_S = 1.0
_V1 = Path("/sys/fs/cgroup/memory/docker")
_V2 = Path("/sys/fs/cgroup/system.slice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """The most memory of a host, in MiB.

    Attributes:
        processes: what its processes had, sampled every second; page cache is not in it.
        charged: what the kernel charged the container with, page cache included; 0 where it keeps no such figure.
    """

    processes: int
    charged: int


class Watch:
    """Samples every host of a fleet for as long as the `with` block lasts."""

    def __init__(self, fleet: Fleet) -> None:
        self._folders = {name: _folder(str(fleet.container(name).id)) for name in fleet.names()}
        self._most = dict.fromkeys(self._folders, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def peaks(self) -> dict[str, Peak]:
        """The peaks so far, by host."""
        return {
            name: Peak(processes=self._most[name] >> 20, charged=_charged(folder) >> 20)
            for name, folder in self._folders.items()
        }

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_S):
            for name, folder in self._folders.items():
                self._most[name] = max(self._most[name], _processes(folder))


def _folder(container: str) -> Path:
    return _V1 / container if _V1.is_dir() else _V2 / f"docker-{container}.scope"


def _processes(folder: Path) -> int:
    """Anonymous memory, of all processes below: `total_rss` in version 1 of control groups, `anon` in version 2."""
    words = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    found = {name: int(value) for name, value in words}
    return found.get("total_rss", found.get("anon", 0))


def _charged(folder: Path) -> int:
    peak = next((p for p in (folder / "memory.max_usage_in_bytes", folder / "memory.peak") if p.is_file()), None)
    return int(peak.read_text()) if peak else 0
