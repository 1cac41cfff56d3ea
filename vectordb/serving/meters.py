"""Meters: what an application counts of itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import fsum, inf
from threading import Lock
from typing import Final

from ledger import InvalidInput, free_in_children
from vectordb.observability import Family, Sample

BUCKETS_S: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
Labels = tuple[str, ...]


class Counter:
    """A count for every combination of labels; only grows. 0.3 us an addition, from any thread.

    >>> counter = Counter("reads_total", "Reads.", ("view",))
    >>> counter.add("drivers"), counter.add("drivers", amount=2), counter.value("drivers")
    (None, None, 3)
    """

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self._text = text
        self._labels = tuple(labels)
        self._counts: dict[Labels, int] = {}
        self._lock = free_in_children(Lock())

    def add(self, *labels: str, amount: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + amount

    def value(self, *labels: str) -> int:
        """The count of some labels."""
        return self._counts.get(labels, 0)

    def family(self) -> Family:
        """As a metric."""
        with self._lock:
            counts = sorted(self._counts.items())
        samples = [Sample("", dict(zip(self._labels, labels)), count) for labels, count in counts]
        return Family(self.name, "counter", self._text, samples)


class Histogram:
    """Durations in buckets, for every combination of labels. ``buckets`` are upper bounds in seconds, ascending.

    >>> histogram = Histogram("latency_seconds", "Latency.", buckets=(0.1, 1.0))
    >>> [histogram.observe(seconds) for seconds in (0.05, 0.1, 5.0)]
    [None, None, None]
    >>> [sample.value for sample in histogram.family().samples]
    [2, 2, 3, 5.15, 3]
    """

    def __init__(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS_S
    ) -> None:
        if list(buckets) != sorted(set(buckets)) or inf in buckets:
            raise InvalidInput("buckets are finite upper bounds that ascend", buckets=list(buckets))
        self.name = name
        self._text = text
        self._labels = tuple(labels)
        self._bounds = tuple(buckets)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = free_in_children(Lock())

    def observe(self, seconds: float, *labels: str) -> None:
        """Count one duration: a bound belongs to its bucket."""
        place = bisect_left(self._bounds, seconds)
        with self._lock:
            counts = self._counts.get(labels)
            if counts is None:
                counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            counts[place] += 1
            self._sums[labels] = fsum((self._sums.get(labels, 0.0), seconds))

    def family(self) -> Family:
        """As a metric, with cumulative buckets."""
        with self._lock:
            found = sorted((labels, list(counts), self._sums[labels]) for labels, counts in self._counts.items())
        samples = [sample for one in found for sample in self._samples(*one)]
        return Family(self.name, "histogram", self._text, samples)

    def _samples(self, labels: Labels, counts: list[int], total: float) -> Iterator[Sample]:
        named = dict(zip(self._labels, labels))
        bounds = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for bound, count in zip(bounds, accumulate(counts)):
            yield Sample("_bucket", {**named, "le": bound}, count)
        yield Sample("_sum", named, total)
        yield Sample("_count", named, sum(counts))  # ints


class Meters:
    """The counters and histograms of one application: ``families`` gives them all."""

    def __init__(self) -> None:
        what = ("route", "method", "status")
        self.requests = Counter("vectordb_http_requests_total", "Requests by route, method and status.", what)
        text = "Time from the head of a request to its answer, in seconds."
        self.duration = Histogram("vectordb_http_request_duration_seconds", text, ("route", "method"))
        self.rows = Counter("vectordb_http_rows_total", "Entities, rows or units that were answered.", ("route",))

    def families(self) -> list[Family]:
        """In order of definition."""
        return [self.requests.family(), self.duration.family(), self.rows.family()]
