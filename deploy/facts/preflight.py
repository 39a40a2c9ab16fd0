"""What a host says of itself before anything is installed on it."""

import re
import time
from collections.abc import Iterable

from pyinfra.api.facts import FactBase

from configs import base, certificates
from configs.preflight import Report

_AS_ROOT = f"""
[ -f {certificates.CA_FILE} ] && echo "ca $(sha256sum < {certificates.CA_FILE} | cut -c1-64)"
for d in {" ".join(f"/var/lib/{user}" for user in base.USERS)}; do
  [ -d "$d" ] && [ -n "$(ls -A "$d" 2>/dev/null)" ] && echo "data $d"
done
ss -Hltnp 2>/dev/null | awk '{{print "listen " $4 " " $6}}'
"""

_SCRIPT = f"""
echo "time $(date +%s.%N)"
. /etc/os-release 2>/dev/null; echo "system $ID $VERSION_ID"
echo "arch $(dpkg --print-architecture 2>/dev/null || uname -m)"
echo "memory $(awk '/MemTotal/ {{print int($2/1024)}}' /proc/meminfo)"
echo "disk $(df -Pm /var | awk 'NR==2 {{print $4}}')"
echo "machine $(cat /etc/machine-id)"
echo "client ${{SSH_CLIENT%% *}}"
if refused=$(sudo -n true 2>&1 </dev/null); then
sudo -n sh <<'ROOT'
{_AS_ROOT}
ROOT
else echo "refused $(id -un): $(echo "$refused" | tail -n 1)"; fi
echo END
"""


class HostReport(FactBase[Report | None]):
    """A host's report, or None when it did not answer; ask with `_sudo=False`.

    It becomes root by itself: pyinfra would ask for a password where sudo wants one, host after host.
    """

    shell_executable = "sh"
    _asked = 0.0

    @staticmethod
    def default() -> None:
        return None

    def command(self) -> str:
        self._asked = time.time()
        return _SCRIPT

    def process(self, output: Iterable[str]) -> Report | None:
        asked, answered = self._asked, time.time()
        lines = [line.split(" ", 1) for line in output]
        values = {line[0]: line[1].strip() for line in lines if len(line) > 1}
        if ["END"] not in lines or not re.fullmatch(r"[0-9.]+", values["time"]):
            return None
        name, _, version = values["system"].partition(" ")
        return Report(
            system=(name, version),
            arch=values["arch"],
            memory_mib=int(values["memory"] or 0),
            disk_mib=int(values["disk"] or 0),
            skew_s=float(values["time"]) - (asked + answered) / 2,
            doubt_s=(answered - asked) / 2,
            machine_id=values["machine"],
            client=values["client"],
            refused=values.get("refused"),
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
