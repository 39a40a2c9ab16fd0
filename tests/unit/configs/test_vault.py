"""What Vault's servers are told, and what policies allow."""

from types import MappingProxyType

from configs import vault
from inventory import environments
from tests.unit.example import environment


def test_a_server_joins_its_peers_and_trusts_them_by_the_services_name() -> None:
    env = environment()
    raft = vault.server(env, env.host("b"), consul_token="t")["storage"]["raft"]
    assert raft["node_id"] == "b"
    assert [join["leader_api_addr"] for join in raft["retry_join"]] == [
        "https://10.0.0.1:8200",
        "https://10.0.0.3:8200",
    ]
    assert {join["leader_tls_servername"] for join in raft["retry_join"]} == {"vault.service.consul"}


def test_a_lone_server_has_no_peers_to_join() -> None:
    env = environments.load("dev")
    assert "retry_join" not in vault.server(env, env.hosts[0], consul_token="t")["storage"]["raft"]


def test_every_listener_is_of_tls() -> None:
    env = environment()
    listeners = [each["tcp"] for each in vault.server(env, env.host("a"), consul_token="t")["listener"]]
    assert [listener["tls_min_version"] for listener in listeners] == ["tls12", "tls12"]
    assert not [listener for listener in listeners if listener.get("tls_disable")]


def test_only_the_metrics_listener_tells_metrics_without_a_token() -> None:
    env = environment()
    api, metrics = (each["tcp"] for each in vault.server(env, env.host("a"), consul_token="t")["listener"])
    assert (api["address"], "telemetry" in api) == ("0.0.0.0:8200", False)
    assert metrics["address"] == "0.0.0.0:8202"
    assert metrics["telemetry"] == {"unauthenticated_metrics_access": True}


def test_a_job_reads_its_own_secrets_and_changes_none() -> None:
    paths = vault.workload_policy("auth_jwt_1")["path"]
    own = (
        "{{identity.entity.aliases.auth_jwt_1.metadata.nomad_namespace}}/"
        "{{identity.entity.aliases.auth_jwt_1.metadata.nomad_job_id}}"
    )
    assert set(paths) == {f"secret/data/{own}/*", f"secret/data/{own}", f"secret/metadata/{own}/*"}
    assert {verb for rule in paths.values() for verb in rule["capabilities"]} == {"read", "list"}


def test_the_operator_may_do_a_days_work_and_not_make_root_tokens_or_seal() -> None:
    paths = set(vault.OPERATOR_POLICY["path"])
    assert {"secret/*", "auth/*", "sys/storage/raft/*"} <= paths
    assert not {path for path in paths if "generate-root" in path or path in {"*", "sys/*", "sys/seal", "sys/rotate"}}


def test_the_audit_log_is_rotated_and_opened_anew() -> None:
    text = vault.log_rotation().text()
    assert text.startswith("/var/log/vault/audit.log {")
    assert "rotate 30" in text
    assert "systemctl kill --signal=HUP vault.service" in text


def test_what_socle_does_not_say_is_laid_over_the_document() -> None:
    env = environment(
        extra=MappingProxyType({"vault": {"log_level": "debug", "storage": {"raft": {"max_entry_size": 1}}}})
    )
    document = vault.server(env, env.host("a"), consul_token="t")
    assert document["log_level"] == "debug"
    assert (document["storage"]["raft"]["node_id"], document["storage"]["raft"]["max_entry_size"]) == ("a", 1)
