"""Rollouts attended in threads: each by the same runner that a person's command has."""

import threading
import time
from functools import partial

from configs.errors import SocleError
from jobs.rollout import runner
from jobs.rollout.chronicle import Say
from jobs.rollout.reach import Reach
from jobs.rollout.state import Decision


class Attendance:
    """The rollouts that this process runs, or follows while another does."""

    def __init__(self, reach: Reach, who: str, say: Say) -> None:
        self._reach, self._who, self._say = reach, who, say
        self._threads: dict[str, threading.Thread] = {}
        self._troubles: dict[str, str] = {}
        self._ending = threading.Event()
        self._clock = runner.Clock(sleep=self._sleep)

    @property
    def jobs(self) -> frozenset[str]:
        """The jobs whose rollouts are attended now."""
        return frozenset(job for job, thread in self._threads.items() if thread.is_alive())

    def attend(self, job: str) -> None:
        """Take the open rollout of a job to its end, in the background."""
        thread = threading.Thread(target=self._attended, args=(job,), name=f"rollout of {job}", daemon=True)
        self._threads[job] = thread
        thread.start()

    def end(self, within: float) -> None:
        """Give all rollouts back, each at the end of its turn, and their leases with them; `within` seconds for all."""
        self._ending.set()
        end = time.monotonic() + within
        for thread in self._threads.values():
            thread.join(max(0.0, end - time.monotonic()))

    def _attended(self, job: str) -> None:
        try:
            runner.attend(self._reach, job, who=self._who, report=partial(self._report, job), clock=self._clock)
        except _EndingError:
            pass
        except SocleError as error:
            self._trouble(job, str(error))
        except Exception as error:  # noqa: BLE001 - a defect in one rollout's way must not end the others
            self._trouble(job, f"{type(error).__name__}: {error}")

    def _report(self, job: str, decision: Decision) -> None:
        """Decisions are told from the journal; what a runner meets on its way is not kept there."""
        if decision.text.startswith(runner.AGAIN):
            self._trouble(job, decision.text)

    def _trouble(self, job: str, text: str) -> None:
        """It is attended again within a second: the same trouble is told once."""
        if self._troubles.get(job) != text:
            self._troubles[job] = text
            self._say({"kind": "trouble", "nomad_job": job, "text": text})

    def _sleep(self, seconds: float) -> None:
        if self._ending.wait(seconds):
            raise _EndingError


class _EndingError(Exception):
    """The process ends: the runner lets go of the lease on its way out."""
