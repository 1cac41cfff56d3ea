"""Questions to an experiment about its metrics: the statistics, the same now and in the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ledger import MISSING, Entity, Instant
from projections import Uncounted
from vectordb.experiments.analysis import Analysis
from vectordb.experiments.analyzing import Asked, analyze, source_of
from vectordb.experiments.history import EffectHistory, effects
from vectordb.experiments.reallocating import Reallocation, reallocation
from vectordb.experiments.scorecard import Scorecard, scorecard
from vectordb.experiments.segments import with_segments
from vectordb.experiments.sources import UnitSource
from vectordb.experiments.stats.sequential import TUNED

if TYPE_CHECKING:
    from vectordb.reader import Reader

T = TypeVar("T")


class Questions:
    """Base of ``Experiment``. Everything is read at one offset and clock, by the definition in force there."""

    _reader: Reader
    name: str

    def _ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of a pinned reader and the name answers."""
        reader = self._reader
        pinned = reader.pinned(reader.consistently(lambda: reader.as_of_offset), reader.clock())
        return pinned.consistently(function, pinned, self.name, *arguments)

    def analyze(
        self,
        metric: str,
        *,
        alpha: float = 0.05,
        method: str = "welch",
        quantile: float = 0.5,
        cuped: bool = False,
        sequential: bool = True,
        tuned: int = TUNED,
        window: Any = MISSING,
        exclude: Mapping[str, Any] | Iterable[Entity] | None = None,
        segments: str | None = None,
        seed: int = 0,
    ) -> Analysis:
        """One metric: every arm, the effect of each against the first, and whether the experiment is sound.

        ``method``: ``welch``, ``proportions``, ``chi_square`` or ``fisher`` (of an ``any`` metric), ``mann_whitney``,
        ``bootstrap`` (by ``seed``) or ``quantile``; a metric that is ``over`` another is a ratio of means, by
        ``welch``. ``cuped`` takes out what the metric's covariate foretold. ``sequential`` adds the always-valid
        interval, tightest at ``tuned`` units. ``window`` (seconds or ``timedelta``, None for ever) attributes otherwise
        than the metric does; ``exclude`` leaves units out: a ``where`` over ``view:feature``, or the units.
        ``segments`` names a ``view:feature`` to analyze by. Features are those of just before each exposure, whatever
        came later.

        Raises ``UnknownName`` of a metric, ``InvalidInput`` of a feature, a method or an alpha outside (0, 1).
        Where there are too few units, no variance or a control of 0, the fields that need more are None, and
        ``undefined`` of the effect says why.
        From the tallies 2 ms, whatever the number of units; with ``cuped``, ``window``, ``exclude``, ``segments`` or
        another method some microseconds a unit.
        """
        asked = Asked(alpha, method, quantile, cuped, sequential, tuned, window, listed(exclude), segments, seed)
        return self._ask(_analyze, metric, asked)

    def effects(
        self, metric: str, looks: Iterable[int | Instant], *, alpha: float = 0.05, tuned: int = TUNED
    ) -> EffectHistory:
        """A metric as of each of some offsets or times: the p-value of each look, and what holds at all of them.

        ``looks`` are in order, and none is before the bucket version in force (``OffsetOutOfRange``) or after the
        clock (``TimeOutOfRange``). 1 ms a look.
        """
        return self._ask(effects, metric, listed(looks), alpha, tuned)

    def scorecard(
        self,
        metrics: Iterable[str] | None = None,
        guardrails: Mapping[str, float | Mapping[str, Any]] | None = None,
        *,
        alpha: float = 0.05,
        power: float = 0.8,
        looks: Iterable[int | Instant] | None = None,
        sequential: bool = True,
        tuned: int = TUNED,
        window: Any = MISSING,
        exclude: Mapping[str, Any] | Iterable[Entity] | None = None,
    ) -> Scorecard:
        """Several metrics, their p-values adjusted together, and guardrails that must not get worse by their margin.

        ``metrics`` None: all that the experiment has and that are no guardrails. ``guardrails``: ``{"latency": 5.0}``,
        or ``{"latency": {"margin": 5.0, "increase_is_good": False}}``, in the metric's own units. The sample ratio is
        tested once, and over ``looks`` (None: 20, evenly spaced in offsets).
        """
        asked = Asked(alpha, sequential=sequential, tuned=tuned, window=window, exclude=listed(exclude))
        return self._ask(scorecard, listed(metrics), guardrails or {}, power, listed(looks), asked)

    def uncounted(self, metric: str, *, window: Any = MISSING) -> Uncounted:
        """How many outcomes of a metric were recorded, and how many count for no unit, by why. 0.3 us an outcome."""
        return self._ask(_uncounted, metric, Asked(window=window).micros)

    def reallocation(
        self,
        metric: str,
        method: str = "thompson",
        *,
        floor: float = 0.01,
        draws: int | None = None,
        seed: int = 0,
        leader: float = 0.5,
    ) -> Reallocation:
        """The weights that a bandit would give now; ``LiveExperiment.reallocate`` records them.

        ``thompson`` by each arm's probability to be the best, ``top_two`` with ``leader`` for the best of a draw; both
        exactly (``draws`` None) or by seeded draws. Higher is better, and no arm gets less than ``floor``.
        """
        return self._ask(reallocation, metric, method, floor, draws, seed, leader)


def _analyze(reader: Reader, name: str, metric: str, asked: Asked) -> Analysis:
    source = source_of(reader, name, asked)
    found = analyze(source, metric, asked)
    if asked.segments is None:
        return found
    assert isinstance(source, UnitSource)
    return with_segments(found, source, asked)


def _uncounted(reader: Reader, name: str, metric: str, window: int | None) -> Uncounted:
    return reader.state.experiments.uncounted(name, metric, reader.as_of_offset, window=window)


def listed(given: Any) -> Any:
    """An iterable as a list, as a read may be tried twice; nothing, an empty mapping too, as None; else as it is."""
    if isinstance(given, Mapping) and not given:
        return None
    plain = given is None or isinstance(given, (Mapping, str, bytes)) or not isinstance(given, Iterable)
    return given if plain else list(given)
