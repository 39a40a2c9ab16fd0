"""The ssh command line for a local host."""

from itertools import pairwise

from configs.environment import Role
from inventory import local
from vagrant import ssh


def test_ssh_verifies_the_host_key_and_uses_no_other_file_or_key() -> None:
    (host,) = local.hosts("lab", "172.30.99.0/24", {"1": {Role.CLIENT}})
    words = ssh.command(host, "true")
    assert words[:3] == ["ssh", "-F", "none"]
    assert words[-3:] == ["socle@172.30.99.11", "--", "true"]
    options = [word for before, word in pairwise(words) if before == "-o"]
    assert {
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        f"IdentityFile={local.key('lab')}",
        f"UserKnownHostsFile={local.known_hosts('lab')}",
        "GlobalKnownHostsFile=/dev/null",
    } <= set(options)
