"""A runner of rollouts as a process of its own, for tests that kill or stop it: python -m tests.integration.runner.

It reads from its input: Consul's address, a token, the job, its own name, and a file. It takes the lease, patiently,
and then acts until it is ended: an act confirms the lease, locks the file while it lasts, and writes the journal. What
happens is told in lines: `held`, `overlap` when another acted at the same time, and an exception's name.
"""

import dataclasses
import fcntl
import sys
import time
from pathlib import Path

from configs.errors import HeldError, LostError
from jobs.rollout.journal import Journal
from jobs.rollout.lease import Lease
from tests.integration import rollouts


def main() -> int:
    """Run until the lease is lost."""
    url, token, job, who, file = sys.stdin.readline().split()
    journal = Journal(rollouts.client(url, token), job)
    with _patiently(journal, who) as lease:
        _tell("held")
        try:
            _act(journal, lease, Path(file))
        except LostError as error:
            _tell(type(error).__name__)
    return 0


def _patiently(journal: Journal, who: str) -> Lease:
    while True:
        try:
            return journal.lease(who)
        except HeldError:
            continue


def _act(journal: Journal, lease: Lease, file: Path) -> None:
    state = journal.read() or rollouts.state("web")
    with file.open("a") as shared:
        while True:
            lease.confirm()
            try:
                fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _tell("overlap")
                continue
            state = dataclasses.replace(state, step=state.step + 1)
            lease.write(state)
            time.sleep(0.02)  # holds the file long enough for another runner to be seen at it
            fcntl.flock(shared, fcntl.LOCK_UN)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
