"""Files and units as a host tells them."""

from deploy.facts.state import FileState, HostState, UnitState

SUM = "c" * 64


def test_files_and_units_are_read_from_one_answer() -> None:
    state = HostState().process(
        [
            f"F 640 root consul {SUM} /etc/consul/consul.json",
            "U consul active enabled no abc def",
            "U vault inactive none yes none none",
            "END",
        ]
    )
    assert state is not None
    assert state.files == {"/etc/consul/consul.json": FileState(mode="640", user="root", group="consul", sha256=SUM)}
    assert state.units == {
        "consul": UnitState(
            active="active", enabled="enabled", need_daemon_reload=False, started="abc", reloaded="def"
        ),
        "vault": UnitState(active="inactive", enabled="none", need_daemon_reload=True, started="none", reloaded="none"),
    }


def test_a_path_may_hold_spaces() -> None:
    state = HostState().process([f"F 644 root root {SUM} /etc/a b", "END"])
    assert state is not None
    assert list(state.files) == ["/etc/a b"]


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    assert HostState().process([f"F 644 root root {SUM} /etc/a"]) is None
    assert HostState().process([]) is None
    assert HostState.default() is None


def test_paths_and_units_are_quoted_and_one_command_asks_all() -> None:
    command = HostState().command(paths=["/etc/a b"], units=["consul", "vault"])
    assert "'/etc/a b'" in command
    assert command.endswith("echo END")
    assert "consul vault" in command


def test_nothing_is_asked_about_nothing() -> None:
    assert HostState().command(paths=[], units=[]) == "true; true; echo END"
