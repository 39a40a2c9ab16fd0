"""What there is on hosts and in an environment, so that two looks can be compared."""

from configs.consul import ACTIVE
from configs.environment import Host
from inventory.access import Access
from vagrant import ssh

_HOST = """
dpkg-query -W
getent passwd
sysctl net.ipv4.ip_forward
nft list ruleset 2>/dev/null | grep -v counter || true
systemctl list-unit-files --no-legend --no-pager
systemctl show --property Id,InvocationID,ActiveState '*.service' | paste -sd ' \\n' | grep -v '^$' || true
find /etc /opt /srv /usr/local {data} -xdev -printf '%p %y %m %u %g %s %T@ %C@\\n' 2>/dev/null || true
"""
"""Also the times of files, so that one that was written with its own content shows; units by each start's own ID."""


def of_host(host: Host, *, data: bool) -> set[str]:
    """The packages, users, packet filter, units and files of a host, a line each.

    Args:
        host: a local host.
        data: also the servers' data, which on a live host is never at rest.
    """
    folders = " ".join(f"/var/lib/{name}" for name in ("consul", "vault", "nomad", "loki", "prometheus", "collector"))
    return set(ssh.run(host, _HOST.format(data=folders if data else "")).splitlines())


def of_apis(access: Access) -> dict[str, object]:
    """What the bring-up ever writes through an API; the count of changes shows one that left it as it was.

    What the rollouts' controller keeps in Consul is left out: it writes its heartbeats by itself.
    """
    consul, nomad, vault = access.consul(), access.nomad(), access.vault()
    keys = [entry for entry in consul.kv.get("", recurse=True)[1] or () if not entry["Key"].startswith(ACTIVE)]
    return {
        "Consul's policies": {policy["Name"]: policy["ModifyIndex"] for policy in consul.acl.policy.list()},
        "Consul's keys": {entry["Key"]: entry["ModifyIndex"] for entry in keys},
        "Nomad's jobs": {job["ID"]: job["JobModifyIndex"] for job in nomad.jobs.get_jobs()},
        "Nomad's tokens": {token["AccessorID"]: token["ModifyIndex"] for token in nomad.acl.get_tokens()},
        "Nomad's policies": {policy["Name"]: policy["ModifyIndex"] for policy in nomad.acl.get_policies()},
        "Vault's policies": sorted(vault.sys.list_acl_policies()["data"]["keys"]),
        "Vault's mounts": sorted(vault.sys.list_auth_methods()["data"]),
        "Vault's audit devices": sorted(vault.sys.list_enabled_audit_devices()["data"]),
    }
