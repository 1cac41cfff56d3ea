"""Uses: which predictions read a row, and which were made by a service, pipeline, model or experiment.

The inverse of what predictions say of themselves. No event is folded into it, so a write costs nothing more: it is
built from the log when it is first asked for, and catches up with what was recorded since (2 us an input).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, NamedTuple

from ledger import ROW_BITS, Log, PredictionsRecorded, free_in_children, parse_label
from projections.catalog import Catalog
from projections.predictions import Predictions

NONE: array[int] = array("q")


class Made(NamedTuple):
    """By what a prediction was made: ids of the lineage graph, empty where there is none."""

    service: str
    pipeline: str
    model: str
    experiment: str

    def ids(self) -> Iterator[str]:
        """Those that there are."""
        return (name for name in self if name)


def made_by(fact: PredictionsRecorded, row: int, catalog: Catalog, offset: int) -> Made:
    """By what the prediction of a row of an event was made."""
    name = fact.service.partition("@")[0]
    pipeline = f"pipeline:{name}#{fact.pipeline}" if fact.pipeline else ""
    experiment = _experiment(fact.predictions[row].assignment, catalog, offset)
    return Made(f"service:{fact.service}", pipeline, f"model:{fact.model}", experiment)


def _experiment(assignment: dict[str, Any] | None, catalog: Catalog, offset: int) -> str:
    """The version of an experiment that an assignment names, where there was one at the offset: it is free data."""
    label = (assignment or {}).get("experiment")
    if not isinstance(label, str):
        return ""
    newest = catalog.experiments.find(label.partition("@")[0], offset)
    if newest is None:
        return ""
    version = parse_label(label)[1]
    if version is None:
        return f"experiment:{newest.label}"
    known = 1 <= version <= newest.version and label == f"{newest.name}@{version}"
    return f"experiment:{label}" if known else ""


class Uses:
    """References of predictions by what they read, and by what made them; all that is read has a limit."""

    def __init__(self, log: Log, catalog: Catalog, predictions: Predictions) -> None:
        self._log = log
        self._catalog = catalog
        self._predictions = predictions
        self._lock = free_in_children(Lock())
        self._clear()

    def _clear(self) -> None:
        self.end = 0  # the last offset that is covered
        self._by_ref: dict[int, array[int]] = {}
        self._by_id: dict[str, array[int]] = {}
        self._pairs: dict[tuple[str, str], int] = {}  # service, and model or experiment -> the first offset of both

    def upto(self, limit: int) -> Uses:
        """Itself, covering an offset. The first call reads every prediction that was recorded."""
        if self.end < limit:
            with self._lock:
                self._catch_up(limit)
        return self

    def _catch_up(self, limit: int) -> None:
        try:
            for offset in self._predictions.after(self.end, limit):
                self._take(offset)
        except BaseException:  # an interrupt may have left half an event
            self._clear()
            raise
        self.end = max(self.end, limit)

    def _take(self, offset: int) -> None:
        fact = self._log.event(offset).fact
        assert isinstance(fact, PredictionsRecorded)
        for row, prediction in enumerate(fact.predictions):
            ref = offset << ROW_BITS | row
            if not self._predictions.has(ref):
                continue  # it was erased, or left out of a kit
            for source in set(prediction.sources):
                if source:
                    self._by_ref.setdefault(source, array("q")).append(ref)
            made = made_by(fact, row, self._catalog, offset)
            for name in made.ids():
                self._by_id.setdefault(name, array("q")).append(ref)
            for user in (made.model, made.experiment):
                if user:
                    self._pairs.setdefault((made.service, user), offset)

    def of_row(self, ref: int, limit: int) -> Sequence[int]:
        """Predictions up to a limit, a reference, that read a row."""
        return _upto(self._by_ref.get(ref, NONE), limit)

    def of_definition(self, name: str, limit: int) -> Sequence[int]:
        """Predictions that were made by a service, pipeline, model or experiment, by its id."""
        return _upto(self._by_id.get(name, NONE), limit)

    def pairs(self, limit: int) -> list[tuple[str, str, int]]:
        """(service, model or experiment, offset of the first prediction of both), up to an offset."""
        return [(*pair, offset) for pair, offset in list(self._pairs.items()) if offset <= limit]

    def counts(self) -> dict[str, int]:
        """Rows that were read, and the predictions that read them."""
        return {"rows": len(self._by_ref), "reads": sum(map(len, self._by_ref.values()))}  # ints


def _upto(refs: array[int], limit: int) -> Sequence[int]:
    return refs[: bisect_right(refs, limit)]
