"""What the hosts' journals say, for the report of a failed test."""

from concurrent.futures import ThreadPoolExecutor

from configs.environment import Host
from configs.errors import HostError
from vagrant import ssh
from vagrant.hosts import Fleet

LINES = 4
WIDTH = 200
SINCE = "-10min"
"""Of each unit's last minutes the last lines that tell of trouble, cut to a width; the whole is on the host."""

TROUBLE = r"\[?(warn|error|crit|emerg)|panic|fail(ed|ure)|refused|denied"
UNITS = ("consul", "vault", "nomad", "prometheus", "prometheus-alertmanager", "loki", "collector", "nginx", "docker")
BOUND_S = 20.0


def tails(fleet: Fleet) -> str:
    """What every relevant unit on every host last complained of, and the units that failed."""
    with ThreadPoolExecutor() as pool:
        return "\n".join(pool.map(_tail, fleet.env.hosts))


def _tail(host: Host) -> str:
    units = " ".join(UNITS)
    script = f"""
systemctl --failed --no-legend --plain
for unit in {units}; do
    systemctl cat $unit >/dev/null 2>&1 || continue
    echo "--- {host.name} $unit: $(systemctl is-active $unit)"
    journalctl --unit $unit --since {SINCE} --no-pager --output short-iso |
        grep -v vault-audit | grep -Ei '{TROUBLE}' | tail -n {LINES} | cut -c1-{WIDTH} || true
done
"""
    try:
        return f"=== {host.name}\n{ssh.run(host, script, bound_s=BOUND_S)}"
    except HostError as error:
        return f"=== {host.name}: {error}"
