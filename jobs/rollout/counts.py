"""What the ingresses' counters say was served since a time: exact counts of requests, out of Prometheus' raw samples.

`increase()` would not do: it extrapolates, and it misses what a series is born with, such as the first 500 of a canary.
A counter is read at each scrape of its ingress. A series that a scrape did not have was not there yet, and begins at 0:
Traefik drops the series of a half that left its routes, and begins anew when it comes back. A scrape that failed says
nothing. A smaller value than the one before is a restarted Traefik's, and counts from 0 too.

Whatever happened between the last scrape and now is not counted yet (up to 5 s, as Prometheus is told).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

LOOKBACK_S: Final = 30.0
"""How long before the window its first scrape may lie, in seconds; else the window begins with the first one in it."""

STALE_S: Final = 16.0
"""An ingress without a scrape for so long, in seconds, is not measured: three scrapes failed."""

_UP: Final = "up"
_SERVER_ERROR: Final = "5"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A series of Prometheus: its labels, the name among them as `__name__`, and its values by time (epoch seconds)."""

    labels: Mapping[str, str]
    samples: Mapping[float, float]

    def label(self, name: str) -> str:
        """A label's value, empty as Prometheus has it when there is none."""
        return self.labels.get(name, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Requests:
    """Requests of one half, and how many of them were answered with 5xx."""

    total: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """How long the requests of one half took.

    Attributes:
        total: requests.
        seconds: what they took together.
        within: requests that took at most so many seconds, by that bound, ascending.
    """

    total: int = 0
    seconds: float = 0.0
    within: Mapping[float, int] = field(default_factory=dict)


class Window:
    """The counters of a service's halves from one time to another.

    Args:
        series: everything that was found, `up` of the ingresses included.
        began: where the window begins, epoch seconds: with the last scrape until then.
        now: where it ends, epoch seconds.
        inside: begin with the first scrape since `began` in its place: nothing from before may be in it.
    """

    def __init__(self, series: Iterable[Series], *, began: float, now: float, inside: bool = False) -> None:
        found = list(series)
        self._counters = [each for each in found if each.label("__name__") != _UP]
        self._scrapes = {
            each.label("instance"): sorted(at for at, up in each.samples.items() if up == 1 and at <= now)
            for each in found
            if each.label("__name__") == _UP
        }
        self._now = now
        self._began = {
            instance: _first(scrapes, began, inside=inside) for instance, scrapes in self._scrapes.items() if scrapes
        }

    @property
    def stale(self) -> list[str]:
        """The ingresses that Prometheus knows and has no fresh scrape of."""
        return sorted(
            instance for instance, scrapes in self._scrapes.items() if not scrapes or self._now - scrapes[-1] > STALE_S
        )

    @property
    def fresh(self) -> list[str]:
        """The ingresses that are being scraped."""
        return sorted(set(self._scrapes) - set(self.stale))

    def requests(self, half: str) -> Requests:
        """What a half (its service's name in Traefik) was asked and failed at."""
        grown = [(each.label("code"), self._grown(each)) for each in self._of(half, "_requests_total")]
        return Requests(
            total=_whole(count for _, count in grown),
            failed=_whole(count for code, count in grown if code.startswith(_SERVER_ERROR)),
        )

    def durations(self, half: str) -> Durations:
        """How long a half's requests took.

        Raises:
            ValueError: when the counts do not grow with the bounds, as with ingresses that have different buckets.
        """
        buckets: dict[float, float] = {}
        for each in self._of(half, "_bucket"):
            bound = float(each.label("le"))
            buckets[bound] = buckets.get(bound, 0.0) + self._grown(each)
        within = {bound: _whole((buckets[bound],)) for bound in sorted(buckets)}
        if any(more < less for less, more in pairwise(within.values())):
            raise ValueError(f"the buckets of {half} are not the same at all ingresses")
        total = within.pop(float("inf"), 0)
        return Durations(total=total, seconds=sum(map(self._grown, self._of(half, "_sum"))), within=within)

    def _of(self, half: str, suffix: str) -> Iterator[Series]:
        for each in self._counters:
            if each.label("service") == half and each.label("__name__").endswith(suffix):
                yield each

    def _grown(self, series: Series) -> float:
        instance = series.label("instance")
        began = self._began.get(instance)
        if began is None:
            return 0.0
        return grown(series.samples, [at for at in self._scrapes[instance] if at >= began])


def grown(samples: Mapping[float, float], scrapes: Sequence[float]) -> float:
    """How much a counter grew from the first scrape to the last.

    Args:
        samples: its values by time.
        scrapes: when its target was scraped, ascending; it has no value at one that did not find it.
    """
    total, last = 0.0, samples.get(scrapes[0], 0.0) if scrapes else 0.0
    for at in scrapes[1:]:
        value = samples.get(at, 0.0)
        total += value - last if value >= last else value
        last = value
    return total


def _first(scrapes: Sequence[float], began: float, *, inside: bool) -> float | None:
    """The scrape that a window begins with."""
    before = [] if inside else [at for at in scrapes if began - LOOKBACK_S <= at <= began]
    return before[-1] if before else next((at for at in scrapes if at >= began), None)


def _whole(counts: Iterable[float]) -> int:
    """A count of requests; Prometheus keeps whole numbers as floats."""
    total = sum(counts)
    if not float(total).is_integer():
        raise ValueError(f"{total} is no count of requests")
    return int(total)
