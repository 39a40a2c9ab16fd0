"""Whether a difference is more than chance: exact tests for counts of requests.

Exact, because what matters is rare: 3 failures of 60 requests, where tests that assume normal errors are wrong by
orders of magnitude. SciPy is imported by the first measurement: it takes half a second and 90 MB, and most commands
judge nothing.
"""

import functools
import importlib
from typing import Final

_MOST: Final = 50_000
"""Requests beyond which nobody wants to know how many are needed."""

_RANGES: Final = (1_000, 7_000, _MOST)
"""A tenth of a second for the last; the first is enough for most."""


def load() -> None:
    """Import SciPy now: as a step begins there is nothing to count yet, and a later verdict does not wait for it."""
    importlib.import_module("scipy.stats")


def above(count: int, total: int, limit: float) -> float:
    """The chance of so many in `total` or more, if the true share were `limit` (binomial test, one-sided)."""
    from scipy import stats  # noqa: PLC0415

    return float(stats.binomtest(count, total, _share(limit), alternative="greater").pvalue)


def off(count: int, total: int, share: float) -> float:
    """The chance of so many in `total`, or of any count that is as unlikely, if the true share were `share`."""
    from scipy import stats  # noqa: PLC0415

    return float(stats.binomtest(count, total, _share(share)).pvalue)


def interval(total: int, share: float, confidence: float) -> tuple[float, float]:
    """The shares between which `total` draws of a true `share` lie with this confidence (binomial, central)."""
    from scipy import stats  # noqa: PLC0415

    low, high = stats.binom.interval(confidence, total, _share(share))
    return float(low) / total, float(high) / total


def more(count: int, total: int, other: int, others: int) -> float:
    """The chance that the first half has so many of all there are, or more, if both were alike.

    Fisher's exact test, one-sided: it holds whatever the true share is, and for halves as unequal as 1 to 99.
    Boschloo's would find a little more, and takes a second where this takes a tenth of a millisecond.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    table = np.array([[count, total - count], [other, others - other]])
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


@functools.cache
def needed(*, limit: float, true: float, alpha: float, power: float = 0.9) -> int | None:
    """How many requests it takes to see that a share is above its limit; None for more than 50,000.

    Args:
        limit: the share that is allowed, 0 to 1.
        true: the share as it is.
        alpha: the chance of a false alarm that one look is allowed.
        power: the chance of seeing it.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    for most in _RANGES:
        totals = np.arange(1, most + 1)
        deciding = stats.binom.isf(alpha, totals, _share(limit))  # the first count passed with a chance below
        unseen = np.flatnonzero(stats.binom.sf(deciding, totals, _share(true)) < power)
        first = int(unseen[-1]) + 2 if unseen.size else 1
        if 2 * first < most:  # the power goes up and down as it grows: the end of a range is not to be trusted
            return first
    return first if first <= _MOST else None


def _share(value: float) -> float:
    """Within 0 and 1: `1 - 0.95` is a little more than 0.05, and could be beyond the end."""
    return min(max(value, 0.0), 1.0)
