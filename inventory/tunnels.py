"""Ports of hosts behind a jump host, forwarded by the system's ssh; one connection a host, shared and reused."""

import json
import socket
import subprocess
from pathlib import Path

from configs.environment import Environment, Host
from configs.errors import AccessError
from inventory import cache, ssh_config

IDLE = "8h"
"""How long a connection that nobody uses stays open: as long as an operator's tokens live."""

CONNECT_S = 20


def forwarded(env: Environment, host: Host, port: int) -> int:
    """The local port that leads to a port of a host; the connection is made when there is none.

    Raises:
        AccessError: when ssh cannot connect or forward.
    """
    folder = _folder(env)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ports = folder / f"{host.name}.json"
    if not _alive(folder, host):
        ports.unlink(missing_ok=True)
        _ssh(folder, host, ["-f", "-N", "-M", "-o", f"ControlPersist={IDLE}", *_options(env, host)])
    known: dict[str, int] = json.loads(ports.read_text()) if ports.is_file() else {}
    if str(port) not in known:
        known[str(port)] = _free_port()
        _ssh(folder, host, ["-O", "forward", "-L", f"127.0.0.1:{known[str(port)]}:{host.address}:{port}"])
        cache.present(ports, json.dumps(known), 0o600)
    return known[str(port)]


def close(env: Environment, host: Host) -> None:
    """End the connection to a host, when there is one."""
    folder = _folder(env)
    if _alive(folder, host):
        _ssh(folder, host, ["-O", "exit"])


def _folder(env: Environment) -> Path:
    return cache.folder(env) / "tunnels"


def _alive(folder: Path, host: Host) -> bool:
    done = subprocess.run(
        ["ssh", "-S", str(_socket(folder, host)), "-O", "check", _target(host)], capture_output=True, check=False
    )
    return done.returncode == 0


def _ssh(folder: Path, host: Host, arguments: list[str]) -> None:
    command = ["ssh", "-S", str(_socket(folder, host)), *arguments, _target(host)]
    try:
        # A connection in the background keeps what it inherits: a pipe would never end.
        with (folder / f"{host.name}.log").open("w+") as log:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=CONNECT_S + 10
            )
            log.seek(0)
            said = log.read().strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AccessError(f"{host.name}: ssh did not connect ({type(error).__name__}) - {_remedy(host)}") from error
    if done.returncode != 0:
        raise AccessError(f"{host.name}: ssh did not connect ({said or done.returncode}) - {_remedy(host)}")


def _remedy(host: Host) -> str:
    return f"try: ssh -J {host.ssh.jump} {_target(host)}"


def _options(env: Environment, host: Host) -> list[str]:
    ssh = host.ssh
    config = ssh_config.file(env)
    chosen = {
        "BatchMode": "yes",
        "ConnectTimeout": str(CONNECT_S),
        "ExitOnForwardFailure": "yes",
        "ServerAliveInterval": "15",
        "UserKnownHostsFile": ssh.known_hosts,
        "StrictHostKeyChecking": "yes" if ssh.known_hosts else "accept-new",
        "Port": str(ssh.port) if ssh.port else None,
        "IdentityFile": ssh.key,
    }
    words = [word for name, value in chosen.items() if value for word in ("-o", f"{name}={value}")]
    return ["-F", str(config), *words] if config else words


def _target(host: Host) -> str:
    reached = host.ssh.hostname or host.address
    return f"{host.ssh.user}@{reached}" if host.ssh.user else reached


def _socket(folder: Path, host: Host) -> Path:
    return folder / f"{host.name}.sock"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
