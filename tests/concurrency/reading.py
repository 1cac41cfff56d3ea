"""The reads of a load: each notes what it was shown, and the heads before and after the call."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.concurrency.load import IDS, UNITS, VIEWS, Load, Seen, shown
from vectordb import VectorDB

QUERY = [0.5, 0.5, 0.5]


class Reads:
    """Random reads of one database, the one that is written to or a follower."""

    def __init__(self, load: Load, db: VectorDB) -> None:
        self.load = load
        self.db = db
        self.pasts: list[Any] = []
        self.ranker = db.service("ranker")
        self.price = db.experiment("price")
        self.subscription = db.subscribe(from_offset=1)
        self.expected = 1

    def any(self, rnd: Random) -> None:
        """One of them."""
        rows = (self.one, self.one, self.many, self.search, self.search_many, self.entities, self.history)
        other = (self.past, self.past, self.served, self.served_many, self.assigned, self.tallied, self.told, self.told)
        reads = rows + other
        rare = (self.fork, self.snapshot)
        read = rnd.choice(rare) if rnd.random() < 0.01 and self.db is self.load.db else rnd.choice(reads)
        read(rnd)

    def note(self, kind: str, asked: Any, ask: Callable[[], Any], show: Callable[[Any], Any]) -> None:
        """Ask, between two looks at the head."""
        before = self.db.head
        with self.load.lost():
            answer = ask()
            told = show(answer)
            self.load.seen.append(Seen(kind, before, self.db.head, asked, told))

    # -- rows ----------------------------------------------------------------------------------------------

    def one(self, rnd: Random) -> None:
        view, entity = rnd.choice(VIEWS), rnd.choice(IDS)
        self.note("rows", (view, (entity,)), lambda: self.db.view(view).get(entity), lambda row: (shown(row),))

    def many(self, rnd: Random) -> None:
        view, ids = rnd.choice(VIEWS), tuple(rnd.sample(IDS, 5))
        self.note("batch", (view, ids), lambda: self.db.view(view).get_many(list(ids)), _batch)

    def past(self, rnd: Random) -> None:
        """Some are held on to for long."""
        if len(self.pasts) < 4 or rnd.random() < 0.1:
            with self.load.lost():
                self.pasts = [*self.pasts[-3:], self.db.as_of(rnd.randint(max(6, self.db.head - 40), self.db.head))]
        if not self.pasts:
            return
        past, view, entity = rnd.choice(self.pasts), rnd.choice(VIEWS), rnd.choice(IDS)
        asked = (view, (entity,), past.as_of_offset, past.clock())
        self.note("past", asked, lambda: past.view(view).get(entity), lambda row: (shown(row),))

    def history(self, rnd: Random) -> None:
        view, entity = rnd.choice(VIEWS), rnd.choice(IDS)
        self.note("history", (view, entity), lambda: self.db.view(view).history(entity),
                  lambda found: [(one.offset, one.row) for one in found])  # fmt: skip

    def entities(self, rnd: Random) -> None:
        view = rnd.choice(VIEWS)
        self.note("entities", view, lambda: self.db.view(view).entities(), set)

    def search(self, rnd: Random) -> None:
        view = rnd.choice(VIEWS)
        self.note("hits", view, lambda: self.db.view(view).search("look", QUERY, k=5), lambda hits: (_hits(hits),))

    def search_many(self, rnd: Random) -> None:
        view = rnd.choice(VIEWS)
        self.note("hits", view, lambda: self.db.view(view).search_many("look", [QUERY, QUERY], k=5),
                  lambda found: tuple(map(_hits, found)))  # fmt: skip

    # -- services, experiments -----------------------------------------------------------------------------

    def served(self, rnd: Random) -> None:
        entity = rnd.choice(IDS)
        self.note("served", (entity,), lambda: self.ranker.get(entity), lambda row: (_served(row),))

    def served_many(self, rnd: Random) -> None:
        ids = tuple(rnd.sample(IDS, 3))
        self.note("served", ids, lambda: self.ranker.get_many(list(ids)), lambda found: tuple(map(_served, found)))

    def assigned(self, rnd: Random) -> None:
        unit = rnd.choice(UNITS)
        self.note("assigned", unit, lambda: self.price.assign(unit), lambda one: (one.version, one.arm, one.reason))

    def tallied(self, rnd: Random) -> None:
        def show(found: Any) -> Any:
            return {name: (arm.n, arm.mean) for name, arm in ((arm.arm, arm) for arm in found.arms)}

        self.note("tallied", None, lambda: self.price.analyze("spent", sequential=False), show)

    # -- the log -------------------------------------------------------------------------------------------

    def told(self, rnd: Random) -> None:
        """A subscriber hears of every event once, in order."""
        event = self.subscription.poll(0.0)
        if event is not None:
            assert event.offset == self.expected, (event.offset, self.expected)
            self.expected += 1

    def fork(self, rnd: Random) -> None:
        view = rnd.choice(VIEWS)

        def show(fork: VectorDB) -> Any:
            rows = {entity: shown(fork.view(view).get(entity)) for entity in IDS[:4]}
            return fork.head, fork.digest(), rows

        self.note("fork", view, self.db.fork, show)

    def snapshot(self, rnd: Random) -> None:
        view = rnd.choice(VIEWS)
        if self.load.path is None:
            return
        path = self.load.path.with_suffix(f".snapshot-{rnd.getrandbits(40)}")

        def show(_: int) -> Any:
            with VectorDB.open(path, read_only=True) as copy:
                return copy.head, copy.digest(), {entity: shown(copy.view(view).get(entity)) for entity in IDS[:4]}

        self.note("fork", view, lambda: self.db.snapshot(path), show)


def _batch(matrix: Any) -> Any:
    return tuple(shown(matrix[place]) for place in range(len(matrix))), matrix.as_of, matrix.at_micros, {
        name: [cell.tobytes() if isinstance(cell, memoryview) else cell for cell in matrix.column(name)]
        for name in matrix.names
    }


def _hits(hits: Any) -> Any:
    return hits.as_of, hits.at_micros, [(hit.entity, hit.distance) for hit in hits]


def _served(row: Any) -> Any:
    inputs = row.inputs
    return inputs.as_of, inputs.at_micros, tuple(inputs.vector()), row.pipeline_version, tuple(row.vector())
