"""The distribution's packages each host needs."""

from configs.environment import Environment, Host, Role

BASE = (
    "ca-certificates",
    "curl",
    "dbus",
    "libnss-resolve",
    "logrotate",
    "nftables",
    "openssl",
    "prometheus-exporter-exporter",
    "prometheus-node-exporter",
    "systemd-resolved",
    "systemd-timesyncd|chrony|ntpsec|openntpd",
    "unzip",
)
BY_ROLE = {
    # iptables: Nomad's bridge networking and Docker write their rules through it.
    Role.CLIENT: ("docker.io", "iptables", "python3"),
    Role.MONITOR: ("prometheus", "prometheus-alertmanager", "python3"),
    Role.MIRROR: ("nginx-light",),
}


def packages(_env: Environment, host: Host) -> tuple[str, ...]:
    """All packages of a host, sorted."""
    return tuple(sorted({*BASE, *(name for role in host.roles for name in BY_ROLE.get(role, ()))}))
