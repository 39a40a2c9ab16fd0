"""What a host says of itself before anything is installed on it."""

import re
import time
from collections.abc import Iterable

from pyinfra.api.facts import FactBase

from configs import base, certificates
from configs.preflight import Report

_SCRIPT = f"""
. /etc/os-release 2>/dev/null; echo "system $ID $VERSION_ID"
echo "arch $(dpkg --print-architecture 2>/dev/null || uname -m)"
echo "memory $(awk '/MemTotal/ {{print int($2/1024)}}' /proc/meminfo)"
echo "disk $(df -Pm /var | awk 'NR==2 {{print $4}}')"
echo "machine $(cat /etc/machine-id)"
# sudo hides the connection's variables: a process above still has them.
p=$$; while [ "$p" -gt 1 ] && ! c=$(tr '\\0' '\\n' < /proc/$p/environ | grep -m1 '^SSH_CLIENT='); do
  p=$(awk '/^PPid/ {{print $2}}' /proc/$p/status); done 2>/dev/null; echo "client ${{c#SSH_CLIENT=}}"
echo "time $(date +%s.%N)"
[ -f {certificates.CA_FILE} ] && echo "ca $(sha256sum < {certificates.CA_FILE} | cut -c1-64)"
for d in {" ".join(f"/var/lib/{user}" for user in base.USERS)}; do
  [ -d "$d" ] && [ -n "$(ls -A "$d" 2>/dev/null)" ] && echo "data $d"
done
ss -Hltnp 2>/dev/null | awk '{{print "listen " $4 " " $6}}'
echo END
"""


class HostReport(FactBase[Report | None]):
    """A host's report, or None when it could not be asked (no sudo, no connection)."""

    shell_executable = "sh"

    @staticmethod
    def default() -> None:
        return None

    def command(self) -> str:
        return _SCRIPT

    def process(self, output: Iterable[str]) -> Report | None:
        lines = [line.split(" ", 1) for line in output]
        if ["END"] not in lines:
            return None
        values = {line[0]: line[1].strip() for line in lines if len(line) > 1}
        name, _, version = values.get("system", "").partition(" ")
        return Report(
            system=(name, version),
            arch=values["arch"],
            memory_mib=int(values["memory"]),
            disk_mib=int(values["disk"]),
            skew_s=float(values["time"]) - time.time(),
            machine_id=values["machine"],
            client=values.get("client", "").split(" ")[0],
            listeners=_listeners(line[1] for line in lines if line[0] == "listen"),
            ca_sha256=values.get("ca"),
            data=frozenset(line[1] for line in lines if line[0] == "data"),
        )


def _listeners(lines: Iterable[str]) -> dict[int, frozenset[str]]:
    """From `ss -Hltnp`: `0.0.0.0:22 users:(("sshd",pid=1,fd=3))`."""
    found: dict[int, frozenset[str]] = {}
    for line in lines:
        address, _, users = line.partition(" ")
        port = int(address.rsplit(":", 1)[1])
        found[port] = found.get(port, frozenset()) | frozenset(re.findall(r'"([^"]+)"', users))
    return found
