"""Each host gets the packages of its roles."""

from configs import packages
from configs.environment import Host, Role
from inventory import environments

ENV = environments.load("dev")


def host(*roles: Role) -> Host:
    return Host(name="h", address="10.0.0.1", roles=frozenset(roles))


def test_a_role_brings_its_own_packages() -> None:
    assert "prometheus" in packages.packages(ENV, host(Role.MONITOR))
    assert "prometheus" not in packages.packages(ENV, host(Role.SERVER))


def test_services_are_those_of_a_hosts_packages() -> None:
    exporters = ("prometheus-exporter-exporter", "prometheus-node-exporter")
    assert packages.services(ENV, host(Role.SERVER)) == exporters
    assert packages.services(ENV, host(Role.MIRROR)) == ("nginx", *exporters)
