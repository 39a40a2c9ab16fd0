"""What the hosts' journals say, for the report of a failed test."""

from concurrent.futures import ThreadPoolExecutor

from configs.environment import Host
from configs.errors import HostError
from vagrant import ssh
from vagrant.hosts import Fleet

LINES = 25
UNITS = ("consul", "vault", "nomad", "prometheus", "prometheus-alertmanager", "loki", "collector", "nginx", "docker")
BOUND_S = 20.0


def tails(fleet: Fleet) -> str:
    """The end of every relevant unit's journal on every host, and the units that failed."""
    with ThreadPoolExecutor() as pool:
        return "\n".join(pool.map(_tail, fleet.env.hosts))


def _tail(host: Host) -> str:
    units = " ".join(UNITS)
    script = f"""
systemctl --failed --no-legend --plain
for unit in {units}; do
    systemctl cat $unit >/dev/null 2>&1 || continue
    echo "--- {host.name} $unit: $(systemctl is-active $unit)"
    journalctl --unit $unit --lines {LINES} --no-pager --output short-iso
done
"""
    try:
        return f"=== {host.name}\n{ssh.run(host, script, bound_s=BOUND_S)}"
    except HostError as error:
        return f"=== {host.name}: {error}"
