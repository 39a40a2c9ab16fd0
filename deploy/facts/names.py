"""Whether a host's resolver answers."""

import shlex
from collections.abc import Iterable, Sequence

from pyinfra.api.facts import FactBase


class Resolves(FactBase[bool | None]):
    """Whether all names have an address here; None when the host could not be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, names: Sequence[str], tries: int) -> str:
        asked = " && ".join(f"getent ahostsv4 {shlex.quote(name)} >/dev/null" for name in names)
        loop = (
            f"i=0; until {asked}; do i=$((i+1)); [ $i -lt {tries} ] || {{ echo no; exit; }}; sleep 0.5; done; echo yes"
        )
        return f"sh -c {shlex.quote(loop)}"

    def process(self, output: Iterable[str]) -> bool:
        return list(output)[-1:] == ["yes"]
