"""A host's own settings, before any server: users, folders, kernel, journal, names."""

from configs import firewall, ports, units
from configs.environment import Environment, Host, Role
from configs.files import File

USERS = ("consul", "vault", "nomad", "loki", "collector")

_SYSCTL = {
    # Nomad's dynamic ports are 20000 to 32000: outgoing connections stay clear of them.
    "net.ipv4.ip_local_port_range": "49152 65535",
    "net.ipv4.ip_forward": "1",
    # Bridged allocations are seen by the packet filter; the key exists once the bridge module is loaded.
    "net.bridge.bridge-nf-call-iptables": "1",
    "vm.swappiness": "0",
    "kernel.core_pattern": "|/bin/false",
    "fs.suid_dumpable": "0",
}


def system_files(env: Environment, host: Host) -> tuple[File, ...]:
    """Users, folders and kernel settings, and the unit that puts them in force at each boot."""
    return (
        File(path="/etc/sysusers.d/socle.conf", content=_sysusers()),
        File(path="/etc/tmpfiles.d/socle.conf", content=_tmpfiles(env, host)),
        File(path="/etc/sysctl.d/90-socle.conf", content="".join(f"-{k} = {v}\n" for k, v in _SYSCTL.items())),
        File(path="/etc/modules-load.d/socle.conf", content="bridge\nbr_netfilter\nveth\n"),
        File(path="/etc/systemd/system/socle-system.service", content=_system_unit()),
    )


def _sysusers() -> str:
    return "".join(f'u {user} - "{user}" /var/lib/{user} /usr/sbin/nologin\n' for user in USERS)


def _tmpfiles(_env: Environment, host: Host) -> str:
    """Folders a host needs; `z` lines mend the owner of what is there already."""
    folders = [
        "d /etc/socle 0755 root root -",
        "d /etc/socle/pki 0755 root root -",
        "d /opt/socle 0755 root root -",
        # Nomad's client is root; a server alone runs as nomad.
        f"d /var/lib/nomad 0700 {'root root' if host.has(Role.CLIENT) else 'nomad nomad'} -",
        *(f"d /var/lib/{user} 0750 {user} {user} -" for user in USERS if user != "nomad"),
    ]
    return "\n".join(folders) + "\n"


def _system_unit() -> str:
    return units.render(
        {
            "Unit": {
                "Description": "Socle: users, folders, kernel settings, no swap",
                "DefaultDependencies": "no",
                "After": "local-fs.target systemd-modules-load.service swap.target",
                "Before": "sysinit.target",
            },
            "Service": {
                "Type": "oneshot",
                "RemainAfterExit": "yes",
                "ExecStart": [
                    "/usr/bin/systemd-sysusers /etc/sysusers.d/socle.conf",
                    "/usr/bin/systemd-tmpfiles --create /etc/tmpfiles.d/socle.conf",
                    "-/usr/lib/systemd/systemd-sysctl /etc/sysctl.d/90-socle.conf",
                    "-/usr/sbin/swapoff -a",
                ],
            },
            "Install": {"WantedBy": "sysinit.target"},
        }
    )


def firewall_files(env: Environment, host: Host) -> tuple[File, ...]:
    """The rules, and the unit that loads them before the network is up."""
    unit = units.render(
        {
            "Unit": {
                "Description": "Socle: the packet filter",
                "DefaultDependencies": "no",
                "Before": "network-pre.target sysinit.target",
                "Wants": "network-pre.target",
                "After": "local-fs.target",
            },
            "Service": {
                "Type": "oneshot",
                "RemainAfterExit": "yes",
                "ExecStart": "/usr/sbin/nft -f /etc/socle/firewall.nft",
            },
            "Install": {"WantedBy": "sysinit.target"},
        }
    )
    return (
        File(path="/etc/socle/firewall.nft", content=firewall.ruleset(env, host), mode="600"),
        File(path="/etc/systemd/system/socle-firewall.service", content=unit),
    )


def journal_files(env: Environment) -> tuple[File, ...]:
    """The journal is kept on disk and bounded."""
    text = units.render({"Journal": {"Storage": "persistent", "SystemMaxUse": f"{env.retention.journal_mib}M"}})
    return (File(path="/etc/systemd/journald.conf.d/90-socle.conf", content=text),)


def resolver_files() -> tuple[File, ...]:
    """The hosts' resolver sends `.consul` to the local Consul agent, and nothing else to it.

    systemd-resolved takes its global servers as equals and would ask Consul for every name: a routing domain is
    exact only on a link (resolved.conf(5), resolvectl(1)), so a link is made that carries nothing else.
    """
    link = "consul-dns"
    commands = [
        f"-/usr/sbin/ip link add {link} type veth peer name {link}-end",
        f"-/usr/sbin/ip address add 169.254.53.1/32 dev {link}",
        f"/usr/sbin/ip link set {link} up",
        f"/usr/sbin/ip link set {link}-end up",
        f"/usr/bin/resolvectl dns {link} 127.0.0.1:{ports.CONSUL_DNS}",
        f"/usr/bin/resolvectl domain {link} ~consul",
        f"/usr/bin/resolvectl default-route {link} no",
        f"/usr/bin/resolvectl dnssec {link} no",
        f"/usr/bin/resolvectl llmnr {link} no",
    ]
    unit = units.render(
        {
            "Unit": {
                "Description": "Socle: .consul names are asked of the local Consul agent",
                "After": "systemd-resolved.service",
                "Requires": "systemd-resolved.service",
                "PartOf": "systemd-resolved.service",
            },
            "Service": {"Type": "oneshot", "RemainAfterExit": "yes", "ExecStart": commands},
            "Install": {"WantedBy": "multi-user.target"},
        }
    )
    return (File(path="/etc/systemd/system/socle-dns.service", content=unit),)


def resolved_files() -> tuple[File, ...]:
    """No answers to and no questions by LLMNR and multicast DNS: neither is authenticated."""
    text = units.render({"Resolve": {"LLMNR": False, "MulticastDNS": False}})
    return (File(path="/etc/systemd/resolved.conf.d/90-socle.conf", content=text),)
