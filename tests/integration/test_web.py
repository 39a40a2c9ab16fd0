"""The sample service's program: what it shows, and each way in which it can be told to misbehave."""

import io
import json
import signal
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from configs import artifacts
from tests.integration import servers
from tests.integration.conftest import Binary
from tests.integration.servers import Server

_KEY = "planted-secret-value"


@contextmanager
def _web(binary: Binary, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    (folder / "settings.json").write_text(json.dumps({"greeting": "hello"}))
    (folder / "web.json").write_text(json.dumps({"key": _KEY}))
    [port] = servers.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    given = {
        "NOMAD_PORT_http": str(port),
        "NOMAD_TASK_DIR": str(folder),
        "NOMAD_SECRETS_DIR": str(folder),
        "NOMAD_ALLOC_ID": "alloc-1",
        **(env or {}),
    }
    command = [binary("web")]
    with servers.running(
        command, folder, env=given, addresses={"http": url}, healthy=lambda: requests.get(f"{url}/metrics", timeout=2)
    ) as server:
        yield server


@pytest.fixture(scope="module")
def web(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _web(binary, tmp_path_factory.mktemp("web")) as server:
        yield server


def _status(web: Server, path: str = "/") -> int:
    return requests.get(f"{web.url}{path}", timeout=10).status_code


def test_it_shows_its_version_setting_and_only_a_digest_of_its_secret(web: Server) -> None:
    answer = web.get("/")
    assert answer["version"] == artifacts.WEB.version
    assert answer["greeting"] == "hello"
    assert answer["alloc"] == "alloc-1"
    assert len(answer["secret_digest"]) == 12
    assert _KEY not in json.dumps(answer) + web.log


def test_its_metrics_count_requests_by_code_and_tell_the_build(web: Server) -> None:
    assert _status(web, "/?fail=1") == 500
    text = requests.get(f"{web.url}/metrics", timeout=5).text
    assert 'http_requests_total{code="500",method="GET"}' in text
    assert 'http_request_duration_seconds_bucket{code="500",method="GET",le="0.005"}' in text
    assert "http_requests_in_flight 0" in text
    assert f'web_build_info{{version="{artifacts.WEB.version}"}} 1' in text


def test_each_request_is_one_line_of_json(web: Server) -> None:
    _status(web, "/nowhere?secret=value")
    line = servers.until("the line is there", lambda: [li for li in web.log.splitlines() if "/nowhere" in li])[0]
    entry = json.loads(line)
    assert (entry["method"], entry["path"], entry["status"], entry["alloc"]) == ("GET", "/nowhere", 404, "alloc-1")
    assert entry["duration_ms"] >= 0


@pytest.mark.parametrize(
    ("query", "at_least"), [("delay=200ms", 0.2), ("cpu=50ms", 0.05), ("delay=50ms&cpu=50ms", 0.1)]
)
def test_a_request_can_ask_to_be_slow(web: Server, query: str, at_least: float) -> None:
    answer = requests.get(f"{web.url}/?{query}", timeout=5)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= at_least


@pytest.mark.parametrize("query", ["delay=1h", "cpu=1m", "fail=2", "fail=often", "delay=-1s"])
def test_a_request_cannot_ask_for_more_than_the_bounds(web: Server, query: str) -> None:
    answer = requests.get(f"{web.url}/?{query}", timeout=5)
    assert answer.status_code == 400
    assert "use" in answer.json()["error"]


def test_a_share_of_failures_is_that_share(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path, {"FAULT_ERROR_RATE": "0.5"}) as web, requests.Session() as session:
        codes = [session.get(web.url, timeout=5).status_code for _ in range(200)]
    assert 60 < codes.count(500) < 140
    assert codes.count(200) + codes.count(500) == 200


def test_a_version_can_fail_its_check_while_it_serves(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path, {"FAULT_CHECK": "300ms"}) as web:
        assert _status(web, "/health") == 200
        servers.until("the check fails", lambda: _status(web, "/health") == 503, within_s=5)
        assert _status(web) == 200


def test_a_version_can_crash(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path, {"FAULT_CRASH": "500ms"}) as web:
        assert web.process.wait(5) == 3


def test_a_version_can_leak_and_log_errors(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path, {"FAULT_LEAK": "32", "FAULT_LOG_ERRORS": "1", "FAULT_DELAY": "50ms"}) as web:
        assert requests.get(web.url, timeout=5).elapsed.total_seconds() >= 0.05
        assert '"level":"ERROR"' in web.log
        servers.until("it has leaked", lambda: _resident_mib(web) > 60, within_s=8)


def test_a_fault_that_is_not_understood_ends_it_with_what_to_write(binary: Binary, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}")
    with servers.running([binary("web")], tmp_path, env={"FAULT_DELAY": "soon", "FAULT_LEAK": "all"}) as web:
        assert web.process.wait(5) == 1
        assert "FAULT_DELAY" in web.log
        assert "FAULT_LEAK" in web.log


def test_on_hangup_it_reads_its_inputs_again(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path) as web:
        before = web.get("/")["secret_digest"]
        (tmp_path / "settings.json").write_text(json.dumps({"greeting": "changed"}))
        (tmp_path / "web.json").write_text(json.dumps({"key": "another"}))
        web.process.send_signal(signal.SIGHUP)
        servers.until("the setting is read", lambda: web.get("/")["greeting"] == "changed", within_s=5)
        assert web.get("/")["secret_digest"] != before


def test_inputs_that_are_damaged_leave_the_former_in_force(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path) as web:
        (tmp_path / "web.json").write_text(f'{{"key": "{_KEY}')
        web.process.send_signal(signal.SIGHUP)
        servers.until("it says so", lambda: "inputs are not read" in web.log, within_s=5)
        assert web.get("/")["greeting"] == "hello"
        assert _KEY not in web.log


def test_it_writes_an_image_of_itself_the_same_each_time(binary: Binary, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        with servers.running([binary("web"), "image", tmp_path / name], tmp_path) as web:
            assert web.process.wait(10) == 0, web.log
    with tarfile.open(tmp_path / "one.tar") as image:
        manifest = json.load(image.extractfile("manifest.json") or io.BytesIO())
    assert manifest[0]["RepoTags"] == [f"socle/web:{artifacts.WEB.version}"]
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_request_in_flight_is_answered_after_the_signal_to_end(binary: Binary, tmp_path: Path) -> None:
    with _web(binary, tmp_path) as web:
        codes: list[int] = []
        request = threading.Thread(target=lambda: codes.append(_status(web, "/?delay=1s")))
        request.start()
        servers.until("it is in flight", lambda: "http_requests_in_flight 1" in _metrics(web), within_s=5)
        web.process.terminate()
        request.join(5)
        assert codes == [200]
        assert web.process.wait(5) == 0
        assert "drained" in web.log


def _metrics(web: Server) -> str:
    return requests.get(f"{web.url}/metrics", timeout=5).text


def _resident_mib(web: Server) -> float:
    pages = int(Path(f"/proc/{web.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20
