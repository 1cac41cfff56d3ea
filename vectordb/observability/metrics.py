"""Metrics: a hook that counts and times, in bounded memory; mergeable across processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from ledger import InvalidInput, free_in_children
from vectordb.observability.families import Family, families
from vectordb.observability.histogram import Histogram
from vectordb.observability.names import BATCH, COLLECTION, ERROR, EVALUATION, FLAG, REASON, UNITS, VARIANT

MAX_SERIES: Final = 1_000
OTHER: Final = "other"  # what stands for the names of series beyond the bound


class Series(NamedTuple):
    """What is told apart: operation, collection ("" where there is none), kind of error ("" where there was none)."""

    operation: str
    collection: str
    error: str


class Flag(NamedTuple):
    """An answer of an experiment: its name, the arm ("" for none) and the reason."""

    key: str
    variant: str
    reason: str


class Metrics:
    """Counts, rows and latencies of operations, by collection and kind of error; ``db.observe(metrics)``.

    At most ``max_series`` combinations are told apart (3 kB each): later ones are counted as ``other``. Thread-safe;
    4 us a call with what it is told. Two of them add up by ``merge``, also through ``to_dict`` and ``from_dict`` from
    another process.

    >>> from vectordb import Int, VectorDB
    >>> db, metrics = VectorDB(), Metrics()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> with db.observe(metrics):
    ...     for trips in range(10):
    ...         _ = drivers.put("d-7", {"trips": trips})
    >>> metrics.count("view.put"), metrics.count(error=True), 0 < metrics.quantile(0.99, "view.put") < 60
    (10, 0, True)
    """

    def __init__(self, *, max_series: int = MAX_SERIES) -> None:
        if type(max_series) is not int or max_series < 1:
            raise InvalidInput("at least one series is kept", max_series=max_series)
        self.max_series = max_series
        self._lock = free_in_children(Lock())
        self._durations: dict[Series, Histogram] = {}
        self._rows: dict[Series, int] = {}
        self._flags: dict[Flag, int] = {}

    def __call__(
        self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None
    ) -> None:
        if operation == EVALUATION:
            flag = Flag(attributes[FLAG], attributes.get(VARIANT, ""), attributes[REASON])
            with self._lock:
                self._add_flag(flag, attributes.get(UNITS, 1))
            return
        series = Series(operation, attributes.get(COLLECTION, ""), attributes.get(ERROR, ""))
        rows = attributes.get(BATCH, 1) if error is None else 0
        with self._lock:
            durations = self._durations.get(series)
            if durations is None:
                series, durations = self._open(series)
            durations.add(duration)
            self._rows[series] += rows

    def _open(self, series: Series) -> tuple[Series, Histogram]:
        """The histogram of a series that may be new; the caller holds the lock."""
        if series not in self._durations and len(self._durations) >= self.max_series:
            series = Series(OTHER, OTHER, OTHER if series.error else "")
        self._rows.setdefault(series, 0)
        return series, self._durations.setdefault(series, Histogram())

    def _add_flag(self, flag: Flag, units: int) -> None:
        if flag not in self._flags and len(self._flags) >= self.max_series:
            flag = Flag(OTHER, OTHER, OTHER)
        self._flags[flag] = self._flags.get(flag, 0) + units

    # -- answers -----------------------------------------------------------------------------------------

    def count(
        self, operation: str | None = None, collection: str | None = None, *, error: bool | str | None = None
    ) -> int:
        """How many calls: of one operation or all, one collection or all; failed ones (True or a kind), or not."""
        return self.durations(operation, collection, error=error).count

    def rows(self, operation: str | None = None, collection: str | None = None) -> int:
        """How many rows those calls read or wrote; a call without a batch counts one, a failed one none."""
        with self._lock:
            found = [rows for one, rows in self._rows.items() if _is_asked(one, operation, collection, None)]
        return sum(found)  # ints

    def quantile(self, share: float, operation: str | None = None, collection: str | None = None) -> float | None:
        """The latency in seconds that a share of those calls did not exceed, within 28 %; None of no calls."""
        return self.durations(operation, collection).quantile(share)

    def durations(
        self, operation: str | None = None, collection: str | None = None, *, error: bool | str | None = None
    ) -> Histogram:
        """Their durations together."""
        whole = Histogram()
        with self._lock:
            for one, durations in self._durations.items():
                if _is_asked(one, operation, collection, error):
                    whole.merge(durations)
        return whole

    def evaluations(self) -> dict[Flag, int]:
        """How many units met which arm of which experiment, and why, through ``expose`` and ``expose_many``."""
        with self._lock:
            return dict(self._flags)

    def families(self) -> list[Family]:
        """Everything as Prometheus sees it, as plain data: see ``Family``; ``prometheus_text`` renders it."""
        copy = Metrics.from_dict(self.to_dict())
        return families(copy._durations, copy._rows, copy._flags)

    # -- merging -----------------------------------------------------------------------------------------

    def merge(self, other: Metrics) -> None:
        """Count in all that another one counted."""
        copy = Metrics.from_dict(other.to_dict())  # so that never two locks are held
        with self._lock:
            for series, durations in copy._durations.items():
                kept, own = self._open(series)
                own.merge(durations)
                self._rows[kept] += copy._rows[series]
            for flag, units in copy._flags.items():
                self._add_flag(flag, units)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        with self._lock:
            operations = [
                {**series._asdict(), "rows": self._rows[series], **durations.to_dict()}
                for series, durations in self._durations.items()
            ]
            flags = [{**flag._asdict(), "units": units} for flag, units in self._flags.items()]
        return {"max_series": self.max_series, "operations": operations, "evaluations": flags}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Metrics:
        """What ``to_dict`` gave."""
        found = cls(max_series=data["max_series"])
        for item in data["operations"]:
            series = Series(item["operation"], item["collection"], item["error"])
            found._durations[series] = Histogram.from_dict(item)
            found._rows[series] = item["rows"]
        for item in data["evaluations"]:
            found._flags[Flag(item["key"], item["variant"], item["reason"])] = item["units"]
        return found

    def __iter__(self) -> Iterator[Series]:
        with self._lock:
            return iter(list(self._durations))

    def __len__(self) -> int:
        return len(self._durations)

    def __bool__(self) -> bool:
        return True  # a length of 0 says that nothing was seen yet, not that there is nothing

    def __repr__(self) -> str:
        return f"Metrics(calls={self.count()}, errors={self.count(error=True)}, series={len(self)})"


def _is_asked(series: Series, operation: str | None, collection: str | None, error: bool | str | None) -> bool:
    failed = error is None or (series.error == error if isinstance(error, str) else bool(series.error) is error)
    return failed and operation in (None, series.operation) and collection in (None, series.collection)
