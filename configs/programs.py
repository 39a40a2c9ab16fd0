"""Our own programs in Python: files of this repository, and wheels of the libraries they need.

Both are named by a digest of what they are made from: what was changed is another version.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
LOCK: Final = ROOT / "requirements.lock"

SYSTEMS: Final[Mapping[str, tuple[str, str]]] = {
    "3.11": ("debian", "12"),
    "3.12": ("ubuntu", "24.04"),
    "3.13": ("debian", "13"),
}
"""The versions of Python that can run our programs, and the supported system that comes with each."""

_DIGITS: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Files of this repository, by patterns relative to its root."""

    patterns: tuple[str, ...]

    def files(self) -> Mapping[str, Path]:
        """Where each is, by its path in the repository."""
        found = (path for pattern in self.patterns for path in ROOT.glob(pattern) if path.is_file())
        return {str(path.relative_to(ROOT)): path for path in sorted(found)}

    def version(self) -> str:
        """A digest of their names and contents."""
        return _digest({name: path.read_text() for name, path in self.files().items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheels:
    """Packages of PyPI as `requirements.lock` pins them, for one version of Python.

    Attributes:
        packages: all of them, what they need themselves too.
        python: such as 3.11.
    """

    packages: tuple[str, ...]
    python: str

    def pins(self) -> str:
        """Their part of the lock: versions and the SHA-256 of each file."""
        pinned = {block.partition("==")[0]: block for block in re.split(r"\n(?=\w)", LOCK.read_text())}
        return "\n".join(pinned[name] for name in sorted(self.packages)) + "\n"

    def version(self) -> str:
        """A digest of the pins and of Python's version."""
        return f"{self.python}-{_digest({self.python: self.pins()})}"


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:_DIGITS]
