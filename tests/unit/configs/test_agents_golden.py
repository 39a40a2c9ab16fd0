"""The documents of Consul, Vault and Nomad, whole, as they were reviewed; the secrets in them are made up."""

import pytest

from configs import consul, nomad, vault
from configs.environment import Host, Role
from inventory import environments
from tests.conftest import Golden

NAMES = ["dev", "test", "prod"]


@pytest.mark.parametrize("name", NAMES)
def test_consul_is_as_it_was_reviewed(golden: Golden, name: str) -> None:
    env = environments.load(name)
    for role, host in _agents(env.servers, env.clients).items():
        document = consul.agent(env, host, gossip_key="GOSSIP", token="AGENT-TOKEN", dns_token="DNS-TOKEN")
        golden(f"{name}/consul-{role}", document)


@pytest.mark.parametrize("name", NAMES)
def test_vault_is_as_it_was_reviewed(golden: Golden, name: str) -> None:
    env = environments.load(name)
    golden(f"{name}/vault-server", vault.server(env, env.servers[0], consul_token="CONSUL-TOKEN"))


@pytest.mark.parametrize("name", NAMES)
def test_nomad_is_as_it_was_reviewed(golden: Golden, name: str) -> None:
    env = environments.load(name)
    for role, host in _agents(env.servers, env.clients).items():
        golden(f"{name}/nomad-{role}", nomad.agent(env, host, gossip_key="GOSSIP", consul_token="CONSUL-TOKEN"))


def _agents(servers: tuple[Host, ...], clients: tuple[Host, ...]) -> dict[str, Host]:
    """The first host of each role; where one host is both there is one document."""
    first = {Role.SERVER.value: servers[0], Role.CLIENT.value: clients[0]}
    return {"server": servers[0]} if servers[0] == clients[0] else first
