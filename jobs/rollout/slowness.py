"""Whether a canary is too slow, judged on the ingress's buckets.

A quantile is not computed from buckets, but asked for: "the 95 % quantile is at most 0.3 s" says that no more than 5 %
take longer than 0.3 s, and those are counted.
"""

import math
from collections.abc import Iterator

from jobs.rollout import findings, significance
from jobs.rollout.checks import Latency
from jobs.rollout.counts import Durations
from jobs.rollout.findings import Finding
from jobs.rollout.verdicts import Measurement, Verdict


def latency(
    check: Latency, canary: Durations, stable: Durations, *, alpha: float, weight: int, query: str
) -> Measurement:
    """Whether the canary's requests took too long, by the check's own limit and beside the stable half.

    Args:
        check: what is allowed.
        canary: what the canary served since the step began.
        stable: what the stable half served in the same time.
        alpha: the chance of a false alarm that this measurement is allowed.
        weight: the canary's share of the traffic, in percent.
        query: where the numbers are from.
    """
    beside = findings.compares(check.factor, check.at_most, weight)
    found: list[Finding] = []
    if few := findings.too_few("canary", canary.total, check.minimum):
        found.append(few)
    else:
        alpha /= max(1, (check.at_most is not None) + beside)
        found += _slow(check, canary, alpha)
        found += _slower(check, canary, stable, alpha) if beside else findings.uncompared(check.factor, weight)
    return findings.together(check.name, found, query, {"requests": canary.total, "alpha": alpha})


def _slow(check: Latency, canary: Durations, alpha: float) -> Iterator[Finding]:
    if check.at_most is None:
        return
    limit, allowed = check.at_most.total_seconds(), 1 - check.quantile
    bound = next((each for each in canary.within if each >= limit * (1 - findings.ROUNDING)), None)
    if bound is None:
        last = max(canary.within, default=0)
        yield Finding(verdict=Verdict.ERROR, text=f"the ingress tells times up to {last:g} s apart, not {limit:g} s")
        return
    slow = canary.total - canary.within[bound]
    chance = significance.above(slow, canary.total, allowed)
    rounded = "" if math.isclose(bound, limit) else f", the ingress's next bound above {limit:g} s"
    text = (
        f"{slow} of {canary.total} requests took longer than {bound:g} s ({slow / canary.total:.2%}){rounded}, at most "
        f"{allowed:.2%} may ({findings.odds(chance, alpha)})"
    )
    beyond = slow > allowed * canary.total * (1 + findings.ROUNDING)
    verdict = findings.judged(beyond=beyond, chance=chance, alpha=alpha)
    yield Finding(verdict=verdict, text=text, numbers={"slow": slow, "bound": bound, "chance": chance})


def _slower(check: Latency, canary: Durations, stable: Durations, alpha: float) -> Iterator[Finding]:
    """Beside the stable half: more requests beyond its quantile than chance explains, and slower by the factor."""
    if check.factor is None:
        return
    if few := findings.too_few("stable half", stable.total, check.minimum):
        yield few
        return
    bound = _bucket(stable, check.quantile)[1]
    if bound not in canary.within:
        text = f"the stable half's {check.quantile:.4g} quantile is beyond the ingress's last bound: no comparison"
        yield Finding(verdict=Verdict.INCONCLUSIVE, text=text)
        return
    beyond = canary.total - canary.within[bound], stable.total - stable.within[bound]
    chance = significance.more(beyond[0], canary.total, beyond[1], stable.total)
    times = times_slower(check.quantile, canary, stable)
    where = f"{_span(canary, check.quantile)} and {_span(stable, check.quantile)}"
    text = (
        f"the {check.quantile:.4g} quantile is {times:.2f} times the stable half's ({where}), at most {check.factor:g} "
        f"({findings.odds(chance, alpha)})"
    )
    numbers = {"stable_requests": stable.total, "times": times, "chance_alike": chance}
    verdict = findings.judged(beyond=times > check.factor * (1 + findings.ROUNDING), chance=chance, alpha=alpha)
    yield Finding(verdict=verdict, text=text, numbers=numbers)


def times_slower(quantile: float, canary: Durations, stable: Durations) -> float:
    """How many times the stable half's quantile the canary's is, as far as buckets tell.

    A quantile is known to lie in a bucket. In the same one or a lower one, the canary is not called slower. Else the
    buckets' ends bound the ratio, and within these the ratio of the means is taken, which is exact: interpolation would
    call 2.6 ms twice as slow as 2.4 ms when a bucket ends at 2.5 ms.
    """
    (low, high), (stable_low, stable_high) = _bucket(canary, quantile), _bucket(stable, quantile)
    if high <= stable_high:
        return 1.0
    means = (canary.seconds / canary.total) / (stable.seconds / stable.total) if stable.seconds else 0.0
    return max(low / stable_high, min(means, high / stable_low if stable_low else math.inf))


def _bucket(half: Durations, quantile: float) -> tuple[float, float]:
    """The ends of the bucket that a quantile is in, in seconds."""
    low = 0.0
    for bound, count in half.within.items():
        if count >= quantile * half.total * (1 - findings.ROUNDING):
            return low, bound
        low = bound
    return low, math.inf


def _span(half: Durations, quantile: float) -> str:
    low, high = _bucket(half, quantile)
    return f"{low:g} to {high:g} s"
