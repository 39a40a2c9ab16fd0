"""Waiting tells only what changes, promotes once, and ends in time; Nomad and the clock are scripted."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from configs.errors import JobError
from jobs.nomad import watch
from jobs.nomad.client import Client


class _Script:
    """A `nomad.Nomad` that answers deployments in turn, the last one for ever, and notes promotions."""

    def __init__(self, deployments: Sequence[dict[str, Any]]) -> None:
        self._left = list(deployments)
        self.promoted: list[str] = []
        self.job = self.deployment = self
        self.ENDPOINT = "script"

    def request(self, *path: str, method: str, json: Any, **_: object) -> "_Answer":
        match method, path:
            case "get", (_, "deployments"):
                return _Answer([self._left.pop(0) if len(self._left) > 1 else self._left[0]])
            case "get", (_, "allocations" | "evaluations"):
                return _Answer([])
            case "post", ("promote", deployment):
                self.promoted.append(deployment)
                return _Answer({})
        raise AssertionError(f"not expected: {method} {path} {json}")


class _Answer:
    def __init__(self, document: Any) -> None:
        self._document = document

    def json(self) -> Any:
        return self._document


class _Time:
    """A clock that `sleep` advances."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> watch.Clock:
        return watch.Clock(now=lambda: self.seconds, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


def _deployment(status: str, *, healthy: int, canaries: int = 0, promoted: bool = False) -> dict[str, Any]:
    group = {
        "DesiredTotal": 2,
        "HealthyAllocs": healthy,
        "UnhealthyAllocs": 0,
        "DesiredCanaries": canaries,
        "PlacedCanaries": ["a"] * canaries,
        "Promoted": promoted,
    }
    return {
        "ID": "d1",
        "JobVersion": 1,
        "CreateIndex": 1,
        "Status": status,
        "StatusDescription": "described",
        "TaskGroups": {"web": group},
    }


def _settle(script: _Script, within_s: float = 10) -> tuple[list[str], _Time]:
    told: list[str] = []
    time = _Time()
    client = Client(script)
    watch.settled(client, "web", 1, within=timedelta(seconds=within_s), report=told.append, clock=time.clock())
    return told, time


def test_each_state_is_told_once() -> None:
    running = _deployment("running", healthy=1)
    told, _ = _settle(_Script([running, running, running, _deployment("successful", healthy=2)]))
    assert told == [
        "deployment running, web: 1 of 2 healthy, 0 unhealthy",
        "deployment successful, web: 2 of 2 healthy, 0 unhealthy",
    ]


def test_canaries_are_promoted_only_when_all_are_healthy() -> None:
    script = _Script(
        [
            _deployment("running", healthy=0, canaries=2),
            _deployment("running", healthy=1, canaries=2),
            _deployment("running", healthy=2, canaries=2),
            _deployment("running", healthy=2, canaries=2, promoted=True),
            _deployment("successful", healthy=2, canaries=2, promoted=True),
        ]
    )
    told, time = _settle(script)
    assert script.promoted == ["d1"]
    assert told.index("all canaries are healthy: promoting them") == 3
    assert time.seconds == 4 * watch.POLL_S


def test_a_failed_deployment_ends_the_wait_at_once() -> None:
    with pytest.raises(JobError, match=r"version 1: deployment failed \(described\)"):
        _settle(_Script([_deployment("failed", healthy=0)]))


def test_the_wait_is_bounded_and_its_error_tells_what_was_seen_last() -> None:
    script = _Script([_deployment("running", healthy=1)])
    with pytest.raises(JobError, match="not whole after 0:00:03, last seen: deployment running, web: 1 of 2 healthy"):
        _settle(script, within_s=3)
