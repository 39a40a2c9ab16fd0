"""systemd units from their few facts."""

from configs import consul, loki, nomad, units, vault
from inventory import environments
from tests.unit.example import environment


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_unit_has_three_sections_and_starts_with_the_system() -> None:
    text = units.unit(description="A thing", exec_start="/bin/thing", user="thing")
    assert [line for line in lines(text) if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]
    assert "WantedBy=multi-user.target" in lines(text)
    assert {"Description=A thing", "ExecStart=/bin/thing", "User=thing", "Group=thing"} <= set(lines(text))


def test_every_service_is_sandboxed_unless_it_says_that_it_must_be_root() -> None:
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= set(
        lines(units.unit(description="x", exec_start="x", user="x"))
    )
    assert "ProtectSystem=strict" not in lines(units.unit(description="x", exec_start="x", user="x", hardened=False))


def test_a_services_own_settings_win_over_the_sandboxs() -> None:
    text = units.unit(description="x", exec_start="x", user="x", service={"ProtectHome": "read-only"})
    assert [line for line in lines(text) if line.startswith("ProtectHome")] == ["ProtectHome=read-only"]


def test_truth_is_yes_a_list_is_a_line_an_entry_and_a_number_itself() -> None:
    text = units.render({"Service": {"A": True, "B": False, "C": ["1", "2"], "D": 7}})
    assert lines(text) == ["[Service]", "A=yes", "B=no", "C=1", "C=2", "D=7"]


def test_sections_are_parted_by_an_empty_line() -> None:
    assert units.render({"A": {"x": 1}, "B": {"y": 2}}) == "[A]\nx=1\n\n[B]\ny=2\n"


def test_a_services_user_may_write_its_own_data_alone() -> None:
    env = environment()
    servers = {"consul": consul.unit().text(), "vault": vault.unit().text(), "loki": loki.files(env)[1].text()}
    for name, text in servers.items():
        assert [line for line in lines(text) if line.startswith("ReadWritePaths")] == [
            f"ReadWritePaths=/var/lib/{name}"
        ]


def test_no_unit_gives_up_starting() -> None:
    assert "StartLimitIntervalSec=0" in lines(consul.unit().text())


def test_nomads_server_is_sandboxed_and_its_client_shares_the_hosts_mounts() -> None:
    env = environments.load("test")
    server, client = (lines(nomad.unit(hosts[0]).text()) for hosts in (env.servers, env.clients))
    assert {"User=nomad", "ProtectSystem=strict"} <= set(server)
    assert {"User=root", "KillMode=process", "Delegate=yes"} <= set(client)
    of_mounts = ("Protect", "Private", "ReadWrite", "Inaccessible", "SystemCallFilter", "UMask")
    assert not [line for line in client if line.startswith(of_mounts)]
