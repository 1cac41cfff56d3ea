"""The history of an effect: what every look showed, peeking beside what holds at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ledger import (
    ExperimentDefinition,
    InvalidInput,
    OffsetOutOfRange,
    TimeOutOfRange,
    UnknownName,
    from_micros,
    to_micros,
)
from vectordb.experiments.analyzing import metric_of
from vectordb.experiments.methods import ratio_of
from vectordb.experiments.soundness import bucket_versions
from vectordb.experiments.stats.effects import Effect, difference
from vectordb.experiments.stats.inputs import check_count, check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.samples import Sample, mean_sample
from vectordb.experiments.stats.sequential import ConfidenceSequence, confidence_sequence

if TYPE_CHECKING:
    from vectordb.reader import Reader

NOBODY: Final = Sample(0, None, None)


@dataclass(frozen=True)
class EffectLook(Result):
    """What one look showed of an arm against the control.

    ``p``, ``low`` and ``high`` are Welch's, right if this had been the only look. ``sequence_low``, ``sequence_high``
    and ``running_p`` hold at all looks together; ``valid_p`` is the always-valid p-value of this one. None where there
    were too few units, or no variance, for them.
    """

    as_of: int
    at: datetime
    n: int
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    p: float | None
    sequence_low: float | None
    sequence_high: float | None
    valid_p: float | None
    running_p: float


@dataclass(frozen=True)
class EffectSeries(Result):
    """The looks at one arm. ``rejected_at`` is the first look (from 0) whose running p is at most alpha.

    ``peeking_rejected_at`` is where somebody who peeks with Welch's test would have stopped.
    """

    arm: str
    control: str
    looks: tuple[EffectLook, ...]
    rejected_at: int | None
    peeking_rejected_at: int | None


@dataclass(frozen=True)
class EffectHistory(Result):
    """A metric at a list of looks, in the order of their offsets."""

    experiment: str
    metric: str
    as_of: int
    alpha: float
    tuned: int
    arms: tuple[EffectSeries, ...]
    method: str
    assumptions: tuple[str, ...]

    def arm(self, name: str | None = None) -> EffectSeries:
        """One arm against the control, by name; without one the first. Raises ``UnknownName``."""
        for series in self.arms:
            if name is None or series.arm == name:
                return series
        known = [series.arm for series in self.arms]
        control = "this arm is the control: the history is of the other arms against it"
        rule = control if any(series.control == name for series in self.arms) else "the history has no such arm"
        raise UnknownName(rule, arm=name, known=known)


def effects(reader: Reader, name: str, metric: str, looks: Iterable[Any], alpha: float, tuned: int) -> EffectHistory:
    """The history as a pinned reader sees it."""
    check_share("alpha", alpha), check_count("tuned", tuned, 1)
    experiments, offset = reader.state.experiments, reader.as_of_offset
    tallies = experiments.tallies(name, offset)
    definition, defined = tallies.definition, metric_of(tallies, metric)
    offsets = check_looks(reader, looks, _first(reader, definition, metric))
    samples: list[dict[str, Sample]]
    if defined.over:
        joint = experiments.joint_looks(name, metric, offsets)
        samples = [{arm: ratio_of(own) for arm, own in one.items()} for one in joint]
    else:
        plain = experiments.looks(name, metric, offsets)
        samples = [{arm: mean_sample(own) for arm, own in one.items()} for one in plain]
    control = definition.control
    series = tuple(
        _series(reader, arm, control, offsets, samples, alpha, tuned) for arm in tallies.exposed if arm != control
    )
    sequence = confidence_sequence((), alpha, tuned)
    return EffectHistory(
        definition.label, metric, offset, alpha, tuned, series, f"Welch's t; {sequence.method}", sequence.assumptions
    )


def _first(reader: Reader, definition: ExperimentDefinition, metric: str) -> int:
    """The offset from which on, in the bucket version in force, a metric has been what it is."""
    first = reader.as_of_offset
    for offset, one in reversed(bucket_versions(reader, definition)):
        if one.metrics.get(metric) != definition.metrics[metric]:
            break
        first = offset
    return first


def check_looks(reader: Reader, looks: Iterable[Any], first: int) -> list[int]:
    """Offsets or times as offsets, which do not fall; none before the bucket version in force began."""
    if isinstance(looks, (str, bytes)) or not isinstance(looks, Iterable):
        raise InvalidInput("looks are offsets or times", looks=looks)
    offsets = [_offset(reader, look) for look in looks]
    if any(later < earlier for earlier, later in pairwise(offsets)):
        raise InvalidInput("looks come in the order of their offsets", looks=offsets[:20])
    if offsets and not first <= offsets[0] <= offsets[-1] <= reader.as_of_offset:
        rule = "a look lies between the start of the bucket version and metric in force and the offset of the reader"
        raise OffsetOutOfRange(rule, looks=offsets[:20], first=first, last=reader.as_of_offset)
    return offsets


def _offset(reader: Reader, look: Any) -> int:
    if isinstance(look, int) and not isinstance(look, bool):
        return look
    if not isinstance(look, (datetime, str)):
        raise InvalidInput("a look is an offset (int) or a time (datetime, RFC 3339 text)", look=look)
    micros, clock = to_micros(look), reader.clock()
    if micros > clock:
        raise TimeOutOfRange("a look does not lie after the clock", time=look, clock=from_micros(clock))
    return min(reader.as_of_offset, reader.state.log.offset_at(micros))


def _series(
    reader: Reader,
    arm: str,
    control: str,
    offsets: Sequence[int],
    samples: Sequence[dict[str, Sample]],
    alpha: float,
    tuned: int,
) -> EffectSeries:
    pairs = [(one.get(arm, NOBODY), one.get(control, NOBODY)) for one in samples]
    sizes = [treated.size + base.size for treated, base in pairs]
    found = [difference(base, treated, alpha) for treated, base in pairs]
    readings = [(n, *known) for n, one in zip(sizes, found) if (known := _known(one))]
    sequence = confidence_sequence(readings, alpha, tuned)
    looks = tuple(_looks(reader, offsets, sizes, found, sequence))
    at = next((place for place, look in enumerate(looks) if look.running_p <= alpha), None)
    peeking = next((place for place, look in enumerate(looks) if look.p is not None and look.p <= alpha), None)
    return EffectSeries(arm, control, looks, at, peeking)


def _looks(
    reader: Reader, offsets: Sequence[int], sizes: Sequence[int], found: Sequence[Effect], sequence: ConfidenceSequence
) -> Iterator[EffectLook]:
    held, running = iter(sequence.looks), 1.0
    for offset, n, one in zip(offsets, sizes, found):
        own = next(held) if _known(one) else None
        running = running if own is None else own.running_p
        at = from_micros(reader.state.log.time_of(offset))
        low, high, p = (None, None, None) if own is None else (own.low, own.high, own.p)
        fixed = (one.estimate, one.standard_error, one.low, one.high, one.p_value)
        yield EffectLook(offset, at, n, *fixed, low, high, p, running)


def _known(one: Effect) -> tuple[float, float] | None:
    """The estimate and its standard error, where there are both."""
    return (one.estimate, one.standard_error) if one.estimate is not None and one.standard_error else None
