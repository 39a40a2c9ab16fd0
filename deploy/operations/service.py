"""A systemd service that runs with exactly its present configuration."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.command import FunctionCommand, QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from configs.artifacts import Artifact
from configs.files import File
from deploy import wait
from deploy.facts.state import HostState, State, UnitState
from deploy.operations import files as file_operations

_ENABLED = ("enabled", "static", "indirect", "generated", "alias")

_LOADED = 'sha256sum {files} | cut -c1-64 | tr -d "\\n" | sha256sum | cut -c1-64'
"""What a process has read of its reload files, in shell: the same digest as `_Found` makes of a host's state."""

_SHOW_WHY = '|| { systemctl status --no-pager -n 0 "$0" >&2; journalctl -u "$0" -n 25 --no-pager -o cat >&2; exit 1; }'

_KNOWN = (
    '[ "$(systemctl show -p LoadState -p NeedDaemonReload "$0" | sort | tr "\\n" " ")" = '
    '"LoadState=loaded NeedDaemonReload=no " ]'
)
"""Whether systemd knows a unit that was not there before: it reads it by itself, and reading all anew is dear.

Of a unit that was there, it would not tell a new folder of drop-ins.
"""

_UNTIL = "i=0; until {probe} >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 240 ] || exit 1; sleep 0.25; done"

_started: dict[str, str] = {}

_settled: set[str] = set()
"""The services that a call with `only_down` left nothing to do for, by host and unit."""


def started() -> dict[str, str]:
    """What every service of this run was started with: a digest by host and unit."""
    return dict(_started)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A service as it must be.

    Attributes:
        unit: its name, without `.service`.
        files: configuration, unit and drop-in files; a change restarts.
        program: what it runs; another archive of the same version restarts too.
        live: files that it reads anew by a reload; a change reloads.
        reload_files: paths of files written elsewhere (certificates); a change reloads.
        healthy: a shell command that succeeds once the service does; after a start or restart it is tried for 60 s.
    """

    unit: str
    files: Sequence[File] = ()
    program: Artifact | None = None
    live: Sequence[File] = ()
    reload_files: Sequence[str] = ()
    healthy: str | None = None

    @property
    def seals(self) -> tuple[str, ...]:
        """The files by which another archive of the same version is known."""
        return (self.program.seal,) if self.program else ()

    @property
    def read(self) -> tuple[str, ...]:
        """What a reload reads."""
        return (*(file.path for file in self.live), *self.reload_files)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files whose state tells what is due."""
        return (*(file.path for file in self.files), *self.seals, _dropin_path(self.unit), *self.read)


@operation()
def running(
    unit: str,
    files: Sequence[File] = (),
    program: Artifact | None = None,
    live: Sequence[File] = (),
    reload_files: Sequence[str] = (),
    healthy: str | None = None,
    quorum: Callable[[], wait.Health] | None = None,
    restarted: Callable[[], None] | None = None,
    only_down: bool = False,
) -> Generator[StringCommand | FunctionCommand, None, None]:
    """Have a service enabled and running, started with the present content of its files.

    What the process was started with is known by a digest that systemd writes to /run/socle as it starts it: a run
    that dies between the write and the restart is therefore mended by the next, and a restart is never done twice.

    A server of a group is brought about by two calls: `only_down` on all servers at once, then one server after the
    other. Where the first call finds nothing left to do, the second asks nothing.

    Args:
        unit: this and the next five are those of `Service`.
        files: restart.
        program: restarts.
        live: are read anew.
        reload_files: are read anew.
        healthy: tells when it serves.
        quorum: for a server of a group: how the group is. A server that runs is only restarted while the group can
            spare it, and the group is whole again before the operation ends.
        restarted: what a restarted server of a group needs before it is whole again (unsealing).
        only_down: leave a service that runs as it is.
    """
    key = f"{host.name} {unit}"
    settled = key in _settled
    _settled.discard(key)
    if settled and not only_down:
        return
    service = Service(unit=unit, files=files, program=program, live=live, reload_files=reload_files, healthy=healthy)
    for found in _found([service]):
        yield from _brought(found, quorum, restarted, only_down=only_down)


@operation()
def all_running(services: Sequence[Service]) -> Generator[StringCommand, None, None]:
    """Have several services enabled and running as `running` does, one after the other, asked for in one command."""
    for found in _found(services):
        yield from found.steps()


def _brought(
    found: "_Found",
    quorum: Callable[[], wait.Health] | None,
    restarted: Callable[[], None] | None,
    *,
    only_down: bool,
) -> Generator[StringCommand | FunctionCommand, None, None]:
    unit, steps = found.wanted.unit, found.steps()
    if only_down and steps and found.runs:
        return
    if only_down:
        _settled.add(f"{host.name} {unit}")
    guard = [FunctionCommand(wait.spare, (unit, quorum), {})] if quorum and found.runs and found.restarts else ()
    yield from guard
    yield from steps
    if guard and restarted:
        yield FunctionCommand(restarted, (), {})
    yield from guard


@dataclass(frozen=True, slots=True)
class _Found:
    """A service as it is, beside what it must be."""

    wanted: Service
    now: State
    digest: str

    @property
    def unit(self) -> UnitState:
        """What systemd says of it."""
        return self.now.units[self.wanted.unit]

    @property
    def runs(self) -> bool:
        """Whether a process is there that a restart would end."""
        return self.unit.active == "active"

    @property
    def restarts(self) -> bool:
        """Whether it must be started, or started again."""
        return not self.runs or self.unit.started != self.digest

    def steps(self) -> list[StringCommand]:
        """What must be done: files first, then systemd's part in one command, then the reload."""
        unit = self.wanted.unit
        own = [*self.wanted.files, _dropin(unit, self.digest, self.wanted.read)]
        # Debian's reload commands check files that are written here: these come first.
        written = list(file_operations.writes([*self.wanted.live, *own], self.now))
        script = " && ".join(self._transitions(written=bool(list(file_operations.writes(own, self.now)))))
        moved = [StringCommand("sh -c", QuoteString(f"{{ {script}; }} {_SHOW_WHY}"), unit)] if script else []
        return [*written, *moved, *self._reload()]

    def _transitions(self, *, written: bool) -> Iterator[str]:
        new = self.unit.enabled == "none"
        if self.unit.enabled not in _ENABLED:
            yield f'systemctl enable --quiet {"--no-reload " if new else ""}"$0"'
        if written or self.unit.need_daemon_reload:
            yield f"{{ {_KNOWN} || systemctl daemon-reload; }}" if new else "systemctl daemon-reload"
        if self.restarts:
            yield '{ systemctl reset-failed "$0" 2>/dev/null; systemctl restart "$0"; }'
            if self.wanted.healthy:
                yield f"({_UNTIL.format(probe=self.wanted.healthy)})"

    def _reload(self) -> Iterator[StringCommand]:
        """Reload when the files on disk are not those that the process was last known to have read."""
        unit, paths = self.wanted.unit, self.wanted.read
        if paths and not self.restarts and self.unit.reloaded != self._loaded():
            record = f"{_LOADED.format(files=' '.join(paths))} > /run/socle/{unit}.reloaded"
            yield StringCommand("sh -c", QuoteString(f"systemctl reload {unit} && {record}"))

    def _loaded(self) -> str:
        """The digest of what a reload would read, once the files are written."""
        there = {path: self.now.files[path].sha256 for path in self.wanted.read if path in self.now.files}
        written = {file.path: _sha256(file_operations.content(file) or "") for file in self.wanted.live}
        sums = there | written
        return _sha256("".join(sums[path] for path in self.wanted.read if path in sums))


def _found(services: Sequence[Service]) -> tuple[_Found, ...]:
    """The services beside what the host says of them; nothing when it could not be asked."""
    paths = dict.fromkeys(path for service in services for path in service.paths)
    now: State | None = host.get_fact(HostState, paths=list(paths), units=[service.unit for service in services])
    return tuple(_seen(service, now) for service in services) if now else ()


def _seen(service: Service, now: State) -> _Found:
    digest = _digest(service.files, [now.files[seal].sha256 for seal in service.seals if seal in now.files])
    _started[f"{host.name} {service.unit}"] = digest
    return _Found(service, now, digest)


def document(value: Mapping[str, Any]) -> str:
    """A configuration document as the servers read it."""
    return json.dumps(value, indent=2) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(files: Sequence[File], seals: Sequence[str]) -> str:
    parts = [*seals, *(f"{f.path} {f.mode} {f.user} {f.group} {file_operations.content(f)}" for f in files)]
    return _sha256("\0".join(parts))


def _dropin_path(unit: str) -> str:
    return f"/etc/systemd/system/{unit}.service.d/90-socle.conf"


def _dropin(unit: str, digest: str, reload_files: Sequence[str]) -> File:
    """`+` runs the line with full rights whatever the service's own sandbox allows."""
    record = f"mkdir -p /run/socle && echo {digest} > /run/socle/{unit}.started"
    if reload_files:
        record += f" && {_LOADED.format(files=' '.join(reload_files))} > /run/socle/{unit}.reloaded"
    return File(path=_dropin_path(unit), content=f"[Service]\nExecStartPre=+/bin/sh -c '{record}'\n")
