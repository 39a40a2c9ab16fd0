"""What of the artifacts is on a host: versions in place, archives on the mirror, each asked in one command."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from configs import artifacts

_INSTALLED = (
    'for n in "$@"; do c="$0/$n/current"; '
    'echo "R $n $(readlink "$c" || echo -) $(cat "$c/.sha256" 2>/dev/null || echo -)"; '
    'for f in "$c"/*; do [ -x "$f" ] && echo "B $n ${f##*/}"; done; '
    'for f in /usr/local/bin/*; do case "$(readlink "$f")" in "$c"/*) echo "L $n ${f##*/}";; esac; done; done; echo END'
)
_HELD = (
    'cd "$0" 2>/dev/null && for f in "$@"; do [ -f "$f" ] && [ -f "$f.sha256" ] && '
    'echo "$(stat -c %s "$f") $(cut -c1-64 "$f.sha256") $f"; done; echo END'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """What is current of an artifact: its version, the sum of its archive, its programs, those linked on the PATH."""

    version: str
    sha256: str
    binaries: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


class InstalledReleases(FactBase[dict[str, Installed] | None]):
    """The current version of each named artifact, or None when the host could not be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, names: Sequence[str]) -> str:
        return f"sh -c {shlex.quote(_INSTALLED)} {artifacts.INSTALLED} {shlex.join(names)}"

    def process(self, output: Iterable[str]) -> dict[str, Installed] | None:
        lines = [line.split(" ") for line in output]
        if not lines or lines[-1] != ["END"]:
            return None
        return {
            words[1]: Installed(
                version=words[2],
                sha256=words[3],
                binaries=_named(lines, "B", words[1]),
                links=_named(lines, "L", words[1]),
            )
            for words in lines
            if words[0] == "R"
        }


class HeldArchives(FactBase[dict[str, tuple[int, str]] | None]):
    """Size in bytes and recorded SHA-256 of the archives that the mirror serves, by name; None when it is unknown."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, names: Sequence[str]) -> str:
        return f"sh -c {shlex.quote(_HELD)} {artifacts.MIRRORED} {shlex.join(names)}"

    def process(self, output: Iterable[str]) -> dict[str, tuple[int, str]] | None:
        lines = list(output)
        if not lines or lines[-1] != "END":
            return None
        words = (line.split(" ", 2) for line in lines[:-1])
        return {name: (int(size), sha256) for size, sha256, name in words}


def _named(lines: Sequence[Sequence[str]], kind: str, artifact: str) -> frozenset[str]:
    return frozenset(words[2] for words in lines if words[:2] == [kind, artifact])
