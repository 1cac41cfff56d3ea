"""Single puts of vectors with searches between them: what a put costs while the index grows, and what a search does.

    python -m tests.bench.vector_puts --size 20000 --puts 50000

The index is built of ``size`` vectors; then every put is timed, and a search after every hundredth. At the end
the same queries are timed on the grown index and on one built anew of the same vectors.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import NamedTuple

from tests.bench.harness import clock
from tests.bench.lines import Line, seconds, write_lines
from tests.bench.vector_data import made
from vectordb import LiveView, Vector, VectorDB, View

DIM = 128
EVERY = 100
QUERIES = 200


class Growth(NamedTuple):
    """Latencies in microseconds."""

    put_p50: float
    put_p99: float
    put_max: float
    search_between: float
    search_grown: float
    search_fresh: float


def grow(size: int, puts: int, dim: int = DIM) -> Growth:
    """Half of the puts are new entities, the others overwrite one."""
    data = made(size + puts, dim, QUERIES)
    rows, queries = data.cells, data.asked
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("items", entity="item", features={"v": Vector(dim, metric=data.metric, dtype=data.dtype)})
    step = max(1, min(10_000, 8_000_000 // dim))
    for start in range(0, size, step):
        stop = min(size, start + step)
        view.put_many({"item": [f"i{row}" for row in range(start, stop)], "v": rows[start:stop]})
    view.index("v").build()
    taken, between = _put_all(view, rows[size:], size, queries)
    grown = _searches(view, queries)
    view.index("v").build()
    fresh = _searches(view, queries)
    return Growth(median(taken), quantiles(taken, n=100)[98], max(taken), median(between), grown, fresh)


def _put_all(
    view: LiveView, rows: Sequence[bytes], size: int, queries: Sequence[Sequence[float]]
) -> tuple[list[float], list[float]]:
    random, taken, between = Random(3), [], []
    for number, row in enumerate(rows):
        entity = f"i{size + number}" if number % 2 else f"i{random.randrange(size)}"
        start = clock()
        view.put(entity, {"v": row})
        taken.append((clock() - start) * 1e6)
        if number % EVERY == 0:
            start = clock()
            view.search("v", queries[number // EVERY % len(queries)])
            between.append((clock() - start) * 1e6)
    return taken, between


def _searches(view: View, queries: Sequence[Sequence[float]]) -> float:
    taken = []
    for query in queries:
        start = clock()
        view.search("v", query)
        taken.append((clock() - start) * 1e6)
    return median(taken)


def lines(growth: Growth, puts: int, size: int) -> Iterator[Line]:
    """What a put costs, and what the growth costs a search."""
    what = f"{puts:,} single puts into an index of {size:,} x {DIM}, searches between them"
    yield Line(f"{what}: a put", _spread(growth.put_p50, growth.put_p99), "p99 ≤ 5 ms", met=growth.put_p99 <= 5_000)
    times = growth.search_grown / growth.search_fresh
    yield Line(
        f"{what}: a search at the end, against one of an index built anew",
        f"{times:.2f}x ({seconds(growth.search_grown / 1e6)})",
        "1.5x",
        met=times <= 1.5,
        beside=f"built anew {seconds(growth.search_fresh / 1e6)}",
    )


def _spread(p50: float, p99: float) -> str:
    return f"p50 {seconds(p50 / 1e6)}, p99 {seconds(p99 / 1e6)}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--puts", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=DIM)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args()
    growth = grow(options.size, options.puts, options.dim)
    for name, value in growth._asdict().items():
        print(f"{name:16} {value:10,.0f} us")
    print(f"grown over fresh {growth.search_grown / growth.search_fresh:10.2f}")
    write_lines(options.json, lines(growth, options.puts, options.size))


if __name__ == "__main__":
    main()
