"""What Nomad's agents are told."""

from types import MappingProxyType
from typing import Any

from configs import identity, nomad
from configs.environment import Environment, Role
from inventory import environments
from tests.unit.example import environment, hosts


def agent(host: str, env: Environment | None = None) -> dict[str, Any]:
    env = env or environment()
    return nomad.agent(env, env.host(host), gossip_key="gossip", consul_token="token")


def test_every_agent_has_access_control_and_tls_both_ways() -> None:
    for host in environment().hosts:
        document = agent(host.name)
        assert document["acl"] == {"enabled": True}
        assert (document["tls"]["http"], document["tls"]["rpc"]) == (True, True)
        assert document["tls"]["verify_server_hostname"] is True


def test_a_host_has_the_blocks_of_its_roles() -> None:
    assert "server" in agent("a")
    assert "client" not in agent("a")
    assert "client" in agent("e")
    assert "server" not in agent("e")
    env = environments.load("dev")
    assert {"server", "client"} <= set(agent("dev-1", env))


def test_only_introduced_nodes_become_clients() -> None:
    assert agent("a")["server"]["client_introduction"]["enforcement"] == "strict"


def test_an_election_does_not_keep_lost_clients_for_minutes() -> None:
    assert agent("a")["server"]["failover_heartbeat_ttl"] == "60s"


def test_servers_expect_and_join_one_another() -> None:
    server = agent("b")["server"]
    assert server["bootstrap_expect"] == 3
    assert server["encrypt"] == "gossip"
    assert server["server_join"]["retry_join"] == ["10.0.0.1:4648", "10.0.0.3:4648"]


def test_a_client_knows_every_server_and_tells_its_roles() -> None:
    client = agent("d")["client"]
    assert client["servers"] == ["10.0.0.1:4647", "10.0.0.2:4647", "10.0.0.3:4647"]
    assert client["meta"] == {"client": "true", "ingress": "true"}


def test_dynamic_ports_are_those_that_the_packet_filter_opens() -> None:
    client = agent("e")["client"]
    assert (client["min_dynamic_port"], client["max_dynamic_port"]) == (20_000, 32_000)


def test_no_task_is_privileged_or_mounts_the_host() -> None:
    (docker,) = agent("e")["plugin"][0]["docker"]
    (config,) = docker["config"]
    assert config["allow_privileged"] is False
    assert config["volumes"] == [{"enabled": False}]


def test_a_task_outlives_the_absence_of_consul_and_vault() -> None:
    template = agent("e")["client"]["template"]
    assert all(template[key] == {"attempts": 0} for key in ("consul_retry", "vault_retry", "nomad_retry"))


def test_a_new_client_changes_no_other_hosts_document() -> None:
    """So that an environment grows without a restart."""
    env = environment()
    grown = environment(hosts=hosts({**{h.name: set(h.roles) for h in env.hosts}, "f": {Role.CLIENT}}))
    for host in env.hosts:
        assert agent(host.name, env) == agent(host.name, grown)


def test_identities_are_made_for_the_audiences_that_consul_and_vault_expect() -> None:
    consul, vault = agent("a")["consul"], agent("a")["vault"]
    assert consul["service_identity"]["aud"] == identity.consul_auth_method("ca")["BoundAudiences"]
    assert vault["default_identity"]["aud"] == identity.VAULT_ROLE_DATA["bound_audiences"]
    assert vault["jwt_auth_backend_path"] == identity.VAULT_MOUNT


def test_a_clients_consul_block_makes_no_identities() -> None:
    assert not {"service_identity", "task_identity"} & set(agent("e")["consul"])


def test_what_socle_does_not_say_is_laid_over_the_document() -> None:
    env = environment(extra=MappingProxyType({"nomad": {"client": {"reserved": {"memory": 256}}}}))
    assert agent("e", env)["client"]["reserved"] == {"memory": 256}
    assert agent("e", env)["client"]["enabled"] is True


def test_roles_are_told_in_one_order() -> None:
    env = environments.load("dev")
    assert list(agent("dev-1", env)["client"]["meta"]) == sorted(Role)
