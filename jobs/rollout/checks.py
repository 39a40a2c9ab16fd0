"""What a rollout checks at each step, as a job file says it.

A check has limits of its own (absolute), may compare the canary with the stable half at the same time, or both.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class SuccessRate:
    """The share of requests through the ingress that are not answered with 5xx.

    Attributes:
        at_least: the canary's share must not be below it, 0 to 1.
        worse_by: the canary's share of failures may exceed the stable half's by this much, 0 to 1; None does
            not compare.
        hard: a share of failures at which one measurement ends the rollout, 0 to 1; it needs `minimum` requests too.
        minimum: requests of a half below which nothing is said of it.
    """

    kind: Literal["success_rate"] = "success_rate"
    name: str = "success rate"
    at_least: float | None = 0.99
    worse_by: float | None = 0.01
    hard: float | None = None
    minimum: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """A quantile of the time that requests take at the ingress.

    Attributes:
        quantile: 0 to 1, both excluded.
        at_most: the canary's quantile must not be above it.
        factor: the canary's quantile may be this many times the stable half's; None compares nothing.
        minimum: requests of a half below which nothing is said of it.
    """

    kind: Literal["latency"] = "latency"
    name: str = "latency"
    quantile: float = 0.95
    at_most: timedelta | None = None
    factor: float | None = 1.5
    minimum: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """Any PromQL expression that gives exactly one finite number.

    Attributes:
        query: PromQL; `$job`, `$service`, `$canaries` and `$stables` (alternatives of allocation IDs for a regular
            expression) and `$window` (since the step began, such as `30s`) are replaced.
        at_most: the number must not be above it.
        at_least: the number must not be below it.
        hard: a number beyond which one measurement ends the rollout: above it with `at_most`, below it with `at_least`.
    """

    kind: Literal["expression"] = "expression"
    name: str
    query: str
    at_most: float | None = None
    at_least: float | None = None
    hard: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Restarts:
    """Restarts and OOM kills of the canary's tasks, as Nomad knows them; one more than `at_most` fails at once."""

    kind: Literal["restarts"] = "restarts"
    name: str = "restarts"
    at_most: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLines:
    """Log lines of the canary in Loki.

    Attributes:
        matching: a regular expression (RE2) that a line matches, or a LogQL pipeline that starts with `|`.
        at_most: lines since the step began.
    """

    kind: Literal["log_lines"] = "log_lines"
    name: str = "log lines"
    matching: str = "(?i)error"
    at_most: int = 0


Check = SuccessRate | Latency | Expression | Restarts | LogLines
