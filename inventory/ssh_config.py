"""The ssh_config of an environment with hosts behind jump hosts: pyinfra and the system's ssh both read it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from configs.environment import Environment, Host
from inventory import cache


def file(env: Environment) -> Path | None:
    """The file, written when it differs; None when every host is reached directly and ~/.ssh/config is enough."""
    if not any(host.ssh.jump for host in env.hosts):
        return None
    path = cache.folder(env) / "ssh_config"
    cache.present(path, text(env.hosts), 0o600)
    return path


def text(hosts: Iterable[Host]) -> str:
    """ProxyJump for each host, what the hosts say of keys for the jump hosts too, then ~/.ssh/config."""
    behind = [host for host in hosts if host.ssh.jump]
    blocks = dict.fromkeys(block for host in behind for block in (_host(host), *_jumps(host)))
    return "\n".join([*blocks, "Host *", "Include ~/.ssh/config", ""])


def _host(host: Host) -> str:
    return f"Host {host.ssh.hostname or host.address}\n  ProxyJump {host.ssh.jump}\n"


def _jumps(host: Host) -> Iterator[str]:
    """A jump host takes the key and the known hosts of those behind it, where the inventory names any."""
    known = host.ssh.known_hosts
    given = {
        "IdentityFile": host.ssh.key,
        "UserKnownHostsFile": known,
        "StrictHostKeyChecking": "yes" if known else None,
    }
    lines = [f"  {name} {value}\n" for name, value in given.items() if value]
    for hop in (host.ssh.jump or "").split(","):
        if lines:
            yield f"Host {hop.rpartition('@')[2].partition(':')[0]}\n{''.join(lines)}"
