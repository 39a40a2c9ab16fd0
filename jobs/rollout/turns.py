"""The turns that a rollout takes: each gives the state of the phase that begins, with its reason."""

from dataclasses import replace
from typing import Final

from jobs.rollout.plan import Consequence
from jobs.rollout.state import Phase, Result, State

SETBACKS: Final = 3
"""How often canaries may be lost and waited for again."""


def superseded(state: State, now: float, reason: str) -> State:
    """Somebody else decided on the job: the traffic is taken away, and nothing else touched."""
    return withdraw(replace(state, result=Result.SUPERSEDED), now, reason)


def step(state: State, now: float, step: int, text: str) -> State:
    """Begin a step: its clock runs once the weight is in force."""
    began = replace(state, step=step, weight=state.plan.steps[step].weight, step_began=None, tallies={})
    return enter(began, Phase.ANALYSING, now, text)


def setback(state: State, now: float, reason: str) -> State:
    """Wait for canaries that were lost, without traffic for them; too often lost, they are taken back."""
    if state.setbacks >= SETBACKS:
        return withdraw(state, now, f"{reason}, for the {state.setbacks + 1}th time")
    back = replace(state, setbacks=state.setbacks + 1, weight=0, step_began=None, tallies={})
    return enter(back, Phase.STARTING, now, f"{reason}; no traffic for the canary until they are back")


def consequence(state: State, now: float, then: Consequence, reason: str) -> State:
    """What a plan says follows when it cannot be told."""
    return hold(state, now, reason) if then is Consequence.HOLD else withdraw(state, now, reason)


def hold(state: State, now: float, reason: str) -> State:
    """Stay for a person, without traffic for the canary."""
    back = replace(state, weight=0, step_began=None, tallies={}, reason=reason)
    return enter(back, Phase.HELD, now, f"held, a person has to decide: {reason}")


def withdraw(state: State, now: float, reason: str) -> State:
    """Take the traffic, then the version, away."""
    back = replace(state, weight=0, paused=False, reason=reason)
    return enter(back, Phase.WITHDRAWING, now, f"taking it back: {reason}")


def end(state: State, now: float, result: Result, reason: str) -> State:
    """Nothing more is to be done."""
    ended = replace(state, weight=0, result=result, reason=reason, ended=now)
    return enter(ended, Phase.ENDED, now, f"{result}: {reason}")


def enter(state: State, phase: Phase, now: float, text: str) -> State:
    """Another phase, from now on."""
    return replace(state, phase=phase, since=now).noted(now, text)
