"""What Consul's agents are told."""

from types import MappingProxyType

from configs import consul
from configs.environment import Role
from inventory import environments
from tests.unit.example import environment, hosts

KEYS = {"gossip_key": "gossip", "token": "agent", "dns_token": "dns"}


def test_nothing_is_answered_without_a_token() -> None:
    env = environment()
    for host in env.hosts:
        acl = consul.agent(env, host, **KEYS)["acl"]
        assert (acl["enabled"], acl["default_policy"]) == (True, "deny")


def test_no_agent_has_a_port_in_clear_but_dns_on_loopback() -> None:
    env = environment()
    for host in env.hosts:
        document = consul.agent(env, host, **KEYS)
        assert document["ports"]["http"] == document["ports"]["grpc"] == document["ports"]["serf_wan"] == -1
        assert document["client_addr"] == "127.0.0.1"
        assert document["addresses"] == {"https": "0.0.0.0"}


def test_agents_prove_themselves_to_one_another_by_certificate_and_gossip_key() -> None:
    env = environment()
    document = consul.agent(env, env.host("e"), **KEYS)
    assert document["encrypt"] == "gossip"
    assert document["tls"]["defaults"]["verify_incoming"] is True
    assert document["tls"]["internal_rpc"] == {"verify_server_hostname": True}


def test_servers_wait_for_one_another_and_clients_are_no_servers() -> None:
    env = environment()
    server, client = (consul.agent(env, env.host(name), **KEYS) for name in ("a", "e"))
    assert (server["server"], server["bootstrap_expect"]) == (True, 3)
    assert server["performance"] == {"raft_multiplier": 1}
    assert not {"server", "bootstrap_expect", "autopilot"} & set(client)


def test_an_agent_joins_every_server_but_itself() -> None:
    env = environment()
    assert consul.agent(env, env.host("b"), **KEYS)["retry_join"] == ["10.0.0.1", "10.0.0.3"]
    assert consul.agent(env, env.host("e"), **KEYS)["retry_join"] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_a_new_client_changes_no_other_hosts_document() -> None:
    """So that an environment grows without a restart."""
    env = environment()
    grown = environment(hosts=hosts({**{h.name: set(h.roles) for h in env.hosts}, "f": {Role.CLIENT}}))
    for host in env.hosts:
        assert consul.agent(env, host, **KEYS) == consul.agent(grown, host, **KEYS)


def test_there_is_one_token_for_each_agent_and_purpose() -> None:
    env = environment()
    purposes = [token.purpose for token in consul.tokens(env)]
    assert len(purposes) == len(set(purposes))
    agents = {f"{kind}-{name}" for kind in ("agent", "nomad") for name in "abcde"}
    assert set(purposes) == {"dns", "prometheus", *agents, *(f"vault-{name}" for name in "abc")}


def test_every_tokens_policies_exist() -> None:
    named = {policy for token in consul.tokens(environment()) for policy in token.policies}
    assert named <= set(consul.POLICIES)


def test_no_token_of_ours_but_a_nomad_servers_may_write_access_control() -> None:
    assert [name for name, rules in consul.POLICIES.items() if "acl" in rules] == ["nomad-server"]


def test_tasks_read_their_settings_and_the_weights_and_no_other_key() -> None:
    rules = consul.POLICIES["nomad-default-tasks"]
    assert rules["key_prefix"] == {"socle/weights/": {"policy": "read"}, "config/": {"policy": "read"}}


def test_what_socle_does_not_say_is_laid_over_the_document() -> None:
    env = environment(extra=MappingProxyType({"consul": {"log_level": "DEBUG", "limits": {"rpc_rate": 100}}}))
    document = consul.agent(env, env.host("a"), **KEYS)
    assert (document["log_level"], document["limits"]) == ("DEBUG", {"rpc_rate": 100})


def test_a_lone_server_asks_autopilot_for_no_quorum() -> None:
    env = environments.load("dev")
    assert consul.agent(env, env.hosts[0], **KEYS)["autopilot"] == {"min_quorum": 0}
