"""A host's own settings, before any server."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from configs import base, packages
from deploy.operations import packages as package_operations
from deploy.operations import service
from deploy.operations.service import Service
from inventory import environments


@deploy("Base")
def run() -> None:
    """Packages, users, folders, kernel settings, journal, packet filter, names."""
    env = environments.current()
    me = env.host(host.name)
    package_operations.present(
        name="Install the distribution's packages",
        packages=packages.packages(env, me),
        services=packages.services(env, me),
    )
    service.running(
        name="Put users, folders and kernel settings in force", unit="socle-system", files=base.system_files(env, me)
    )
    service.all_running(
        name="Put packet filter, journal and names in force",
        services=[
            Service(unit="socle-firewall", files=base.firewall_files(env, me)),
            Service(unit="systemd-journald", files=base.journal_files(env)),
            Service(unit="systemd-resolved", files=base.resolved_files()),
            Service(unit="socle-dns", files=base.resolver_files()),
        ],
    )
