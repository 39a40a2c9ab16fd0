"""A rollout's checks, measured: Prometheus, Loki and Nomad's allocations are asked, and jobs.rollout.judge judges."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

import requests

from configs.errors import MeasureError
from jobs.rollout import judge, queries, significance, slowness
from jobs.rollout.checks import Check, Expression, Latency, LogLines, Restarts, SuccessRate
from jobs.rollout.counts import STALE_S, Window
from jobs.rollout.sources import Source
from jobs.rollout.verdicts import Measurement, Verdict

REQUESTS: Final = "traefik_service_requests_total"
DURATIONS: Final = "traefik_service_request_duration_seconds_(bucket|sum)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is measured.

    Attributes:
        job: the job's ID.
        service: the service behind the ingress; None without one.
        canaries: Nomad's allocation list stubs of the canary, failed and replaced ones too.
        stables: those of the stable half.
        began: when the step's weight was in force at every ingress, epoch seconds.
        now: epoch seconds.
        weight: the canary's share of the traffic that is in force, in percent.
        alpha: the chance of a false alarm that each measurement is allowed: the plan's, divided by all of them.
        again: whether the canary had traffic before it was lost or held: what failed then is left out, at the price of
            what fails until the first scrape of the step.
    """

    job: str
    service: str | None
    canaries: tuple[Mapping[str, Any], ...]
    stables: tuple[Mapping[str, Any], ...]
    began: float
    now: float
    weight: int
    alpha: float
    again: bool = False

    @property
    def seconds(self) -> float:
        """How long the step has been judged."""
        return max(0.0, self.now - self.began)


class Metrics:
    """What measures the checks of an environment's rollouts.

    Args:
        prometheus: its address, and what asks it.
        loki: its address, and what asks it.
    """

    def __init__(self, prometheus: tuple[str, requests.Session], loki: tuple[str, requests.Session]) -> None:
        self._prometheus = Source("Prometheus", f"{prometheus[0]}/api/v1", prometheus[1])
        self._loki = Source("Loki", f"{loki[0]}/loki/api/v1", loki[1])

    def measure(self, check: Check, subject: Subject) -> Measurement:
        """One check, measured once; a source that is dead or odd is an error in the measurement."""
        try:
            match check:
                case SuccessRate() | Latency():
                    return self._halves(check, subject)
                case Expression():
                    return self._expression(check, subject)
                case LogLines():
                    return self._log_lines(check, subject)
                case Restarts():
                    return judge.restarts(check, subject.canaries)
                case never:
                    assert_never(never)
        except MeasureError as error:
            return Measurement(check=check.name, verdict=Verdict.ERROR, reason=str(error), query=_asked(check, subject))

    def share(self, subject: Subject) -> Measurement:
        """The share that the canary served since its weight was in force, against that weight."""
        try:
            window, query = self._window(subject, REQUESTS, inside=True)
            canary, stable = (window.requests(half).total for half in queries.halves(str(subject.service)))
        except MeasureError as error:
            return Measurement(check=judge.SHARE, verdict=Verdict.ERROR, reason=str(error), query=REQUESTS)
        measured = judge.share(canary, stable, alpha=subject.alpha, weight=subject.weight, query=query)
        return _without(measured, window)

    def _halves(self, check: SuccessRate | Latency, subject: Subject) -> Measurement:
        metrics = REQUESTS if isinstance(check, SuccessRate) else DURATIONS
        window, query = self._window(subject, metrics, inside=subject.again)
        canary, stable = queries.halves(str(subject.service))
        how: dict[str, Any] = {"alpha": subject.alpha, "weight": subject.weight, "query": query}
        if isinstance(check, SuccessRate):
            measured = judge.success_rate(check, window.requests(canary), window.requests(stable), **how)
        else:
            measured = slowness.latency(check, window.durations(canary), window.durations(stable), **how)
        return _without(measured, window)

    def _window(self, subject: Subject, metrics: str, *, inside: bool = False) -> tuple[Window, str]:
        """The counters of the halves, and the query that found them.

        Raises:
            MeasureError: also when no ingress is being scraped: what is known is old, and says nothing of now.
        """
        if subject.service is None:
            raise MeasureError(f"{subject.job} has no service behind the ingress, so its requests are not known")
        significance.load()
        query = queries.counters(subject.service, metrics, began=subject.began, now=subject.now)
        found = self._prometheus.series(query, subject.now)
        window = Window(found, began=subject.began, now=subject.now, inside=inside)
        if not window.fresh:
            known = ", ".join(window.stale) or "it knows none"
            raise MeasureError(
                f"Prometheus found no ingress ({known}) in the {STALE_S:g} s until now, by the clock of this machine"
            )
        return window, f"Prometheus: {query} at {subject.now:.3f}"

    def _expression(self, check: Expression, subject: Subject) -> Measurement:
        query = _query(check, subject)
        asked = f"Prometheus: {query} at {subject.now:.3f}"
        value = self._prometheus.number(query, subject.now)
        if value is None:
            reason = "the query has an empty result"
            return Measurement(check=check.name, verdict=Verdict.NO_DATA, reason=reason, query=asked)
        return judge.expression(check, value, query=asked)

    def _log_lines(self, check: LogLines, subject: Subject) -> Measurement:
        """When nothing matches, it is asked too whether Loki has any line of the canary since it was placed."""
        allocations = queries.ids(subject.canaries)
        query = queries.lines(subject.job, allocations, queries.pipeline(check.matching), subject.seconds)
        matching = self._loki.number(query, subject.now) or 0.0
        seen = None
        if not matching:
            placed = min((each.get("CreateTime", math.inf) / 1e9 for each in subject.canaries), default=subject.began)
            since = subject.now - min(placed, subject.began)
            seen = self._loki.number(queries.lines(subject.job, allocations, "", since), subject.now) or 0.0
        return judge.log_lines(check, matching, seen, query=f"Loki: {query} at {subject.now:.3f}")


def _query(check: Expression, subject: Subject) -> str:
    known = queries.values(
        job=subject.job, service=subject.service, canaries=queries.ids(subject.canaries),
        stables=queries.ids(subject.stables), seconds=subject.seconds,
    )  # fmt: skip
    try:
        return queries.replaced(check.query, known)
    except (KeyError, ValueError) as error:
        raise MeasureError(f"{check.query}: {error} is not replaced in a query") from None


def _asked(check: Check, subject: Subject) -> str:
    """What was asked of whom, when there is no answer."""
    match check:
        case SuccessRate() | Latency():
            metrics = REQUESTS if isinstance(check, SuccessRate) else DURATIONS
            return (
                f"Prometheus: {queries.counters(str(subject.service), metrics, began=subject.began, now=subject.now)}"
            )
        case Expression(query=query):
            return f"Prometheus: {query}"
        case LogLines(matching=matching):
            return f"Loki: {matching}"
        case Restarts():
            return ""


def _without(measured: Measurement, window: Window) -> Measurement:
    """Says which ingresses are not in it; one that is down serves nobody, and what the others see is enough."""
    if not window.stale:
        return measured
    return replace(measured, reason=f"{measured.reason} (without {', '.join(window.stale)}: not scraped)")
