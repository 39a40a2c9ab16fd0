"""A job's open rollout, its lease, what people ask of it, and the rollouts that ended: all in Consul's KV.

socle/rollouts/<job>/current              the open rollout's state; absent without one
socle/rollouts/<job>/lease                who runs it
socle/rollouts/<job>/request              what a person asked for last
socle/rollouts/<job>/history/<when>-<id>  rollouts that ended
"""

import gzip
import json
import time
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Final, Self, get_args, get_type_hints
from urllib.parse import quote, unquote

import consul
import pydantic

from configs import ingress
from configs.consul import JOURNALS
from configs.errors import HeldError, LostError, RolloutError
from jobs.rollout import hold, kv
from jobs.rollout.hold import Hold, Holder
from jobs.rollout.kv import KV
from jobs.rollout.seen import Request
from jobs.rollout.state import State

KEPT: Final = 50
"""Rollouts that a job's history keeps."""

_PLAIN: Final = 64 * 1024
"""Bytes; a longer state is compressed: Consul takes 512 KiB a transaction, and base64 makes 3 bytes 4."""

_LARGEST: Final = 360 * 1024
_GZIP: Final = b"\x1f\x8b"
_ACTIONS: Final = get_args(get_type_hints(Request)["action"])


class Journal:
    """What Consul keeps of one job's rollouts.

    Every call raises AccessError when Consul does not answer for fifteen seconds, or refuses the token.
    """

    def __init__(self, client: consul.Consul, job: str) -> None:
        self._kv = KV(client)
        self._job = job
        self._keys = _Keys(job)

    def read(self) -> State | None:
        """The open rollout; None without one.

        Raises:
            RolloutError: when what is there cannot be read.
        """
        entry = self._kv.get(self._keys.current)
        return _state(entry) if entry else None

    def holder(self) -> Holder | None:
        """Who has the lease, alive or not."""
        return hold.holder(self._kv, self._keys.lease)

    def lease(self, who: str) -> "Lease":
        """Take the lease: at once when nobody has it, after seven seconds when its holder shows no life.

        Args:
            who: a person and a machine, for others to read.

        Raises:
            HeldError: when its holder lives, within two seconds.
        """
        try:
            held = hold.take(self._kv, self._keys.lease, who)
        except HeldError:
            raise HeldError(
                f"{self._job}: {self.holder() or 'another runner'} runs its rollout - follow it with python -m jobs "
                f"status {self._job}, or end it with python -m jobs abort {self._job}"
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
                found.append(_state(entry))
        return tuple(found[:limit])

    def ask(self, action: str, who: str) -> int:
        """Ask the runner of the open rollout for something; the modify index by which its state says that it was taken.

        Raises:
            RolloutError: when no rollout is open.
        """
        if action not in _ACTIONS:
            raise RolloutError(f"{action}: nothing that a rollout can be asked for - one of {', '.join(_ACTIONS)}")
        # With the time no two requests are the same: Consul gives a value that does not change no new index.
        text = json.dumps({"action": action, "who": who, "at": time.time_ns()}).encode()
        done = self._kv.commit(kv.present(self._keys.current), kv.put(self._keys.request, text))
        if done is None:
            raise RolloutError(f"{self._job}: no rollout is open, so there is nothing to {action} - start one with run")
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
        found = (key.removeprefix(JOURNALS).split("/") for key in KV(client).keys(JOURNALS))
        return tuple(unquote(words[0]) for words in found if words[1:] == ["current"])


class Lease:
    """The right to run a job's rollout, for as long as it is held; to be used by `with`.

    Every write raises LostError when the lease is not ours any more, and then nothing was written; and AccessError
    when Consul does not answer for fifteen seconds: it is then written as a whole or not at all.
    """

    def __init__(self, store: KV, keys: "_Keys", held: Hold) -> None:
        self._kv = store
        self._keys = keys
        self._hold = held
        entry = store.get(keys.current)
        self._index = entry.index if entry else 0
        self._found = _state(entry) if entry else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hold.release()

    @property
    def found(self) -> State | None:
        """The rollout that was open when the lease was taken, to go on with."""
        return self._found

    def open(self, state: State) -> None:
        """Begin a rollout.

        Raises:
            RolloutError: when one is open, or its state is too large for Consul.
        """
        if self._index:
            raise HeldError(f"{state.job}: a rollout of it is open - go on with python -m jobs resume {state.job}")
        # Left by a request that came as the last rollout ended: it was not meant for this one.
        self._write(state, kv.delete(self._keys.request))

    def write(self, state: State) -> None:
        """Keep the state of the open rollout."""
        self._write(state)

    def put_weights(self, service: str, canary: int) -> None:
        """Give a canary its share of a service's traffic, 0 to 100."""
        self._hold.commit(kv.put(ingress.weights_key(service), ingress.weights(100 - canary, canary).encode()))

    def finish(self, state: State) -> None:
        """Move the rollout to the history; the job is free for another."""
        old = self._kv.keys(self._keys.history)[: -KEPT + 1][:20]
        self._hold.commit(
            kv.put(self._keys.ended(state), _packed(replace(state, spec={}))),
            kv.delete(self._keys.current),
            kv.delete(self._keys.request),
            *map(kv.delete, old),
        )
        self._index = 0

    def confirm(self) -> None:
        """See that the lease was surely ours within the last four seconds; to be called before each act on Nomad."""
        self._hold.confirm()

    def _write(self, state: State, *also: kv.Operation) -> None:
        text = _packed(state)
        done = self._hold.commit(kv.cas(self._keys.current, text, self._index), *also)
        if done is not None:
            self._index = done[self._keys.current]
            return
        entry = self._kv.get(self._keys.current)
        if entry is None or entry.value != text:
            raise LostError(f"{self._keys.current}: somebody without the lease changed it - look at it before going on")
        self._index = entry.index


class _Keys:
    """Where a job's are; a job's name may have slashes."""

    def __init__(self, job: str) -> None:
        folder = f"{JOURNALS}{quote(job, safe='')}"
        self.current = f"{folder}/current"
        self.lease = f"{folder}/lease"
        self.request = f"{folder}/request"
        self.history = f"{folder}/history/"

    def ended(self, state: State) -> str:
        """Keys sort by the rollout's start."""
        return f"{self.history}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(state.started))}-{state.id}"


def _packed(state: State) -> bytes:
    text = state.to_json().encode()
    packed = text if len(text) <= _PLAIN else gzip.compress(text, mtime=0)
    if len(packed) > _LARGEST:
        raise RolloutError(
            f"{state.job}: its rollout's state has {len(packed)} bytes compressed, Consul keeps {_LARGEST} - move "
            "large templates of the job to Consul KV or an artifact"
        )
    return packed


def _state(entry: kv.Entry) -> State:
    try:
        text = gzip.decompress(entry.value) if entry.value.startswith(_GZIP) else entry.value
        return State.from_json(text)
    except (pydantic.ValidationError, OSError, EOFError, zlib.error) as error:
        raise RolloutError(
            f"{entry.key}: not the state of a rollout as this release keeps it ({type(error).__name__}) - use the "
            "release that began it, or remove the key by consul kv delete when nothing of it runs"
        ) from None


_REQUEST: pydantic.TypeAdapter[Request] = pydantic.TypeAdapter(Request)
