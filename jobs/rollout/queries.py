"""The queries that a rollout asks: PromQL and LogQL, with names quoted as both want it."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any, Final

from jobs.rollout.counts import LOOKBACK_S

NAMES: Final = frozenset({"job", "service", "canaries", "stables", "window"})
"""What is replaced in the query of an Expression."""

NOBODY: Final = "-"
"""In the place of no allocation at all: an empty pattern would match every series without that label."""

_INGRESS: Final = "traefik"
"""The ingresses' job in Prometheus (configs.prometheus)."""


def halves(service: str) -> tuple[str, str]:
    """The canary's and the stable half of a service, as Traefik names them in its metrics."""
    return f"{service}-canary@file", f"{service}-stable@file"


def counters(service: str, metrics: str, *, began: float, now: float) -> str:
    """The raw samples of a service's halves since a scrape before `began`, and `up` of the ingresses beside them.

    Args:
        service: its name behind the ingress.
        metrics: alternatives of metric names.
        began: epoch seconds.
        now: epoch seconds.
    """
    names = "|".join(re.escape(half) for half in halves(service))
    labels = (
        f"__name__=~{quoted(f'up|{metrics}')}, job={quoted(_INGRESS)}, service=~{quoted(f'|{names}')}"  # up has none
    )
    return f"{{{labels}}}[{math.ceil((now - began + LOOKBACK_S) * 1000)}ms]"


def lines(job: str, canaries: Iterable[str], pipeline: str, seconds: float) -> str:
    """How many lines some allocations of a job logged in the last seconds."""
    allocations = quoted("|".join(canaries) or NOBODY)
    return f"sum(count_over_time({{job={quoted(job)}, alloc_id=~{allocations}}}{pipeline} [{whole_seconds(seconds)}]))"


def pipeline(matching: str) -> str:
    """LogQL's pipeline for a regular expression; one that is a pipeline already stays as it is."""
    return f" {matching}" if matching.startswith("|") else f" |~ {quoted(matching)}"


def replaced(query: str, values: Mapping[str, str]) -> str:
    """A query with its `$names` replaced, each within double quotes or as a duration.

    Raises:
        KeyError: for a name that is none of NAMES.
        ValueError: for a `$` that begins no name.
    """
    return Template(query).substitute(values)


def values(
    *, job: str, service: str | None, canaries: Iterable[str], stables: Iterable[str], seconds: float
) -> Mapping[str, str]:
    """What NAMES stand for: a window is whole seconds, rounded up."""
    return {
        "job": quoted(job)[1:-1],
        "service": quoted(service or "")[1:-1],
        "canaries": "|".join(canaries) or NOBODY,
        "stables": "|".join(stables) or NOBODY,
        "window": whole_seconds(seconds),
    }


def ids(allocations: Iterable[Mapping[str, Any]]) -> list[str]:
    """The IDs of Nomad's allocations."""
    return [str(each["ID"]) for each in allocations]


def quoted(text: str) -> str:
    """A string of PromQL and LogQL: both read Go's escapes, of which JSON's are some."""
    return json.dumps(text, ensure_ascii=False)


def whole_seconds(seconds: float) -> str:
    """A duration that is at least as long, and at least a second."""
    return f"{max(1, math.ceil(seconds))}s"
