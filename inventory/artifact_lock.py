"""The committed pins: which SHA-256 each artifact must have, by where it came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FILE = Path(__file__).parent.parent / "configs" / "artifacts.lock.json"


@dataclass(frozen=True, slots=True)
class Lock:
    """Pins by archive name: `{"release": sum, "build": {toolchain: {binary: sum}}}`, both parts optional.

    A release is pinned by its archive. A build is pinned by its binaries, for each toolchain: the same toolchain
    gives the same bytes, while how they are compressed into an archive is up to the operator's zlib.
    """

    pins: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path = FILE) -> Self:
        """The pins in a file."""
        return cls(json.loads(path.read_text()))

    def released(self, file: str) -> str | None:
        """The sum of the vendor's archive, where it is pinned."""
        pin: str | None = self.pins.get(file, {}).get("release")
        return pin

    def built(self, file: str, toolchain: str) -> dict[str, str] | None:
        """The sums of the binaries that this toolchain builds; None when nobody has recorded this toolchain."""
        pin: dict[str, str] | None = self.pins.get(file, {}).get("build", {}).get(toolchain)
        return pin
