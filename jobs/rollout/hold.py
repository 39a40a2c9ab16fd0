"""A key of Consul's that one process holds, and shows that it is alive by writing it again and again.

A Consul session alone ends only after up to twice its time to live, 20 s at the least. Here a candidate watches the
holder's heartbeat, by its own clock, and takes the key in one transaction when there was none for SILENT_S. Decision
record: docs/decisions/lease-watched-by-heartbeat.md.
"""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from configs.errors import AccessError, HeldError, LostError
from jobs.rollout import kv
from jobs.rollout.kv import KV, Entry, Operation

BEAT_S: Final = 1.5
"""Between two heartbeats, in seconds."""

FRESH_S: Final = 4.0
"""For how long after a heartbeat a holder acts on it, in seconds; what it began by then has three more to end."""

SILENT_S: Final = 7.0
"""A holder without a heartbeat for so long has lost the key, in seconds."""

_LOOK_S: Final = 0.25
_AGAIN_S: Final = 0.3
_TTL_S: Final = 60
_RENEW_S: Final = 15.0
_UNREACHED_S: Final = 30.0
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A machine that sleeps does not know it by Linux's monotonic clock: it would act on a heartbeat of last night."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds a key, and since when (epoch seconds, by the holder's clock: to be shown, never to be compared)."""

    who: str
    since: float

    def __str__(self) -> str:
        return f"{self.who}, since {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(self.since))}"


class Hold:
    """A key that is held; made by `take`.

    Args:
        began: when the transaction began that took it, by `now`.
    """

    def __init__(self, store: KV, key: str, session: str, who: Holder, began: float) -> None:
        self._kv = store
        self._key = key
        self._session = session
        self._holder = who
        self._renewed = self._session_renewed = began
        self._beats = 0
        self._lost = False
        self._beating = threading.Lock()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"holds {key}", daemon=True)
        self._thread.start()

    def commit(self, *operations: Operation) -> Mapping[str, int] | None:
        """A transaction that is done only while the key is ours; None when another of its conditions is not met.

        Raises:
            LostError: when the key is not ours any more; nothing was done.
            AccessError: when Consul does not answer: it may have been done or not, as a whole.
        """
        if self._lost:
            raise self._loss()
        done = self._kv.commit(kv.held(self._key, self._session), *operations)
        if done is None and not self._is_ours():
            raise self._loss()
        return done

    def confirm(self) -> None:
        """See that the key was surely ours within the last FRESH_S; to be called before each act elsewhere.

        Raises:
            LostError: when it is not.
            AccessError: when Consul could not be asked for half a minute.
        """
        end = now() + _UNREACHED_S
        while not self._lost and now() - self._renewed > FRESH_S:
            try:
                self._beat()
            except AccessError:
                if now() > end:
                    raise
                time.sleep(_AGAIN_S)
        if self._lost:
            raise self._loss()

    def release(self) -> None:
        """Give the key up; when Consul is not reached, it is free once its session has ended."""
        self._released.set()
        self._thread.join()
        with suppress(AccessError):
            self._kv.end(self._session, within=1.0)

    def _live(self) -> None:
        pause = BEAT_S
        while not self._lost and not self._released.wait(pause):
            try:
                self._beat()
                pause = BEAT_S
            except AccessError:
                pause = _AGAIN_S

    def _beat(self) -> None:
        with self._beating:
            began = now()
            self._beats += 1
            beat = kv.put(self._key, _value(self._holder, self._beats))
            if self._kv.commit(kv.held(self._key, self._session), beat, within=0) is None:
                self._lost = True
                return
            self._renewed = began
            if began - self._session_renewed > _RENEW_S:
                self._kv.renew(self._session, within=0)
                self._session_renewed = began

    def _is_ours(self) -> bool:
        entry = self._kv.get(self._key)
        self._lost = self._lost or entry is None or entry.session != self._session
        return not self._lost

    def _loss(self) -> LostError:
        other = None
        with suppress(AccessError):
            other = holder(self._kv, self._key)
        whose = f"{other} has it now" if other else "nobody has it now"
        return LostError(f"{self._key}: {self._holder.who} does not hold it any more: {whose} - nothing more was done")


def now() -> float:
    """Seconds that passed for this machine, asleep or not."""
    return time.clock_gettime(_CLOCK)


def take(store: KV, key: str, who: str) -> Hold:
    """Hold a key that nobody holds, or whose holder shows no life for SILENT_S.

    Raises:
        HeldError: when its holder lives, which is known after one heartbeat.
        AccessError: when Consul does not answer.
    """
    while True:
        entry = _silent(store, key)
        began = now()
        session = store.session(key, _TTL_S)
        us = Holder(who=who, since=time.time())
        done = store.commit(*_taken(entry, key, _value(us, 0), session))
        if done is not None or _session(store.get(key)) == session:
            if entry is not None and entry.session:
                with suppress(AccessError):
                    store.end(entry.session, within=0)
            return Hold(store, key, session, us, began)
        store.end(session)
        time.sleep(_LOOK_S)


def holder(store: KV, key: str) -> Holder | None:
    """Who holds a key, alive or not; None when nobody does."""
    entry = store.get(key)
    return _holder(entry) if entry is not None and entry.session else None


def _silent(store: KV, key: str) -> Entry | None:
    """The key's entry, once it is certain that nobody keeps it alive; an unanswered look begins the watch anew."""
    first, since, end = store.get(key), now(), now() + SILENT_S + _UNREACHED_S
    entry = first
    while entry is not None and entry.session and first is not None and now() - since < SILENT_S:
        time.sleep(_LOOK_S)
        try:
            entry = store.get(key, within=0)
        except AccessError:
            if now() > end:
                raise
            since = now()
            continue
        if entry is not None and entry.session and entry.index != first.index:
            raise HeldError(f"{key}: held by {_holder(entry)}")
    return entry


def _taken(entry: Entry | None, key: str, value: bytes, session: str) -> tuple[Operation, ...]:
    if entry is None:
        return kv.absent(key), kv.lock(key, value, session)
    freed = (kv.unlock(key, entry.value, entry.session),) if entry.session else ()
    return kv.unchanged(key, entry.index), *freed, kv.lock(key, value, session)


def _session(entry: Entry | None) -> str | None:
    return entry.session if entry is not None else None


def _value(who: Holder, beat: int) -> bytes:
    return json.dumps({"who": who.who, "since": who.since, "beat": beat}).encode()


def _holder(entry: Entry) -> Holder:
    try:
        found = json.loads(entry.value)
        return Holder(who=str(found["who"]), since=float(found["since"]))
    except (ValueError, KeyError, TypeError):
        return Holder(who="somebody who left no name", since=0.0)
