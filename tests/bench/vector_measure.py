"""Measuring searches: interleaved blocks of queries, recall and latency of every setting, ratios at equal recall.

In a round every contest answers every query; blocks of queries go from contest to contest, each round starting with
another one, so that a busy machine disturbs all alike. One answer before every block only warms the caches. A figure
is the median of the rounds. Latency is by the wall clock; ``CLOCKS["cpu"]`` counts the thread's own processor time
instead, for a machine so busy that a p99 tells of its neighbours.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import median
from time import process_time, thread_time
from typing import Any, NamedTuple

from tests.bench.harness import Spread, clock
from tests.bench.vector_data import Data
from tests.bench.vector_libraries import LIBRARIES
from tests.bench.vector_peers import NumpyExact, Peer, Plain, Search, library

BLOCK = 50
ENOUGH = 100  # queries of which a p99 says something
LEVELS = (0.9, 0.95, 0.97, 0.99)
PEERS: tuple[type[Peer], ...] = (*LIBRARIES, NumpyExact, Plain)
CLOCKS: dict[str, Callable[[], float]] = {"wall": clock, "cpu": thread_time}
Curve = Sequence[tuple[float, float]]  # (recall, microseconds)


def wanted_peers(names: str | None) -> tuple[list[type[Peer]], list[str]]:
    """The peers of a comma list (None: all; ``faiss`` is all of FAISS) that are installed; notes on the others."""
    wanted = None if names is None else {name.strip() for name in names.split(",") if name.strip()}
    chosen, notes = [], []
    for peer in PEERS:
        if wanted is not None and not wanted & {peer.name, peer.module, peer.name.replace(" ", "-")}:
            continue
        needs = () if peer is Plain else ("numpy", peer.module)
        missing = [name for name in needs if library(name) is None]
        if missing:
            notes.append(f"{peer.name}: left out, {missing[0]} is not installed")
        else:
            chosen.append(peer)
    return chosen, notes


def built(kinds: Sequence[type[Peer]], data: Data, cache: Path | None = None) -> Iterator[Peer]:
    """The peers over the data, each built, or loaded where the cache folder holds it with the seconds it took."""
    for kind in kinds:
        peer = kind(data)
        if cache is None or kind.save is Peer.save:
            build(peer)
        else:
            _load(peer, cache / f"{kind.name}-{data.name}-{len(data)}x{data.dim}.index".replace(" ", "_"))
        yield peer


def build(peer: Peer) -> None:
    """Build an index, by the processor's time: a build is long, and a busy machine would stretch it."""
    if peer.module:
        _ = peer.data.matrix  # made before the clock starts
    start, begun = clock(), process_time()
    peer.build()
    peer.seconds, peer.wall = process_time() - begun, clock() - start
    peer.size_up()


def _load(peer: Peer, path: Path) -> None:
    notes = path.with_suffix(".json")
    if notes.exists():
        peer.load(str(path))
        peer.kept, (peer.seconds, peer.wall, peer.extra) = True, json.loads(notes.read_text("utf-8"))
        return
    build(peer)
    path.parent.mkdir(parents=True, exist_ok=True)
    peer.save(str(path))
    notes.write_text(json.dumps([peer.seconds, peer.wall, peer.extra]), "utf-8")


@dataclass
class Contest:
    """A peer at a setting. ``search`` is asked for its searcher before every block: some keep the setting inside."""

    name: str
    setting: Any
    search: Callable[[], Search]
    queries: Sequence[Any]
    rows: Callable[[Any], list[int]]


def contests(peer: Peer, queries: int | None = None) -> list[Contest]:
    """A contest a setting."""
    asked = peer.queries()[:queries]
    asked = asked[: max(1, len(asked) // peer.share)]
    return [Contest(peer.name, one, partial(peer.searcher, one), asked, peer.rows) for one in peer.settings]


class Rounds(NamedTuple):
    """How often everybody answers every query, and by which clock."""

    turns: int = 3
    clock: Callable[[], float] = clock


class Point(NamedTuple):
    """What a contest reached: recall, and microseconds by round."""

    name: str
    setting: Any
    recall: float
    p50: tuple[float, ...]
    p99: tuple[float, ...]
    queries: int

    def shown(self) -> tuple[str, ...]:
        """As it stands in a table."""
        p99 = number(median(self.p99)) if self.queries >= ENOUGH else ""
        return self.name, str(self.setting), f"{self.recall:.4f}", number(median(self.p50)), p99

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return self._asdict()


def number(value: float) -> str:
    """Three figures, or a whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def race(
    entrants: Sequence[Contest], data: Data, rounds: Rounds, truth: Sequence[Sequence[int]] | None = None
) -> list[Point]:
    """Run the rounds; the points in the order of the contests."""
    times: list[list[list[float]]] = [[[] for _ in range(rounds.turns)] for _ in entrants]
    answers: list[list[list[int]]] = [[] for _ in entrants]
    gc.collect()
    gc.freeze()
    try:
        for turn in range(rounds.turns):
            for start in range(0, max(len(one.queries) for one in entrants), BLOCK):
                for step in range(len(entrants)):
                    place = (step + turn + start // BLOCK) % len(entrants)
                    found = _block(entrants[place], start, times[place][turn], rounds.clock)
                    if turn == 0:
                        answers[place] += map(entrants[place].rows, found)
    finally:
        gc.unfreeze()
    return [
        Point(
            one.name,
            one.setting,
            data.recall(found, truth),
            tuple(quantile(taken, 0.5) for taken in own),
            tuple(quantile(taken, 0.99) for taken in own),
            len(one.queries),
        )
        for one, found, own in zip(entrants, answers, times)
    ]


def _block(contest: Contest, start: int, times: list[float], now: Callable[[], float]) -> list[Any]:
    """The answers to one block of queries."""
    queries = contest.queries[start : start + BLOCK]
    if not queries:
        return []
    search, found = contest.search(), []
    if len(queries) == BLOCK:
        search(contest.queries[start - 1])
    for query in queries:
        begun = now()
        answer = search(query)
        times.append(now() - begun)
        found.append(answer)
    return found


def quantile(times: Sequence[float], share: float) -> float:
    """Microseconds that a share of the times does not exceed."""
    ordered = sorted(times)
    return 1e6 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# -- equal recall --------------------------------------------------------------------------------------------------


def curve(points: Sequence[Point], name: str, turn: int | None = None) -> Curve:
    """Recall and latency of a candidate, of one round or the median, by rising recall; no point beaten in both."""
    own = [
        (point.recall, median(point.p50) if turn is None else point.p50[turn]) for point in points if point.name == name
    ]
    return sorted(one for one in own if not any(other[0] >= one[0] and other[1] < one[1] for other in own))


def latency_at(points: Curve, recall: float) -> float | None:
    """Microseconds at a recall: log latency is interpolated over recall. None above the curve."""
    if not points or recall > points[-1][0]:
        return None
    if recall <= points[0][0]:
        return points[0][1]
    (low, fast), (high, slow) = next(pair for pair in pairwise(points) if pair[1][0] >= recall)
    share = (recall - low) / (high - low) if high > low else 1.0
    return exp(log(fast) + share * (log(slow) - log(fast)))


def ratio(points: Sequence[Point], name: str, recall: float) -> Spread | None:
    """How many times faster than a peer the first candidate is at a recall: median and extremes of the rounds."""
    found = []
    for turn in range(len(points[0].p50)):
        ours = latency_at(curve(points, points[0].name, turn), recall)
        theirs = latency_at(curve(points, name, turn), recall)
        if ours is None or theirs is None:
            return None
        found.append(theirs / ours)
    return Spread.of(found)


def ratios(points: Sequence[Point], levels: Sequence[float] = LEVELS) -> str:
    """A Markdown table of how many times faster the first candidate is than each peer, at equal recall."""
    names = list(dict.fromkeys(point.name for point in points))
    rows = []
    for name in names:
        own = curve(points, name)
        cells = [_latency(latency_at(own, level)) for level in levels]
        if name != names[0]:
            cells = [cell + _times(ratio(points, name, level)) for cell, level in zip(cells, levels)]
        rows.append((name, *cells))
    return markdown(("p50 µs, ours times faster (spread)", *(f"recall {level}" for level in levels)), rows)


def _latency(value: float | None) -> str:
    return "not reached" if value is None else number(value)


def _times(spread: Spread | None) -> str:
    return "" if spread is None else f", {spread.median:.3g}x ({spread.low:.3g}–{spread.high:.3g})"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
