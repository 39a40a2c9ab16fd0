"""SSH to a local host, with the key made for it and its host key verified."""

import shlex
import subprocess

from configs.environment import Host
from configs.errors import HostError

CONNECT_S = 15


def command(host: Host, *words: str) -> list[str]:
    """The ssh command line that runs `words` on the host; nothing is asked, no other key or file is used."""
    given = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": host.ssh.known_hosts or "/dev/null",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityFile": host.ssh.key or "none",
        "ConnectTimeout": str(CONNECT_S),
        "ServerAliveInterval": str(CONNECT_S),
        "LogLevel": "ERROR",
    }
    options = [part for key, value in given.items() for part in ("-o", f"{key}={value}")]
    return ["ssh", "-F", "none", *options, f"{host.ssh.user}@{host.ssh.hostname or host.address}", "--", *words]


def run(host: Host, script: str, *, bound_s: float = 60.0, root: bool = True, stdin: str = "") -> str:
    """The output of a shell script run on the host.

    Args:
        host: a host with a key and a known_hosts file.
        script: for `sh -ec`.
        bound_s: seconds it may take.
        root: whether through sudo.
        stdin: what the script reads.

    Raises:
        HostError: when it fails or takes too long; the text has its output.
    """
    words = (*(("sudo", "-n") if root else ()), "sh", "-ec", shlex.quote(script))
    try:
        done = subprocess.run(
            command(host, *words), input=stdin, capture_output=True, text=True, timeout=bound_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{host.name}: still running after {bound_s:.0f} s: {script}") from error
    if done.returncode:
        raise HostError(f"{host.name}: exit code {done.returncode} of: {script}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout
