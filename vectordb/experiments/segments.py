"""Segments: an analysis for each value that a feature had at the units' exposure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from ledger import Bool, Category, Entity, Int, InvalidInput, Text
from vectordb.experiments.adjusting import Adjustments, adjust
from vectordb.experiments.analysis import Analysis
from vectordb.experiments.analyzing import Asked, analyze
from vectordb.experiments.at_exposure import check_feature, values_at_exposure
from vectordb.experiments.sources import UnitSource
from vectordb.experiments.stats.result import Result

MOST: Final = 100
KINDS: Final = (Category, Int, Bool, Text)
Value = str | int | bool | None


@dataclass(frozen=True)
class Segment(Result):
    """The units whose feature had one value (None: null, missing or expired, without default)."""

    value: Value
    analysis: Analysis


@dataclass(frozen=True)
class Segments(Result):
    """One analysis a value of ``feature``, the largest segment first.

    ``tests`` are the p-values of every arm in every segment, named by both, as they are and adjusted for their number.
    """

    feature: str
    segments: tuple[Segment, ...]
    tests: Adjustments

    def __getitem__(self, value: Value) -> Analysis:
        """The analysis of one segment."""
        for segment in self.segments:
            if segment.value == value and type(segment.value) is type(value):
                return segment.analysis
        raise KeyError(value)


def with_segments(found: Analysis, source: UnitSource, asked: Asked) -> Analysis:
    """An analysis with those of its segments."""
    feature = asked.segments
    kind = check_feature(source.reader, source.definition.unit, feature)
    if not isinstance(kind, KINDS):
        raise InvalidInput("segments are by a Category, Int, Bool or Text", feature=feature, type=kind.name)
    assert feature is not None
    groups = _groups(source, feature)
    if len(groups) > MOST:
        raise InvalidInput(f"there are at most {MOST} segments", feature=feature, segments=len(groups))
    parts = tuple(
        Segment(value, analyze(replace(source, kept=units, _pairs={}, _offsets=[]), found.metric, asked))
        for value, units in groups
    )
    named = [(f"{part.value} {one.arm}", one.p) for part in parts for one in part.analysis.effects]
    return replace(found, segments=Segments(feature, parts, adjust(named, found.alpha)))


def _groups(source: UnitSource, feature: str) -> list[tuple[Value, set[Entity]]]:
    groups: dict[Any, set[Entity]] = {}
    counted = source.counted
    for one, value in zip(counted, values_at_exposure(source.reader, counted, feature)):
        groups.setdefault((type(value).__name__, value), set()).add(one.unit)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), repr(item[0])))
    return [(key[1], units) for key, units in ordered]
