"""The right to run a job's rollout: what it writes is written by nobody else."""

from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from configs import ingress
from configs.errors import LostError
from jobs.rollout import kv
from jobs.rollout.hold import Hold
from jobs.rollout.keys import Keys, packed
from jobs.rollout.kv import KV
from jobs.rollout.state import State

KEPT: Final = 50
"""Rollouts that a job's history keeps."""

_AT_ONCE: Final = 20
"""Rollouts that one ending removes at most: a transaction has room for 64 operations."""


class Lease:
    """Held until its `with` ends, or until it is lost.

    Every write raises LostError when the lease is not ours any more, and then nothing was written; and AccessError
    when Consul does not answer for fifteen seconds: it is then written as a whole or not at all.
    """

    def __init__(self, store: KV, keys: Keys, held: Hold) -> None:
        self._kv = store
        self._keys = keys
        self._hold = held
        entry = store.get(keys.current)
        self._index = entry.index if entry else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hold.release()

    def write(self, state: State) -> None:
        """Keep the state of the open rollout, or open one.

        Raises:
            RolloutError: when the state is too large for Consul.
        """
        text = packed(state)
        # A request that came as the last rollout ended was not meant for one that begins.
        also = () if self._index else (kv.delete(self._keys.request),)
        done = self._hold.commit(kv.cas(self._keys.current, text, self._index), *also)
        if done is not None:
            self._index = done[self._keys.current]
            return
        entry = self._kv.get(self._keys.current)
        if entry is None or entry.value != text:
            raise LostError(f"{self._keys.current}: somebody without the lease changed it - look at it before going on")
        self._index = entry.index

    def put_weights(self, service: str, canary: int) -> None:
        """Give a canary its share of a service's traffic, 0 to 100."""
        self._hold.commit(kv.put(ingress.weights_key(service), ingress.weights(100 - canary, canary).encode()))

    def finish(self, state: State) -> None:
        """Move the rollout to the history, without its spec; the job is free for another."""
        old = self._kv.keys(self._keys.history)[: -KEPT + 1][:_AT_ONCE]
        self._hold.commit(
            kv.put(self._keys.ended(state), packed(replace(state, spec={}))),
            kv.delete(self._keys.current),
            kv.delete(self._keys.request),
            *map(kv.delete, old),
        )
        self._index = 0

    def confirm(self) -> None:
        """See that the lease was surely ours within the last four seconds; to be called before each act on Nomad."""
        self._hold.confirm()
