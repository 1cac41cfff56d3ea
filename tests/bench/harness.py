"""The harness: candidates for one operation, measured side by side in one process.

Repeats are interleaved (each round runs every candidate once, starting with another one), the first
round only warms up, and ratios are taken within a round, so that a busy machine disturbs both sides alike.
One clock for all; the garbage collector stays on. Before a run everything that is already there is
collected and frozen: a collection then costs a candidate what it keeps itself, not what its neighbours keep.
Whoever gives another answer than the first candidate ends the measurement.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

clock = time.perf_counter
Meter = Callable[["Candidate", Any], "tuple[float, Any]"]


@dataclass(frozen=True)
class Candidate:
    """One way to do the operation. Only ``run(prepared)`` is measured; it does ``units`` of it.

    ``answer(prepared, result)`` is what must be the same for all; ``close`` releases both.
    """

    name: str
    does: str
    units: int
    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    answer: Callable[[Any, Any], Any] = lambda prepared, result: None
    close: Callable[[Any, Any], None] = lambda prepared, result: None


@dataclass(frozen=True)
class Bar:
    """What the first candidate should reach: at least, at most, or within so many times of another one."""

    limit: float
    kind: str = "at least"
    of: str = ""

    def met(self, result: Result) -> bool:
        """Whether the medians reach it."""
        value = result.figures[0].median
        if self.kind == "within":
            return result.figure(self.of).ratio.median <= self.limit
        return value >= self.limit if self.kind == "at least" else value <= self.limit

    def text(self) -> str:
        """As it stands in a table."""
        if self.kind == "within":
            return f"≥ {1 / self.limit:g}x {self.of}" if 0 < self.limit < 1 else f"within {self.limit:g}x of {self.of}"
        return f"{'≥' if self.kind == 'at least' else '≤'} {self.limit:,.0f}"


@dataclass(frozen=True)
class Benchmark:
    """An operation and its candidates, ours first. ``unit`` is what a figure counts.

    ``predicted`` is what the code's own notes promise, written down before the measurement.
    """

    operation: str
    unit: str
    candidates: Sequence[Candidate]
    users_bar: Bar | None = None
    bar: Bar | None = None
    predicted: float | None = None
    meter: Meter = field(default_factory=lambda: rate)
    repeats: int = 5
    at_most_once: bool = False  # the meter is exact: one round, no warm-up


class Spread(NamedTuple):
    """The median of the rounds, and their extremes."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of some values."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Figure:
    """What a candidate reached. ``ratio`` says how many times better it is than the first one."""

    name: str
    does: str
    values: tuple[float, ...]
    ratio: Spread

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return median(self.values)


@dataclass(frozen=True)
class Result:
    """A measured benchmark; the first figure is ours."""

    benchmark: Benchmark
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure:
        """The figure of a candidate."""
        return next(figure for figure in self.figures if figure.name == name)


class Disagreement(AssertionError):
    """Two candidates gave different answers, so their times cannot be compared."""


def rate(candidate: Candidate, prepared: Any) -> tuple[float, Any]:
    """Units a second: more is better."""
    run = candidate.run
    start = clock()
    result = run(prepared)
    return candidate.units / (clock() - start), result


def kept_bytes(candidate: Candidate, prepared: Any) -> tuple[float, Any]:
    """Bytes a unit that the result keeps alive: less is better.

    Python's own allocations by tracemalloc, and what the result says it keeps elsewhere
    (``outside_bytes``).
    """
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = candidate.run(prepared)
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return (kept + getattr(result, "outside_bytes", int)()) / candidate.units, result


def measure(benchmark: Benchmark, repeats: int | None = None) -> Result:
    """Run the rounds; raises ``Disagreement`` when two answers differ."""
    rounds = 1 if benchmark.at_most_once else repeats or benchmark.repeats
    values: dict[str, list[float]] = {candidate.name: [] for candidate in benchmark.candidates}
    for turn in range(rounds if benchmark.at_most_once else rounds + 1):
        answers = {}
        for candidate in _rotated(benchmark.candidates, turn):
            value, answers[candidate.name] = _run(benchmark, candidate)
            if turn or benchmark.at_most_once:
                values[candidate.name].append(value)
        _check_answers(benchmark, answers)
    ours = values[benchmark.candidates[0].name]
    figures = (
        Figure(
            one.name, one.does, tuple(values[one.name]), Spread.of(_ratios(values[one.name], ours, benchmark))
        )
        for one in benchmark.candidates
    )
    return Result(benchmark, tuple(figures))


def _ratios(theirs: Sequence[float], ours: Sequence[float], benchmark: Benchmark) -> list[float]:
    if benchmark.meter is kept_bytes:
        return [mine / other for other, mine in zip(theirs, ours)]
    return [other / mine for other, mine in zip(theirs, ours)]


def _rotated(candidates: Sequence[Candidate], turn: int) -> Iterator[Candidate]:
    start = turn % len(candidates)
    yield from candidates[start:]
    yield from candidates[:start]


def _run(benchmark: Benchmark, candidate: Candidate) -> tuple[float, Any]:
    prepared = candidate.prepare()
    gc.collect()
    gc.freeze()
    result = None
    try:
        value, result = benchmark.meter(candidate, prepared)
        return value, candidate.answer(prepared, result)
    finally:
        gc.unfreeze()
        candidate.close(prepared, result)


def _check_answers(benchmark: Benchmark, answers: dict[str, Any]) -> None:
    first = benchmark.candidates[0].name
    for name, answer in answers.items():
        if answer != answers[first]:
            raise Disagreement(
                f"{benchmark.operation}: {first} and {name} differ\n{answers[first]!r:.500}\n{answer!r:.500}"
            )
