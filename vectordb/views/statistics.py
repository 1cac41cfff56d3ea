"""Statistics of the features of a view, at one offset and clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import hypot, isfinite, sqrt
from typing import Any, Final, TypeVar

from ledger import UnknownName, Vector, from_micros
from projections import moments
from vectordb.plain_fields import plain_fields
from vectordb.views.plan import check_names
from vectordb.views.quantiles import quantiles
from vectordb.views.sample import FeatureSample, ViewSample

F = TypeVar("F")
SHARES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP: Final = 20
_SECOND: Final = 1_000_000


@dataclass(frozen=True)
class Freshness:
    """How old the present values of a feature are: the clock less their event times.

    ``age_quantiles`` are seconds by share; ``oldest`` and ``newest`` are event times.
    """

    age_quantiles: Mapping[float, float]
    oldest: datetime
    newest: datetime


@dataclass(frozen=True)
class FeatureStatistics:
    """One feature: how many entities have it in each status, and the freshness of its present values.

    The subclass of its type adds what the present values are. What needs more of them than there are, and a number
    beyond float64, is None.
    """

    feature: str
    type: str
    present: int
    null: int
    missing: int
    expired: int
    freshness: Freshness | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data: names, numbers, RFC 3339 times, quantiles by share as text."""
        return plain_fields(self)


@dataclass(frozen=True)
class NumberStatistics(FeatureStatistics):
    """An Int, Float or Bool: exact mean, standard deviation over n - 1, extremes, quantiles by share."""

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: Mapping[float, float] | None = None


@dataclass(frozen=True)
class CategoryStatistics(FeatureStatistics):
    """A Category: how many there are, and the 20 most frequent with their counts; ties by type, then value."""

    distinct: int = 0
    top: tuple[tuple[str | int, int], ...] = ()


@dataclass(frozen=True)
class TextStatistics(FeatureStatistics):
    """A Text: its lengths in characters."""

    min_length: int | None = None
    mean_length: float | None = None
    max_length: int | None = None


@dataclass(frozen=True)
class TimestampStatistics(FeatureStatistics):
    """A Timestamp: the earliest and the latest."""

    min: datetime | None = None
    max: datetime | None = None


@dataclass(frozen=True)
class VectorStatistics(FeatureStatistics):
    """A Vector: its mean Euclidean norm; of a binary one the root of the number of its bits that are set."""

    mean_norm: float | None = None


class ByFeature(Mapping[str, F]):
    """A mapping of the features of a view to what is told of each; the base of dataclasses."""

    features: Mapping[str, F]

    def __getitem__(self, feature: str) -> F:
        if feature not in self.features:
            raise UnknownName("no such feature was asked for", feature=feature, known=list(self.features)[:20])
        return self.features[feature]

    def __iter__(self) -> Iterator[str]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return plain_fields(self)


@dataclass(frozen=True)
class ViewStatistics(ByFeature[FeatureStatistics]):
    """A mapping of features to their statistics, over the ``entities`` that exist at an offset and clock."""

    label: str
    as_of: int
    at: datetime
    entities: int
    features: Mapping[str, FeatureStatistics]

    def __str__(self) -> str:
        from vectordb.views.statistics_text import statistics_text

        return statistics_text(self)


def statistics_of(sample: ViewSample, features: Iterable[str] | None = None) -> ViewStatistics:
    """The statistics of some features of a sample (None: all).

    Raises ``UnknownName``. 1 us a value, sorting it and its age included.
    """
    names = sample.plan.check_features(None if features is None else check_names(features))
    found = {name: _feature(sample, name) for name in names}
    return ViewStatistics(sample.plan.label, sample.as_of, from_micros(sample.at_micros), len(sample), found)


def _feature(sample: ViewSample, name: str) -> FeatureStatistics:
    held = sample.feature(name)
    kind = held.kind
    counts = (held.present, held.null, held.missing, held.expired)
    fresh = _freshness(held.times, sample.at_micros) if held.times else None
    make, describe = _KINDS[kind.name]
    shown = describe(held, sample.heavy(name, held.values) if kind.heavy else held.values) if held.values else {}
    return make(name, kind.name, *counts, fresh, **shown)


def _freshness(times: Sequence[int], clock: int) -> Freshness:
    ordered = sorted(times, reverse=True)
    ages = quantiles([clock - time for time in ordered], SHARES)
    seconds = {share: age / _SECOND for share, age in zip(SHARES, ages)}
    return Freshness(seconds, from_micros(ordered[-1]), from_micros(ordered[0]))


Described = dict[str, Any]


def _numbers(held: FeatureSample, values: Sequence[float]) -> Described:
    exact, ordered = moments(values), sorted(values)
    return {
        "mean": exact.mean,
        "std": exact.std,
        "min": ordered[0],
        "max": ordered[-1],
        "quantiles": dict(zip(SHARES, quantiles(ordered, SHARES))),
    }


def _categories(held: FeatureSample, values: Iterable[str | int]) -> Described:
    counts = Counter(values)
    top = sorted(counts.items(), key=lambda item: (-item[1], *category_order(item[0])))[:TOP]
    return {"distinct": len(counts), "top": tuple(top)}


def category_order(category: str | int) -> tuple[str, str | int]:
    """What categories of both types are sorted by: the name of the type, then the value."""
    return type(category).__name__, category


def _texts(held: FeatureSample, values: Iterable[str]) -> Described:
    lengths = list(map(len, values))
    return {"min_length": min(lengths), "mean_length": moments(lengths).mean, "max_length": max(lengths)}


def _timestamps(held: FeatureSample, values: Sequence[int]) -> Described:
    return {"min": from_micros(min(values)), "max": from_micros(max(values))}


def _vectors(held: FeatureSample, values: Iterable[bytes]) -> Described:
    kind = held.kind
    assert isinstance(kind, Vector)
    if kind.dtype == "binary":
        norms = [sqrt(int.from_bytes(cell, "big").bit_count()) for cell in values]
    else:
        unpack = kind.packer.unpack
        norms = [hypot(*unpack(cell)) for cell in values]
    finite = all(map(isfinite, norms))
    return {"mean_norm": moments(norms).mean if finite else None}


_KINDS: Final[Mapping[str, tuple[Callable[..., FeatureStatistics], Callable[[FeatureSample, Any], Described]]]] = {
    "int": (NumberStatistics, _numbers),
    "float": (NumberStatistics, _numbers),
    "bool": (NumberStatistics, _numbers),
    "category": (CategoryStatistics, _categories),
    "text": (TextStatistics, _texts),
    "timestamp": (TimestampStatistics, _timestamps),
    "vector": (VectorStatistics, _vectors),
}
