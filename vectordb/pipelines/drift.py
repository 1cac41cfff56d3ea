"""Drift of a pipeline: what it learnt, beside what it would learn from the rows that are there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import InvalidInput, parse_label
from vectordb.pipelines.fitting import Lesson, learn
from vectordb.plain_fields import plain_fields
from vectordb.views.drift import ViewDrift

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.services.service import Service

SKIPPED = frozenset({"sums_", "n_features_in_", "feature_names_in_", "n_samples_seen_"})


class StatisticDrift(NamedTuple):
    """A learnt number (or list, where lengths differ), its place in the pipeline, then and now.

    ``change`` is relative to then; None where there is no such number.
    """

    place: str
    then: Any
    now: Any
    change: float | None


@dataclass(frozen=True)
class PipelineDrift:
    """``statistics`` are those that differ, the biggest relative change first; ``views`` how the inputs moved.

    ``views`` has an entry for each view of the service, from the offset of the fit on; none for a pipeline that was
    fitted elsewhere.
    """

    pipeline: str
    fitted_as_of: int
    as_of: int
    rows_then: int
    rows_now: int
    statistics: tuple[StatisticDrift, ...]
    views: Mapping[str, ViewDrift]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        shown = [statistic._asdict() for statistic in self.statistics]
        views = {name: drift.to_dict() for name, drift in self.views.items()}
        return {**plain_fields(self), "statistics": shown, "views": views}


def drift_of_pipeline(reader: Reader, service: Service, spine: Any = None, target: str | None = None) -> PipelineDrift:
    """Fit anew on what a reader sees (nothing is written), and compare."""
    fitted = service.fitted
    if fitted is None:
        raise InvalidInput("a pipeline that drifts has been fitted", service=service.name)
    learnt = learn(reader, service, Lesson(spine, target))
    now = learnt.transformer.to_dict()
    found = list(_differences(fitted.pipeline, now, "pipeline"))
    found.sort(key=lambda one: -1.0 if one.change is None else one.change, reverse=True)
    views = {}
    if not fitted.given:
        for label in fitted.views:
            name, _ = parse_label(label)
            views[name] = reader.view(name).drift(reader.as_of(fitted.as_of).view(name))
    sizes = (fitted.as_of, reader.as_of_offset, fitted.rows, len(learnt.matrix))
    return PipelineDrift(fitted.label, *sizes, tuple(found), views)


def _differences(then: Any, now: Any, place: str) -> Iterator[StatisticDrift]:
    """Learnt numbers that differ, by the place where they stand in the stored form."""
    if isinstance(then, dict) and isinstance(now, dict) and then.keys() == now.keys():
        for key in then:
            if key not in SKIPPED:
                inside = place if key in ("transformer", "tuple", "parameters", "fitted") else f"{place}.{key}"
                yield from _differences(then[key], now[key], inside)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif then != now:
        yield StatisticDrift(place, then, now, _change(then, now))


def _change(then: Any, now: Any) -> float | None:
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (then, now))
    return abs(now - then) / (abs(then) or 1.0) if numbers else None
