"""A job's open rollout, what people ask of it, and the rollouts that ended, as Consul keeps them."""

import json
import time
from contextlib import suppress
from typing import Final, get_args, get_type_hints

import consul
import pydantic

from configs.consul import JOURNALS
from configs.errors import HeldError, RolloutError
from jobs.rollout import hold, kv
from jobs.rollout.hold import Holder
from jobs.rollout.keys import Keys, job_of, unpacked
from jobs.rollout.kv import KV
from jobs.rollout.lease import Lease
from jobs.rollout.seen import Request
from jobs.rollout.state import State

_ACTIONS: Final = get_args(get_type_hints(Request)["action"])


class Journal:
    """What Consul keeps of one job's rollouts.

    Every call raises AccessError when Consul does not answer for fifteen seconds, or refuses the token.
    """

    def __init__(self, client: consul.Consul, job: str) -> None:
        self._kv = KV(client)
        self._job = job
        self._keys = Keys(job)

    def read(self) -> State | None:
        """The open rollout; None without one.

        Raises:
            RolloutError: when what is there cannot be read.
        """
        entry = self._kv.get(self._keys.current)
        return unpacked(entry) if entry else None

    def holder(self) -> Holder | None:
        """Who has the lease, alive or not."""
        return hold.holder(self._kv, self._keys.lease)

    def lease(self, who: str) -> Lease:
        """Take the lease: at once when nobody has it, after seven seconds when its holder shows no life.

        Args:
            who: a person and a machine, for others to read.

        Raises:
            HeldError: when its holder lives, within two heartbeats.
        """
        try:
            held = hold.take(self._kv, self._keys.lease, who)
        except HeldError:
            raise HeldError(
                f"{self._job}: {self.holder() or 'another runner'} runs its rollout - see it with `status`, end it "
                "with `abort`"
            ) from None
        try:
            return Lease(self._kv, self._keys, held)
        except BaseException:
            held.release()
            raise

    def history(self, limit: int = 20) -> tuple[State, ...]:
        """The rollouts that ended, the newest first, without their specs: those are Nomad's to know.

        What another release of this program wrote, and this one cannot read, is left out.
        """
        found: list[State] = []
        for entry in reversed(self._kv.under(self._keys.history)):
            with suppress(RolloutError):
                found.append(unpacked(entry))
        return tuple(found[:limit])

    def ask(self, action: str, who: str) -> int:
        """Ask the runner of the open rollout for something.

        Returns:
            The request's modify index, which `State.request` reaches when it was taken.

        Raises:
            RolloutError: when no rollout is open.
        """
        if action not in _ACTIONS:
            raise RolloutError(f"{action}: nothing that a rollout can be asked for - one of {', '.join(_ACTIONS)}")
        # With the time no two requests are the same: Consul gives a value that does not change no new index.
        text = json.dumps({"action": action, "who": who, "at": time.time_ns()}).encode()
        done = self._kv.commit(kv.present(self._keys.current), kv.put(self._keys.request, text))
        if done is None:
            raise RolloutError(f"{self._job}: no rollout is open, so there is nothing to {action} - begin one with run")
        return done[self._keys.request]

    def request(self) -> Request | None:
        """What was asked for last in the open rollout; text that is no request counts as none."""
        entry = self._kv.get(self._keys.request)
        if entry is None:
            return None
        try:
            return _REQUEST.validate_python({**json.loads(entry.value), "index": entry.index})
        except (ValueError, TypeError):
            return None

    @staticmethod
    def open_jobs(client: consul.Consul) -> tuple[str, ...]:
        """The jobs with an open rollout."""
        return tuple(job for key in KV(client).keys(JOURNALS) if (job := job_of(key)) is not None)


_REQUEST: pydantic.TypeAdapter[Request] = pydantic.TypeAdapter(Request)
