"""what_if and diff: a history told again with one value changed, and what differs between two states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.data import FLOATS, entities_of, filled, make_database, make_puts
from tests.bench.harness import Benchmark, Candidate
from tests.bench.report import main
from vectordb import VectorDB

EVENTS = 100_000
LEDGER = 1_000_000
APART = 1_000


def replays(size: int) -> Iterator[Benchmark]:
    """The first row of single-row events of ten floats is edited; all others are told again, and compared."""
    entities = entities_of(size)
    db = filled(size, entities)
    yield Benchmark(
        "what-if: edit, replay, diff",
        "events/s",
        [_ours(db, size), _by_hand(db, size, entities)],
        predicted=60_000,
        repeats=3,
    )
    db.close()


def _ours(db: VectorDB, size: int) -> Candidate:
    def run(_: None) -> list[Any]:
        return _told(db.what_if().edit("drivers/d-0@2", {"f0": -1.0, "f1": None}).run().diff())

    return Candidate("ours", "forks, edits, replays, compares what was touched", size, run, answer=lambda _, told: told)


def _by_hand(db: VectorDB, size: int, entities: int) -> Candidate:
    def run(_: None) -> list[Any]:
        other = make_database(FLOATS)
        put = other.view("drivers").put
        for number, (entity, values) in enumerate(make_puts(size, entities)):
            put(entity, {**values, "f0": -1.0, "f1": None} if number == 0 else values)
        return _compared(db, db.head, other, other.head, entities)

    return Candidate("by hand", "puts everything anew, compares every row", size, run, answer=lambda _, told: told)


def diffs(size: int) -> Iterator[Benchmark]:
    """Two offsets some events apart, at the end of a long ledger."""
    entities = entities_of(size)
    db = filled(size, entities)
    one, other = db.head - min(APART, size // 2), db.head
    yield Benchmark(
        "diff of two offsets",
        "diffs/s",
        [
            Candidate("ours", "the events between", 1, lambda _: _told(db.audit.diff(one, other)), answer=_same),
            Candidate(
                "every row", "as of both", 1, lambda _: _compared(db, one, db, other, entities), answer=_same
            ),
        ],
        predicted=20,
        repeats=3,
    )
    db.close()


def _same(_: None, told: list[Any]) -> list[Any]:
    return told


def _told(difference: Any) -> list[Any]:
    return sorted((row.entity, tuple(sorted(cell.feature for cell in row.cells))) for row in difference.rows)


def _compared(one: VectorDB, before: int, other: VectorDB, after: int, entities: int) -> list[Any]:
    """The entities whose rows differ, by a look at every row."""
    was, now = one.as_of(before).view("drivers"), other.as_of(after).view("drivers")
    found = []
    for place in range(entities):
        entity = f"d-{place}"
        old, new = was.get(entity).to_dict(), now.get(entity).to_dict()
        cells = sorted(name for name in new if repr(old[name]) != repr(new[name]))
        if cells:
            found.append((entity, tuple(cells)))
    return sorted(found)


BUILDS = [(replays, EVENTS), (diffs, LEDGER)]

if __name__ == "__main__":
    main(BUILDS)
