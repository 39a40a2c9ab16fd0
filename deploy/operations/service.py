"""A systemd service that runs with exactly its present configuration."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
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
"""What a process has read of its reload files, in shell: the same digest as `_loaded` makes of a host's state."""

_SHOW_WHY = '|| { systemctl status --no-pager -n 0 "$0" >&2; journalctl -u "$0" -n 25 --no-pager -o cat >&2; exit 1; }'

_started: dict[str, str] = {}


def started() -> dict[str, str]:
    """What every service of this run was started with: a digest by host and unit."""
    return dict(_started)


@operation()
def running(
    unit: str,
    files: Sequence[File] = (),
    program: Artifact | None = None,
    reload_files: Sequence[str] = (),
    healthy: str | None = None,
    quorum: Callable[[], wait.Health] | None = None,
    restarted: Callable[[], None] | None = None,
) -> Generator[StringCommand | FunctionCommand, None, None]:
    """Have a service enabled and running, started with the present content of its files.

    What the process was started with is known by a digest that systemd writes to /run/socle as it starts it: a run
    that dies between the write and the restart is therefore mended by the next, and a restart is never done twice.

    Args:
        unit: its name, without `.service`.
        files: configuration, unit and drop-in files; a change restarts.
        program: what it runs; another archive of the same version restarts too.
        reload_files: paths of files written elsewhere (certificates); a change reloads.
        healthy: a shell command that succeeds once the service does; after a start or restart it is tried for 60 s.
        quorum: for a server of a group: how the group is. A server that runs is only restarted while the group can
            spare it, and the group is whole again before the operation ends.
        restarted: what a restarted server of a group needs before it is whole again (unsealing).
    """
    seals = [program.seal] if program else []
    paths = [*(file.path for file in files), *seals, _dropin_path(unit), *reload_files]
    now = host.get_fact(HostState, paths=paths, units=[unit])
    if now is None:
        return
    digest = _started[f"{host.name} {unit}"] = _digest(
        files, [now.files[seal].sha256 for seal in seals if seal in now.files]
    )
    written = list(file_operations.writes([*files, _dropin(unit, digest, reload_files)], now))
    yield from written
    guarded = quorum if now.units[unit].active == "active" and _starts(now.units[unit], digest) else None
    if guarded:
        yield FunctionCommand(wait.spare, (unit, guarded), {})
    yield from _transitions(unit, now.units[unit], digest, reload_needed=bool(written))
    if _starts(now.units[unit], digest) and healthy:
        yield _until(unit, healthy)
    if guarded and restarted:
        yield FunctionCommand(restarted, (), {})
    if guarded:
        yield FunctionCommand(wait.spare, (unit, guarded), {})
    yield from _reload(unit, now, digest, reload_files)


def document(value: Mapping[str, Any]) -> str:
    """A configuration document as the servers read it."""
    return json.dumps(value, indent=2) + "\n"


def _transitions(
    unit: str, now: UnitState, digest: str, *, reload_needed: bool
) -> Generator[StringCommand, None, None]:
    if reload_needed or now.need_daemon_reload:
        yield StringCommand("systemctl daemon-reload")
    if now.enabled not in _ENABLED:
        yield StringCommand("systemctl enable --quiet", unit)
    if _starts(now, digest):
        script = f'systemctl reset-failed "$0" 2>/dev/null; systemctl restart "$0" {_SHOW_WHY}'
        yield StringCommand("sh -c", QuoteString(script), unit)


def _starts(now: UnitState, digest: str) -> bool:
    return now.active != "active" or now.started != digest


def _reload(unit: str, now: State, digest: str, paths: Sequence[str]) -> Iterator[StringCommand]:
    """Reload when the files on disk are not those that the process was last known to have read."""
    if not paths or _starts(now.units[unit], digest) or now.units[unit].reloaded == _loaded(now, paths):
        return
    record = f"{_LOADED.format(files=' '.join(paths))} > /run/socle/{unit}.reloaded"
    yield StringCommand("sh -c", QuoteString(f"systemctl reload {unit} && {record}"))


def _loaded(now: State, paths: Sequence[str]) -> str:
    text = "".join(now.files[path].sha256 for path in paths if path in now.files)
    return hashlib.sha256(text.encode()).hexdigest()


def _until(unit: str, probe: str) -> StringCommand:
    loop = f"i=0; until {probe} >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 240 ] || exit 1; sleep 0.25; done"
    return StringCommand("sh -c", QuoteString(f"({loop}) {_SHOW_WHY}"), unit)


def _digest(files: Sequence[File], seals: Sequence[str]) -> str:
    parts = [*seals, *(f"{f.path} {f.mode} {f.user} {f.group} {file_operations.content(f)}" for f in files)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _dropin_path(unit: str) -> str:
    return f"/etc/systemd/system/{unit}.service.d/90-socle.conf"


def _dropin(unit: str, digest: str, reload_files: Sequence[str]) -> File:
    """`+` runs the line with full rights whatever the service's own sandbox allows."""
    record = f"mkdir -p /run/socle && echo {digest} > /run/socle/{unit}.started"
    if reload_files:
        record += f" && {_LOADED.format(files=' '.join(reload_files))} > /run/socle/{unit}.reloaded"
    return File(path=_dropin_path(unit), content=f"[Service]\nExecStartPre=+/bin/sh -c '{record}'\n")
