"""The distribution's packages."""

from collections.abc import Generator, Sequence

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploy.facts.packages import InstalledPackages

_INSTALL = r"""
set -e
# What a killed run left going here has policy-rc.d and dpkg to itself until it is done.
exec 9> /run/socle-packages.lock
flock --timeout 300 9 || { echo "an installation that another run began does not end: see ps" >&2; exit 1; }
# Nothing starts with the distribution's own configuration: not as it is installed, and not by a reboot before we
# configured it. The file that is waited for is the one that service.running writes last.
for unit in $UNITS; do
  mkdir -p "/etc/systemd/system/$unit.service.d"
  printf '[Unit]\nConditionPathExists=/etc/systemd/system/%s.service.d/90-socle.conf\n' "$unit" \
    > "/etc/systemd/system/$unit.service.d/10-socle.conf"
done
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
export DEBIAN_FRONTEND=noninteractive
get() { apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -qq "$@" 9>&-; }
dpkg --configure -a 9>&-
get update
get install -y --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io "$@"
"""


@operation()
def present(packages: Sequence[str], services: Sequence[str] = ()) -> Generator[StringCommand, None, None]:
    """Have packages installed, none of them started.

    Args:
        packages: names; `a|b` is satisfied by either, and the first is installed when neither is there.
        services: units of theirs that may start only once they have a configuration of ours.
    """
    choices = [tuple(name.split("|")) for name in packages]
    installed = host.get_fact(InstalledPackages, names=[name for choice in choices for name in choice])
    if installed is None:
        return
    missing = [choice[0] for choice in choices if not installed.intersection(choice)]
    if missing:
        units = QuoteString(f"UNITS={' '.join(services)}")
        yield StringCommand("env", units, "sh -c", QuoteString(_INSTALL), "install", *missing)
