"""What the check of an environment says of what it found."""

from deploy import health


def test_one_active_vault_server_is_well_and_named() -> None:
    assert health.active(["test-server-2"]) == (True, "test-server-2")


def test_two_active_vault_servers_are_a_finding_that_names_both_and_what_to_do() -> None:
    well, said = health.active(["test-server-1", "test-server-3"])
    assert not well
    assert said == (
        "test-server-1 and test-server-3 at once - restart Vault on one of them, then run deploy/cluster.py"
    )


def test_no_active_vault_server_is_a_finding() -> None:
    well, said = health.active([])
    assert not well
    assert said.startswith("none - ")
