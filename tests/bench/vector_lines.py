"""The parts of the report on vector search, as lines of the table of all measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from tests.bench.lines import Line, figures, seconds, trimmed
from tests.bench.vector_measure import LEVELS, Point, curve, latency_at, ratio
from tests.bench.vector_peers import Peer

LEVEL = 0.95
USERS_US = 10_000
OURS_US = {0.95: 1_200, 0.99: 2_200}  # of a million descriptors
NARROW = 0.006  # filters that keep no more have a bar: they should cost no more than this
NARROW_US = 3_000


def cheapest(points: Sequence[Point], recall: float, name: str = "ours") -> Point | None:
    """The fastest setting of a candidate, ours unless another is named, that reached a recall."""
    good = [point for point in points if point.name == name and point.recall >= recall]
    return min(good, key=lambda point: median(point.p50), default=None)


def searches(title: str, points: Sequence[Point], barred: bool) -> Iterator[Line]:
    """A line a recall. Latencies are interpolated between settings; bars are met by a setting, or not."""
    names = list(dict.fromkeys(point.name for point in points))[1:]
    for level in LEVELS:
        own, best = latency_at(curve(points, "ours"), level), cheapest(points, level)
        if own is None or best is None:
            continue
        reached, limit = median(best.p50), OURS_US.get(level) if barred else None
        setting = f"{_us(reached)} ({best.recall:.4f}), p99 {_us(median(best.p99))}"
        yield Line(
            f"10 nearest of {title}, recall@10 of {level}",
            f"{_us(own)}; by the setting that reaches it {setting}",
            trimmed(f"≤ {_us(limit)}") if limit else "",
            trimmed(f"≤ {_us(USERS_US)}"),
            reached <= (limit or USERS_US),
            "; ".join(_peer(points, name, level) for name in names),
        )


def _peer(points: Sequence[Point], name: str, level: float) -> str:
    own, spread = latency_at(curve(points, name), level), ratio(points, name, level)
    if own is None:
        return f"{name} not reached"
    return f"{name} {_us(own)}" + ("" if spread is None else f" ({figures(spread.median)}x)")


def verdicts(title: str, found: Sequence[tuple[str, str, str]]) -> Iterator[Line]:
    """The bars that are no latency at a recall."""
    for text, reached, met in found:
        what, sign, limit = text.rpartition(" ≤ " if " ≤ " in text else " ≥ ")
        if not what.endswith("p50 µs at recall .95") and not what.endswith("p50 µs at recall .99"):
            yield Line(f"{title}: {what}", reached, f"{sign.strip()} {limit}", met=met == "yes" if met else None)


def costs(title: str, ours: Peer, peers: Sequence[Peer]) -> Iterator[Line]:
    """Building, by the processor's time, and what an index holds beside the rows."""
    count = len(ours.data)
    yield Line(
        f"build the index of {title}, one thread",
        seconds(ours.seconds),
        beside="; ".join(f"{peer.name} {seconds(peer.seconds)}" for peer in peers if peer.seconds > 0.1),
    )
    yield Line(
        f"index of {title} beside the rows",
        f"{figures(ours.extra / count)} B a vector",
        beside="; ".join(f"{peer.name} {figures(peer.extra / count)} B" for peer in peers if peer.extra),
    )


def questions(title: str, rows: Sequence[tuple[Any, Sequence[Point]]], barred: bool) -> Iterator[Line]:
    """Filters or pasts: the cheapest setting of everybody that reaches the recall, or else its best."""
    for asked, points in rows:
        names = list(dict.fromkeys(point.name for point in points))
        best = {name: cheapest(points, LEVEL, name) or _nearest(points, name) for name in names}
        ours = best["ours"]
        bound = barred and (asked.as_of is not None or asked.kept <= NARROW)
        yield Line(
            f"search of {title}: {asked.name}, {asked.kept:.2%} may be found",
            _told(ours),
            trimmed(f"≤ {_us(NARROW_US)}") + " at .95" if bound else "",
            met=ours.recall >= LEVEL and median(ours.p50) <= NARROW_US if bound else None,
            beside="; ".join(f"{name} {_told(best[name])}" for name in names[1:]),
        )


def _nearest(points: Sequence[Point], name: str) -> Point:
    return max((point for point in points if point.name == name), key=lambda point: point.recall)


def _told(point: Point) -> str:
    return f"{_us(median(point.p50))} ({point.recall:.3f})"


def _us(microseconds: float) -> str:
    return seconds(microseconds / 1e6)
