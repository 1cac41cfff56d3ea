"""Sources: where the numbers of an analysis come from, by arm: the tallies, or the units themselves."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ledger import Entity, ExperimentDefinition
from projections import (
    METRICS_OWN,
    ExposedUnit,
    JointMoments,
    Moments,
    Tallies,
    joint_moments,
    moments,
)

if TYPE_CHECKING:
    from vectordb.reader import Reader

UnitValues = Mapping[str, Sequence[tuple[Entity, float]]]
OWN: Final = METRICS_OWN


@dataclass(frozen=True)
class Source:
    """Counts and exact sums of an experiment as of an offset, from the tallies: whatever the number of units, at once.

    ``window`` (microseconds, None for ever) is another attribution than the metric's own.
    """

    reader: Reader
    tallies: Tallies
    window: int | None = OWN
    _pairs: dict[str, UnitValues] = field(default_factory=dict)  # as they were read, by metric

    @property
    def definition(self) -> ExperimentDefinition:
        """The experiment as of the offset."""
        return self.tallies.definition

    @property
    def exposed(self) -> dict[str, int]:
        """How many units count in each arm."""
        return self.tallies.exposed

    @property
    def excluded(self) -> int:
        """How many of them the caller left out."""
        return 0

    def exposed_by(self, offset: int) -> int:
        """How many of the units that count were exposed by an earlier offset."""
        return self.reader.state.experiments.counted_by(self.definition.name, offset, self.tallies.offset)

    def moments(self, metric: str) -> dict[str, Moments]:
        """Of each arm the moments over its units."""
        return self.tallies.moments(metric)

    def joint(self, metric: str) -> dict[str, JointMoments]:
        """Of each arm the joint moments of a ratio's two metrics."""
        return self.tallies.joint(metric)

    def pairs(self, metric: str) -> UnitValues:
        """Of each arm the units that the metric is over, with their values. 0.3 us a unit; by another window 1.5 an
        outcome.
        """
        found = self._pairs.get(metric)
        if found is None:
            experiments, name = self.reader.state.experiments, self.definition.name
            found = experiments.unit_values(name, metric, self.tallies.offset, window=self.window)
            found = self._pairs[metric] = self._kept(found)
        return found

    def _kept(self, values: UnitValues) -> UnitValues:
        return values

    def values(self, metric: str) -> dict[str, list[float]]:
        """The values alone."""
        return {arm: [value for _, value in own] for arm, own in self.pairs(metric).items()}


@dataclass(frozen=True)
class UnitSource(Source):
    """The same from the values of units: of those ``kept`` (None: all), or by another window."""

    units: Sequence[ExposedUnit] = ()
    kept: Container[Entity] | None = None
    _offsets: list[int] = field(default_factory=list)

    @property
    def exposed(self) -> dict[str, int]:
        """See ``Source``."""
        counts = Counter(one.arm for one in self.counted)
        return {arm: counts[arm] for arm in self.tallies.exposed}

    @cached_property
    def counted(self) -> list[ExposedUnit]:
        """The units that count, conflicted ones and those left out aside."""
        kept = self.kept
        return [one for one in self.units if not one.conflicted and (kept is None or one.unit in kept)]

    @property
    def excluded(self) -> int:
        """See ``Source``."""
        return sum(not one.conflicted for one in self.units) - len(self.counted)  # ints

    def exposed_by(self, offset: int) -> int:
        """See ``Source``."""
        if not self._offsets:
            self._offsets.extend(sorted(one.offset for one in self.counted))
        return bisect_right(self._offsets, offset)

    def moments(self, metric: str) -> dict[str, Moments]:
        """See ``Source``."""
        return {arm: exact(values) for arm, values in self.values(metric).items()}

    def joint(self, metric: str) -> dict[str, JointMoments]:
        """See ``Source``."""
        over = self.definition.metrics[metric].over
        return joined(self.pairs(metric), {arm: dict(own).get for arm, own in self.pairs(over).items()})

    def _kept(self, values: UnitValues) -> UnitValues:
        kept = self.kept
        if kept is None:
            return values
        return {arm: [pair for pair in own if pair[0] in kept] for arm, own in values.items()}


def exact(values: Sequence[float]) -> Moments:
    """Exact moments; whole numbers ten times faster."""
    return moments(list(map(int, values)) if all(map(float.is_integer, values)) else values)


def joined(values: UnitValues, other: Mapping[str, Callable[[Entity], Any]]) -> dict[str, JointMoments]:
    """Of each arm the joint moments of values and what ``other`` gives for their units (None: the unit is left out)."""
    return {
        arm: joint_moments((value, more) for unit, value in own if (more := other[arm](unit)) is not None)
        for arm, own in values.items()
    }
