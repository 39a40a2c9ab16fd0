"""The ssh_config that pyinfra and the system's ssh share."""

from configs.environment import Host, Role, Ssh
from inventory import ssh_config


def host(name: str, ssh: Ssh) -> Host:
    return Host(name=name, address=f"10.0.0.{name[1:]}", roles=frozenset({Role.CLIENT}), ssh=ssh)


def test_hosts_behind_a_jump_host_name_it_and_the_operators_own_file_follows() -> None:
    jump = "ops@bastion.example.com:2222"
    hosts = [host("h1", Ssh()), host("h2", Ssh(jump=jump)), host("h3", Ssh(jump=jump, hostname="h3.example.com"))]
    assert ssh_config.text(hosts) == (
        "Host 10.0.0.2\n  ProxyJump ops@bastion.example.com:2222\n\n"
        "Host h3.example.com\n  ProxyJump ops@bastion.example.com:2222\n\n"
        "Host *\nInclude ~/.ssh/config\n"
    )


def test_a_jump_host_takes_the_key_and_the_known_hosts_of_those_behind_it() -> None:
    ssh = Ssh(jump="a@one,b@two:22", key="/keys/k", known_hosts="/keys/known")
    text = ssh_config.text([host("h1", ssh)])
    given = "  IdentityFile /keys/k\n  UserKnownHostsFile /keys/known\n  StrictHostKeyChecking yes\n"
    assert f"Host one\n{given}" in text
    assert f"Host two\n{given}" in text
