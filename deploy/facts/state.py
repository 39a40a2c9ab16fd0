"""What is on a host now: files and units, asked in one command."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

# One stat and one sha256sum for all files, and one systemctl for a unit: a process for each costs a host more than the
# way there and back.
_FILES = (
    'for f in "$@"; do shift; [ ! -f "$f" ] || set -- "$@" "$f"; done; [ $# -eq 0 ] || '
    '{ stat -c "%a %U %G" "$@"; sha256sum "$@"; } | '
    "awk -v n=$# 'NR <= n { s[NR] = $0; next } { print \"F\", s[NR - n], substr($0, 1, 64), substr($0, 67) }'"
)
_UNITS = (
    'for u in "$@"; do ActiveState= UnitFileState= NeedDaemonReload=; '
    'eval "$(systemctl show -p ActiveState -p UnitFileState -p NeedDaemonReload "$u")"; '
    'echo "U $u $ActiveState ${UnitFileState:-none} $NeedDaemonReload '
    '$(cat "/run/socle/$u.started" 2>/dev/null || echo none) '
    '$(cat "/run/socle/$u.reloaded" 2>/dev/null || echo none)"; done'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """A file's octal mode, owner, group and SHA-256."""

    mode: str
    user: str
    group: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitState:
    """A unit: systemd's own words, and the digests of what its process was started and reloaded with."""

    active: str
    enabled: str
    need_daemon_reload: bool
    started: str
    reloaded: str


@dataclass(frozen=True, slots=True)
class State:
    """The files that exist, and the units asked for."""

    files: dict[str, FileState] = field(default_factory=dict)
    units: dict[str, UnitState] = field(default_factory=dict)


class HostState(FactBase[State | None]):
    """State of the given files and units, or None when the host could not be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, paths: Sequence[str], units: Sequence[str]) -> str:
        return f"{_call(_FILES, paths)}; {_call(_UNITS, units)}; echo END"

    def process(self, output: Iterable[str]) -> State | None:
        lines = list(output)
        if not lines or lines[-1] != "END":
            return None
        state = State()
        for line in lines[:-1]:
            kind, rest = line.split(" ", 1)
            (_read_file if kind == "F" else _read_unit)(state, rest)
        return state


def _call(script: str, arguments: Sequence[str]) -> str:
    return f"sh -c {shlex.quote(script)} sh {shlex.join(arguments)}" if arguments else "true"


def _read_file(state: State, text: str) -> None:
    mode, user, group, sha256, path = text.split(" ", 4)
    state.files[path] = FileState(mode=mode, user=user, group=group, sha256=sha256)


def _read_unit(state: State, text: str) -> None:
    unit, active, enabled, need, started, reloaded = text.split(" ")
    state.units[unit] = UnitState(
        active=active, enabled=enabled, need_daemon_reload=need == "yes", started=started, reloaded=reloaded
    )
