"""What local hosts take of this machine, from the control groups of their containers."""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vagrant.hosts import Fleet

SAMPLE_S = 1.0
_V1 = Path("/sys/fs/cgroup/memory/docker")
_V1_CPU = Path("/sys/fs/cgroup/cpuacct/docker")
_V2 = Path("/sys/fs/cgroup/system.slice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a host took.

    Attributes:
        processes: the most memory that its processes had, in MiB, sampled every second; page cache is not in it.
        charged: the most that the kernel charged it with, in MiB, page cache included; 0 where it keeps no such figure.
        cpu_s: seconds of CPU.
    """

    processes: int
    charged: int
    cpu_s: float


class Watch:
    """Samples every host of a fleet for as long as the `with` block lasts."""

    def __init__(self, fleet: Fleet) -> None:
        containers = {name: str(fleet.container(name).id) for name in fleet.names()}
        self._folders = {name: _folder(container) for name, container in containers.items()}
        self._containers = containers
        self._began = {name: _cpu_s(container) for name, container in containers.items()}
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
    def usage(self) -> dict[str, Usage]:
        """What each host took so far."""
        return {
            name: Usage(
                processes=self._most[name] >> 20,
                charged=_charged(folder) >> 20,
                cpu_s=_cpu_s(self._containers[name]) - self._began[name],
            )
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


def _cpu_s(container: str) -> float:
    if _V1_CPU.is_dir():
        return int((_V1_CPU / container / "cpuacct.usage").read_text()) / 1e9
    words = (line.split() for line in (_folder(container) / "cpu.stat").read_text().splitlines())
    return int(dict(words)["usage_usec"]) / 1e6
