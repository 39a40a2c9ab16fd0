"""Which packages are installed."""

import shlex
from collections.abc import Iterable, Sequence

from pyinfra.api.facts import FactBase


class InstalledPackages(FactBase[frozenset[str] | None]):
    """Those of the given packages that are installed, or None when the host could not be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, names: Sequence[str]) -> str:
        return f"dpkg-query -W -f '${{db:Status-Abbrev}} ${{Package}}\\n' {shlex.join(names)} 2>/dev/null; echo END"

    def process(self, output: Iterable[str]) -> frozenset[str] | None:
        lines = list(output)
        if not lines or lines[-1] != "END":
            return None
        return frozenset(line.split()[1] for line in lines if line.startswith("ii "))
