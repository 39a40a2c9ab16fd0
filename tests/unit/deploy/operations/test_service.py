"""A service runs with its present content: what is due is told by what it was started with."""

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from configs import artifacts
from configs.files import File
from deploy import wait
from deploy.operations import service
from tests.unit.deploy.simulated import Written, all_sent, sent

FILES = (File(path="/etc/thing.json", content="{}"), File(path="/etc/systemd/system/thing.service", content="[Unit]\n"))
DROPIN = "/etc/systemd/system/thing.service.d/90-socle.conf"
CERT = "/etc/socle/pki/thing/cert.pem"
CERT_SUM = "e" * 64
FRESH = f"F 644 root root {CERT_SUM} {CERT}\nU thing inactive none no none none\nEND"
WHOLE = wait.Health(leader=True, healthy=True, detail="3 of 3")


def run(answer: str, files: Sequence[File] = FILES, **more: Any) -> list[str]:
    """What is sent to a host that answers this."""
    return sent(service.running, {"echo END": answer}, unit="thing", files=files, reload_files=[CERT], **more)


def first_run(files: Sequence[File] = FILES, **more: Any) -> list[Written]:
    """The files that a first run writes."""
    found = all_sent(service.running, {"echo END": FRESH}, unit="thing", files=files, reload_files=[CERT], **more)
    return [file for one in found for file in one.files]


def digest(files: Sequence[File] = FILES, **more: Any) -> str:
    """What a first run has systemd write down as the service starts."""
    found = re.search(r"echo ([0-9a-f]{64}) > /run/socle/thing.started", first_run(files, **more)[-1].content)
    assert found
    return found[1]


def running(*, active: str = "active", enabled: str = "enabled", started: str | None = None) -> str:
    """What a host tells on which the first run was done."""
    read = hashlib.sha256(CERT_SUM.encode()).hexdigest()
    unit = f"U thing {active} {enabled} no {started or digest()} {read}"
    return "\n".join([*(one.told() for one in first_run()), f"F 644 root root {CERT_SUM} {CERT}", unit, "END"])


def test_a_fresh_host_gets_files_then_the_unit_is_known_enabled_started_and_waited_for() -> None:
    files, unit = run(FRESH, healthy="curl thing")
    assert [file.path for file in first_run()] == [*(file.path for file in FILES), DROPIN]
    assert all(file.path in files for file in FILES)
    steps = ["systemctl enable", "systemctl daemon-reload", "systemctl restart", "until curl thing"]
    assert sorted(steps, key=unit.index) == steps


def test_only_a_unit_that_was_not_there_spares_systemd_to_read_all_anew() -> None:
    known = '"LoadState=loaded NeedDaemonReload=no "'
    assert known in run(FRESH)[1]
    assert known not in run(FRESH.replace("inactive none", "inactive enabled"))[1]
    assert "systemctl daemon-reload" in run(FRESH.replace("inactive none", "inactive enabled"))[1]


def test_nothing_is_sent_to_a_service_that_runs_with_its_present_content() -> None:
    assert run(running(), healthy="curl thing") == []


def test_a_service_that_was_started_with_older_content_is_restarted() -> None:
    """Also when the files themselves are right: a run that died between the write and the restart."""
    (command,) = run(running(started="0" * 64))
    assert "systemctl restart" in command


def test_a_service_that_is_stopped_is_started_and_one_that_is_disabled_enabled() -> None:
    assert any("systemctl restart" in command for command in run(running(active="failed")))
    (command,) = run(running(enabled="disabled"))
    assert "systemctl enable" in command
    assert "systemctl restart" not in command


def test_another_certificate_is_read_without_a_restart() -> None:
    (command,) = run(running().replace(f"{CERT_SUM} {CERT}", f"{'f' * 64} {CERT}"))
    assert "systemctl reload thing" in command
    assert "restart" not in command


def test_a_healthy_service_is_not_probed_again() -> None:
    assert not [command for command in run(running(enabled="disabled"), healthy="curl thing") if "curl" in command]


def test_a_running_server_is_restarted_only_while_its_group_can_spare_it() -> None:
    asked: list[str] = []

    def quorum() -> wait.Health:
        asked.append("quorum")
        return WHOLE

    run(running(started="0" * 64), quorum=quorum, restarted=lambda: asked.append("restarted"))
    assert asked == ["quorum", "restarted", "quorum"]


def test_nobody_asks_whether_a_server_that_does_not_run_can_be_spared() -> None:
    def quorum() -> wait.Health:
        raise AssertionError

    run(FRESH, quorum=quorum)


def test_several_services_are_asked_for_together_and_brought_about_one_after_the_other() -> None:
    wanted = [service.Service(unit="thing", files=FILES, reload_files=[CERT]), service.Service(unit="other")]
    there = running().removesuffix("END") + "U other inactive none no none none\nEND"
    commands = sent(service.all_running, {"echo END": there}, services=wanted)
    assert all(command.endswith(" other") or "other.service.d" in command for command in commands)
    assert len(commands) == len(["its drop-in", "its start"])


def both_calls(**arguments: Any) -> None:
    """What a phase calls for a server: at once with the others, then in its turn."""
    service.running(only_down=True, **arguments)
    service.running(**arguments)


def in_turn(answer: str) -> list[str]:
    """What both calls send together."""
    arguments = {"unit": "thing", "files": FILES, "reload_files": [CERT], "quorum": lambda: WHOLE}
    return sent(both_calls, {"echo END": answer}, **arguments)


def test_a_server_that_is_down_is_started_by_the_first_call_and_not_asked_again() -> None:
    assert in_turn(FRESH) == run(FRESH)


def test_a_server_that_runs_is_restarted_by_the_second_call_alone() -> None:
    outdated = running(started="0" * 64)
    assert run(outdated, quorum=lambda: WHOLE, only_down=True) == []
    assert in_turn(outdated) == run(outdated)


def test_what_a_reload_reads_is_written_and_reloaded_in_one_run() -> None:
    live = File(path="/etc/thing.rules", content="a")
    reload = run(running(), live=[live])[-1]
    assert "systemctl reload thing" in reload
    assert live.path in reload


def test_the_digest_is_of_path_owner_mode_and_content() -> None:
    one, other = FILES
    changes = [{"path": "/etc/b"}, {"content": "{ }"}, {"mode": "640"}, {"group": "thing"}, {"user": "thing"}]
    changed = [digest([dataclasses.replace(one, **change), other]) for change in changes]
    assert len({digest(), digest(), *changed, digest([one])}) == len(changes) + 2


def test_another_archive_of_the_same_version_restarts() -> None:
    seal = artifacts.CONSUL.seal
    told = [f"F 644 root root {'1' * 64} {seal}\n", f"F 644 root root {'2' * 64} {seal}\n"]
    written = [
        all_sent(service.running, {"echo END": f"{line}{FRESH}"}, unit="thing", files=FILES, program=artifacts.CONSUL)
        for line in told
    ]
    first, second = (found[0].files[-1].content for found in written)
    assert first != second


def test_what_the_process_has_read_is_written_down_by_systemd_as_it_starts() -> None:
    dropin = first_run()[-1]
    assert dropin.path == DROPIN
    assert dropin.content.startswith("[Service]\nExecStartPre=+/bin/sh -c '")
    assert "> /run/socle/thing.reloaded" in dropin.content


def test_a_document_ends_with_a_line_feed_and_keeps_its_order() -> None:
    assert service.document({"b": 1, "a": 2}) == '{\n  "b": 1,\n  "a": 2\n}\n'
