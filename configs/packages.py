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

SERVICES = {
    "docker.io": "docker",
    "nginx-light": "nginx",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-exporter-exporter": "prometheus-exporter-exporter",
    "prometheus-node-exporter": "prometheus-node-exporter",
}
"""The units of packages that come with a configuration of their own, in which they must never run."""


def packages(_env: Environment, host: Host) -> tuple[str, ...]:
    """All packages of a host, sorted."""
    return tuple(sorted({*BASE, *(name for role in host.roles for name in BY_ROLE.get(role, ()))}))


def services(env: Environment, host: Host) -> tuple[str, ...]:
    """The units of a host's packages that may only run with our configuration, sorted."""
    return tuple(sorted(SERVICES[name] for name in packages(env, host) if name in SERVICES))
