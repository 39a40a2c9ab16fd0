"""Rollouts as Prometheus gets them: what is open now, and how often what was decided."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from time import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.rollout.plan import Plan
from jobs.rollout.state import Decision, Result, State, Tally
from jobs.rollout.verdicts import Verdict

_OPEN: Final = {
    "phase": "What the open rollout is doing; 1 for the phase it is in.",
    "step": "The step of its plan that the open rollout is at, the first is 1.",
    "weight": "The canary's share of the traffic that the open rollout wants, in percent.",
    "age_seconds": "Since when the rollout is open.",
    "phase_age_seconds": "Since when the open rollout is in its phase.",
    "planned_seconds": "How long the open rollout may take by its plan, no hold for a person counted.",
    "paused": "Whether a person asked the open rollout to stay at its step.",
}


class Figures:
    """Every series has the label `nomad_job`: `job` is the scraped job's own, which is the controller."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter
        self.registry = CollectorRegistry()
        self.active = Gauge("socle_controller_active", "1 at the instance that is active.", registry=self.registry)
        self.attended = Gauge(
            "socle_controller_attended", "Rollouts that this instance runs or follows.", registry=self.registry
        )
        self.failures = Counter("socle_controller_failures", "Looks at Consul that failed.", registry=self.registry)
        self._results = Counter(
            "socle_rollouts", "Rollouts that ended.", ("nomad_job", "result"), registry=self.registry
        )
        self._checks = Counter(
            "socle_rollout_checks",
            "Measurements of a rollout's checks.",
            ("nomad_job", "check", "verdict"),
            registry=self.registry,
        )
        self._decisions = Counter(
            "socle_rollout_decisions", "What rollouts decided.", ("nomad_job", "phase"), registry=self.registry
        )
        self._open = _Open()
        self.registry.register(self._open)

    def see(self, states: Mapping[str, State], before: Mapping[str, State]) -> None:
        """What is open now, and what was at the last look."""
        for job, state in states.items():
            known = before.get(job)
            if known is None or known.id != state.id:
                self._born(state)
                known = None
            for check, tally in state.tallies.items():
                self._checks.labels(job, check, tally.verdict.value).inc(_more(known, check, tally))
        self._open.states = dict(states)

    def decided(self, job: str, decision: Decision) -> None:
        """Count a decision."""
        self._decisions.labels(job, decision.phase.value).inc()

    def ended(self, state: State) -> None:
        """Count a rollout that ended."""
        self._results.labels(state.job, (state.result or Result.STUCK).value).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _born(self, state: State) -> None:
        """Counters begin at 0: Prometheus does not see the rise of one that begins with 1."""
        for result in Result:
            self._results.labels(state.job, result.value)
        for check in state.plan.checks:
            for verdict in Verdict:
                self._checks.labels(state.job, check.name, verdict.value)


class _Open(Collector):
    """The open rollouts at the moment of the scrape; one that has ended leaves no series behind."""

    def __init__(self) -> None:
        self.states: Mapping[str, State] = {}

    def collect(self) -> Iterator[Metric]:
        """One family a figure."""
        states, now = self.states, time()
        for name, text in _OPEN.items():
            labels = ("nomad_job", "phase") if name == "phase" else ("nomad_job",)
            family = GaugeMetricFamily(f"socle_rollout_{name}", text, labels=labels)
            for job, state in states.items():
                more = [state.phase.value] if name == "phase" else []
                family.add_metric([job, *more], _figure(name, state, now))
            yield family


def _figure(name: str, state: State, now: float) -> float:
    figures: Mapping[str, float] = {
        "phase": 1,
        "step": state.step + 1,
        "weight": state.weight,
        "age_seconds": now - state.started,
        "phase_age_seconds": now - state.since,
        "planned_seconds": planned(state.plan).total_seconds(),
        "paused": state.paused,
    }
    return figures[name]


def planned(plan: Plan) -> timedelta:
    """How long a rollout takes at the longest when it keeps to its plan, with every limit used up."""
    bounds = (plan.bounds.no_data, plan.bounds.error, plan.bounds.inconclusive)
    slack = max(bound.within for bound in bounds)
    steps = sum((step.hold + plan.shift_within + slack for step in plan.steps), timedelta())
    return plan.start_within + steps + max(plan.finish_within, plan.revert_within)


def _more(known: State | None, check: str, tally: Tally) -> int:
    """Measurements since the last look, as far as the tally of the last verdict tells."""
    last = known.tallies.get(check) if known else None
    same = last is not None and (last.verdict, last.since) == (tally.verdict, tally.since)
    return tally.row - last.row if same and last else tally.row
