"""What rollouts decide, told once each, whoever runs them: read from their journals."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import consul

from configs.consul import ACTIVE, JOURNALS
from configs.errors import RolloutError
from jobs.rollout import kv
from jobs.rollout.figures import Figures
from jobs.rollout.keys import Keys, job_of, unpacked
from jobs.rollout.kv import KV
from jobs.rollout.state import Decision, State

_TOLD: Final = f"{ACTIVE}told"
"""The time (epoch seconds) of the last decision that was told: another instance goes on after it."""

_LONGEST_S: Final = 24 * 3600.0
"""A rollout that ended unseen is told of when it began no longer ago than this."""

Document = Mapping[str, Any]
Say = Callable[[Document], None]


class Chronicle:
    """Reads all journals again and again; `say` gets each decision and each end as a document for the log.

    Every look raises AccessError when Consul does not answer.
    """

    def __init__(self, client: consul.Consul, figures: Figures, say: Say) -> None:
        self._kv, self._figures, self._say = KV(client), figures, say
        self._seen: dict[str, tuple[int, State]] = {}
        self._ended: set[str] = set()
        self._told: dict[str, float] = {}
        self._since: float | None = None
        self._unreadable: set[str] = set()

    def look(self) -> Mapping[str, State]:
        """The open rollouts by job, without their specs, once all news was told."""
        before = {job: state for job, (_, state) in self._seen.items()}
        keys = self._kv.keys(JOURNALS)
        if self._since is None:
            self._since = self._begin(keys)
        newest = max(self._told.values(), default=0.0)
        self._seen = {job: found for key in keys if (job := job_of(key)) and (found := self._open(job))}
        states = {job: state for job, (_, state) in self._seen.items()}
        self._figures.see(states, before)
        for state in (*states.values(), *self._newly_ended(keys)):
            self._tell(state)
        if (last := max(self._told.values(), default=0.0)) > newest:
            self._kv.commit(kv.put(_TOLD, json.dumps(last).encode()))
        return states

    def _begin(self, keys: tuple[str, ...]) -> float:
        """Where the last instance stopped telling; at first, now."""
        entry = self._kv.get(_TOLD)
        since = float(json.loads(entry.value)) if entry else time.time()
        oldest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(since - _LONGEST_S))
        self._ended = {key for key in keys if "/history/" in key and key.rpartition("/")[2] < oldest}
        return since

    def _open(self, job: str) -> tuple[int, State] | None:
        """A state is parsed only when it has changed; one that another release wrote is said once, and left alone."""
        entry = self._kv.get(Keys(job).current)
        if entry is None:
            return None
        known = self._seen.get(job)
        if known and known[0] == entry.index:
            return known
        try:
            return entry.index, replace(unpacked(entry), spec={})
        except RolloutError as error:
            self._unread(entry.key, error)
            return None

    def _newly_ended(self, keys: tuple[str, ...]) -> list[State]:
        found = []
        for key in (each for each in keys if "/history/" in each and each not in self._ended):
            self._ended.add(key)
            entry = self._kv.get(key)
            try:
                state = unpacked(entry) if entry else None
            except RolloutError as error:
                self._unread(key, error)
                continue
            if state and (state.ended or 0.0) > (self._since or 0.0):
                found.append(state)
        self._ended &= set(keys)
        return found

    def _unread(self, key: str, error: RolloutError) -> None:
        if key not in self._unreadable:
            self._unreadable.add(key)
            self._say({"kind": "trouble", "text": str(error)})

    def _tell(self, state: State) -> None:
        last = self._told.get(state.id, self._since or 0.0)
        for decision in state.decisions:
            if decision.at > last:
                self._figures.decided(state.job, decision)
                self._say({"kind": "decision", **_document(state, decision)})
                self._told[state.id] = decision.at
        if state.result:
            self._figures.ended(state)
            self._say(
                {"kind": "end", **_whose(state, state.ended or 0.0), "result": state.result, "text": state.reason}
            )
            self._told[state.id] = max(self._told.get(state.id, 0.0), state.ended or 0.0)


def _document(state: State, decision: Decision) -> Document:
    document = {
        **_whose(state, decision.at),
        "phase": decision.phase,
        "weight": decision.weight,
        "text": decision.text,
        "check": decision.check,
        "verdict": decision.verdict,
        "numbers": dict(decision.numbers),
        "query": decision.query,
    }
    return {name: value for name, value in document.items() if value not in (None, "", {})}


def _whose(state: State, at: float) -> Document:
    return {
        "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "nomad_job": state.job,
        "rollout": state.id,
        "version": state.version,
        "who": state.who,
    }
