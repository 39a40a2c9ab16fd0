"""The rollouts' controller: python -m jobs.rollout.controller FOLDER.

One instance is active, by a key that it holds in Consul; the others stand by. The active one attends every open rollout
that no other runner has, tells what is decided in each of them, and counts it. It has nothing of its own to lose: all
is in the journals.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from configs.consul import ACTIVE
from configs.errors import AccessError, HeldError, LostError, RolloutError
from jobs.rollout import hold
from jobs.rollout.attendance import Attendance
from jobs.rollout.chronicle import Chronicle, Document
from jobs.rollout.figures import Figures
from jobs.rollout.hold import Hold
from jobs.rollout.journal import Journal
from jobs.rollout.kv import KV
from jobs.rollout.reach import Reach
from jobs.rollout.state import Phase, State

KEY: Final = f"{ACTIVE}active"
POLL_S: Final = 1.0
"""Between two looks at the journals, in seconds."""

DOUBT_S: Final = 2 * hold.BEAT_S + 0.5
"""An active instance without a heartbeat for so long is perhaps not one any more, in seconds."""

GIVE_BACK_S: Final = 10.0
"""How long an instance that is told to end waits for a rollout's turn to be over, in seconds."""

STALE_S: Final = 90.0
"""Without a turn for so long it is no longer healthy, in seconds: an unanswered call ends within a third of that."""


class Controller:
    """One instance."""

    def __init__(self, reach: Reach, who: str, figures: Figures) -> None:
        self._reach, self._who, self._figures = reach, who, figures
        self._turn = time.monotonic()

    @property
    def healthy(self) -> bool:
        """Whether it still takes its turns; a Consul that does not answer is no reason to start it again."""
        return time.monotonic() - self._turn < STALE_S

    def run(self, stop: threading.Event) -> None:
        """Stand by, be active when nobody is, until told to stop."""
        while not stop.is_set():
            self._turn = time.monotonic()
            try:
                if self._doubtful(stop):
                    self._succeed(stop)
            except AccessError as error:
                self._failed(error)
                stop.wait(POLL_S)

    def _doubtful(self, stop: threading.Event) -> bool:
        """Whether the active instance shows no life, after two heartbeats at most."""
        store = KV(self._reach.consul)
        first, end = store.get(KEY), hold.now() + DOUBT_S
        while first and first.session and hold.now() < end and not stop.wait(POLL_S):
            entry = store.get(KEY)
            if entry and entry.session and entry.index != first.index:
                return False
        return not stop.is_set()

    def _succeed(self, stop: threading.Event) -> None:
        """Be active, if nobody is; the leases of rollouts are watched meanwhile, so that both are free at one time."""
        attendance = Attendance(self._reach, self._who, say)
        try:
            self._prepare(attendance)
            held = hold.take(KV(self._reach.consul), KEY, self._who)
            try:
                self._active(held, attendance, stop)
            finally:
                held.release()
        except HeldError:
            pass
        except LostError as error:
            say({"kind": "standby", "text": str(error)})
        finally:
            attendance.end(GIVE_BACK_S)
            self._figures.attended.set(0)

    def _prepare(self, attendance: Attendance) -> None:
        for job in Journal.open_jobs(self._reach.consul):
            with suppress(RolloutError):  # told by the chronicle
                state = Journal(self._reach.consul, job).read()
                if state and self._wants(state):
                    attendance.attend(job)

    def _active(self, held: Hold, attendance: Attendance, stop: threading.Event) -> None:
        say({"kind": "active", "who": self._who})
        self._figures.active.set(1)
        chronicle = Chronicle(self._reach.consul, self._figures, say)
        try:
            while not stop.is_set():
                self._turn = time.monotonic()
                self._look(held, chronicle, attendance)
                stop.wait(POLL_S)
        finally:
            self._figures.active.set(0)
            self._figures.see({}, {})
            attendance.end(GIVE_BACK_S)

    def _look(self, held: Hold, chronicle: Chronicle, attendance: Attendance) -> None:
        try:
            held.confirm()
            for job, state in chronicle.look().items():
                if job not in attendance.jobs and self._wants(state):
                    attendance.attend(job)
        except AccessError as error:
            self._failed(error)
        self._figures.attended.set(len(attendance.jobs))

    def _wants(self, state: State) -> bool:
        """Whether a runner has something to do: one that is held waits for a person's request."""
        if state.phase is not Phase.HELD:
            return True
        request = Journal(self._reach.consul, state.job).request()
        return request is not None and request.index > state.request

    def _failed(self, error: AccessError) -> None:
        self._figures.failures.inc()
        say({"kind": "trouble", "text": str(error)})


class Answers(BaseHTTPRequestHandler):
    """/health and /metrics."""

    controller: Controller
    figures: Figures
    timeout = 10

    def do_GET(self) -> None:
        """200, and 503 from /health when it takes no turns any more."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, self.figures.text(), "text/plain; version=0.0.4; charset=utf-8")
            case "/health":
                self._answer(*((200, b"ok\n") if self.controller.healthy else (503, b"it hangs\n")), "text/plain")
            case _:
                self._answer(404, b"/health, /metrics\n", "text/plain")

    def log_message(self, *_: object) -> None:
        """Nothing: Consul and Prometheus ask every few seconds."""

    def _answer(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def say(document: Document) -> None:
    """One line of JSON: Nomad keeps it, the Collector brings it to Loki."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run until SIGTERM; the folder has what the task is given (Reach.of_task)."""
    figures = Figures()
    reach = Reach.of_task(Path(arguments[0]), environment.get("CONSUL_HTTP_TOKEN", ""))
    allocation, node = environment.get("NOMAD_SHORT_ALLOC_ID", os.getpid()), environment.get("NODE_NAME", "this host")
    who = f"controller {allocation} on {node}"
    controller, stop = Controller(reach, who, figures), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    handler = type("Handler", (Answers,), {"controller": controller, "figures": figures})
    server = ThreadingHTTPServer(("0.0.0.0", int(environment.get("NOMAD_PORT_http", "9380"))), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    controller.run(stop)
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
