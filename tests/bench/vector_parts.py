"""The parts of the report on vector search: recall against latency with bars, filters, the past, growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench import vector_lines
from tests.bench.lines import Line
from tests.bench.vector_data import TRUTH_SIZE, Data, made
from tests.bench.vector_filters import answered, overwrite, questions, summary
from tests.bench.vector_lines import LEVEL, cheapest
from tests.bench.vector_measure import (
    Point,
    Rounds,
    build,
    built,
    contests,
    curve,
    latency_at,
    markdown,
    number,
    race,
    ratio,
    ratios,
)
from tests.bench.vector_ours import Ours
from tests.bench.vector_peers import Peer

DIM = 128
FILTERED_SHARE = 5  # one query of so many is asked under filters
LIMITS = (("annoy", 1.0), ("faiss ivf", 1 / 1.5), ("hnswlib", 1 / 6), ("numpy exact", 15.0))  # times faster


@dataclass
class Section:
    """One part of the report: Markdown, the same as plain data, and lines of the table of all measurements."""

    title: str
    text: str
    figures: Any
    lines: list[Line] = field(default_factory=list)


def prepared(data: Data) -> Ours:
    """Ours, loaded and built."""
    ours = Ours(data)
    ours.load_rows()
    build(ours)
    return ours


# -- recall against latency ----------------------------------------------------------------------------------------


def searched(title: str, ours: Ours, peers: Sequence[Peer], rounds: Rounds) -> Section:
    """Every setting of every candidate; ratios at equal recall; the bars."""
    everyone = (ours, *peers)
    points = race([entrant for peer in everyone for entrant in contests(peer)], ours.data, rounds)
    headings = ("candidate", "setting", "recall@10", "p50 µs", "p99 µs", "build CPU s (wall)", "index B/vector")
    rows, seen = [], set()
    for point in points:
        peer = next(peer for peer in everyone if peer.name == point.name)
        costs = ("", "") if point.name in seen else _costs(peer)
        seen.add(point.name)
        rows.append((*point.shown(), *costs))
    reached = bars(points, ours, peers)
    does = "\n".join(f"- {peer.name}: {peer.does}" for peer in everyone)
    promised = markdown(("recall asked for", "measured at build"), _promises(ours))
    parts = (markdown(headings, rows), ratios(points), markdown(("bar", "reached", "met"), reached), promised, does)
    built_by = {peer.name: _built(peer) for peer in everyone}
    figures = {"points": [point.to_json() for point in points], "costs": built_by, "bars": reached}
    lines = [
        *vector_lines.searches(title, points, _barred(ours.data)),
        *vector_lines.verdicts(title, reached),
        *vector_lines.costs(title, ours, peers),
    ]
    return Section(title, "\n\n".join(parts), figures, lines)


def _barred(data: Data) -> bool:
    """Whether this is what our bars are about."""
    return data.name == "descriptors" and len(data) >= TRUTH_SIZE


def _costs(peer: Peer) -> tuple[str, str]:
    return f"{peer.seconds:.1f} ({peer.wall:.1f})" + ", kept" * peer.kept, number(peer.extra / len(peer.data))


def _built(peer: Peer) -> dict[str, Any]:
    return {"build_seconds": peer.seconds, "wall": peer.wall, "index_bytes": peer.extra, "kept": peer.kept}


def _promises(ours: Ours) -> list[tuple[str, str]]:
    return [(str(one["recall"]), f"{one['measured']:.3f}") for one in ours.stats["promises"]]


def bars(points: Sequence[Point], ours: Ours, peers: Sequence[Peer]) -> list[tuple[str, str, str]]:
    """What our settings should reach: the user's bar, and with a million descriptors our own."""
    found: list[tuple[str, float | None, float, bool]] = [
        ("user: p50 µs at recall .95 ≤", _p50(points, 0.95), 10_000, False)
    ]
    if _barred(ours.data):
        found += [
            ("p50 µs at recall .95 ≤", _p50(points, 0.95), 1_200, False),
            ("p50 µs at recall .99 ≤", _p50(points, 0.99), 2_200, False),
            ("p99 µs at recall .95 ≤", _p99(points, 0.95), 3_500, False),
            ("index bytes a vector ≤", ours.extra / len(ours.data), 40, False),
            *((f"times faster than {name} at .95 ≥", _times(points, name), limit, True) for name, limit in LIMITS),
            *(
                ("times faster built than hnswlib ≥", peer.seconds / ours.seconds, 4, True)
                for peer in peers
                if peer.name == "hnswlib"
            ),
        ]
    return [_verdict(*one) for one in found]


def _verdict(text: str, value: float | None, limit: float, more: bool) -> tuple[str, str, str]:
    if value is None:
        return f"{text} {number(limit)}", "not measured", ""
    return f"{text} {number(limit)}", number(value), "yes" if (value >= limit) == more or value == limit else "no"


def _p50(points: Sequence[Point], recall: float) -> float | None:
    point = cheapest(points, recall)
    return None if point is None else median(point.p50)


def _p99(points: Sequence[Point], recall: float) -> float | None:
    point = cheapest(points, recall)
    return None if point is None else median(point.p99)


def _times(points: Sequence[Point], name: str) -> float | None:
    spread = ratio(points, name, LEVEL)
    return None if spread is None else spread.median


# -- the other parts -----------------------------------------------------------------------------------------------


def filtered(ours: Ours, peers: Sequence[Peer], rounds: Rounds) -> Section:
    """Filters."""
    queries = max(1, len(ours.data.asked) // FILTERED_SHARE)
    rows = [(asked, answered(ours, peers, ours.data, asked, queries, rounds)) for asked in questions(ours)]
    lines = list(vector_lines.questions(_title(ours.data), rows, _barred(ours.data)))
    return Section("Filtered", summary(rows), _figures(rows), lines)


def past(ours: Ours, peers: Sequence[Peer], rounds: Rounds) -> Section:
    """Searches as of an offset. Overwrites a tenth of the entities, so nothing else can be measured afterwards."""
    queries = max(1, len(ours.data.asked) // FILTERED_SHARE)
    data, moments = overwrite(ours, peers)
    rows = [(asked, answered(ours, peers, data, asked, queries, rounds)) for asked in moments]
    lines = list(vector_lines.questions(_title(ours.data), rows, _barred(ours.data)))
    return Section("As of an offset", summary(rows), _figures(rows), lines)


def _title(data: Data) -> str:
    return f"{data.name}, {len(data):,} x {data.dim}"


def _figures(rows: Any) -> Any:
    return [{"name": asked.name, "kept": asked.kept, "points": [one.to_json() for one in own]} for asked, own in rows]


def scaling(size: int, dims: Sequence[int], kinds: Sequence[type[Peer]], queries: int, rounds: Rounds) -> Section:
    """Growth with N at 128 dimensions, and with the dimension at up to 10,000 vectors, on made vectors."""
    shapes = [(count, DIM) for count in (10_000, 100_000, 1_000_000) if count <= size]
    shapes += [(min(size, 10_000), dim) for dim in dims]
    names = ("ours", *(kind.name for kind in kinds))
    rows, figures, lines = [], [], []
    for count, dim in shapes:
        data = made(count, dim, queries)
        ours = prepared(data)
        peers = list(built(kinds, data))
        points = race([entrant for peer in (ours, *peers) for entrant in contests(peer)], data, rounds)
        ours.close()
        cells = [_at_level(points, name) for name in names]
        rows.append((f"{count:,} x {dim}", *_costs(ours), f"{_p99(points, LEVEL) or 0:,.0f}", *cells))
        figures.append({"count": count, "dim": dim, "points": [point.to_json() for point in points]})
        print(" | ".join(rows[-1]), flush=True)
        own = vector_lines.searches(_title(data), points, False)
        lines += [line for line in own if line.operation.endswith(f" {LEVEL}")]
    headings = ("made vectors", "our build CPU s (wall)", "our B/vector", f"our p99 µs at {LEVEL}", *names)
    return Section(f"Growth: p50 µs at recall {LEVEL}", markdown(headings, rows), figures, lines)


def _at_level(points: Sequence[Point], name: str) -> str:
    own, spread = latency_at(curve(points, name), LEVEL), ratio(points, name, LEVEL)
    if own is None:
        return "not reached"
    return number(own) if name == "ours" or spread is None else f"{number(own)}, {spread.median:.3g}x"
