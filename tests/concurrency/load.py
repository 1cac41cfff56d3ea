"""A load: writers and readers on threads over one database, each noting what it did, and between which heads."""

from __future__ import annotations

import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ledger import ROW_BITS, ROW_MASK
from vectordb import (
    Category,
    Erased,
    Float,
    Int,
    OffsetOutOfRange,
    Pruned,
    Text,
    UnknownVersion,
    Vector,
    VectorDB,
    VectorDBError,
)
from vectordb.transforms import ColumnTransformer, OfType, OneHotEncoder, Pipeline, SimpleImputer, StandardScaler

VIEWS = ("left", "right")
IDS = [f"e{number}" for number in range(12)]
UNITS = [f"u{number}" for number in range(40)]
KINDS = {"n": Int(default=0), "x": Float(), "city": Category(), "note": Text(), "look": Vector(3, metric="euclidean")}
CITIES = ("Rome", "Oslo", "", "Wien", "Bern", "Lima", "Riga")


class Wrote(NamedTuple):
    """One event that rows were written by, or taken out by: (view, entity, values or None) each."""

    offset: int
    time: int
    rows: tuple[tuple[str, str, dict[str, Any] | None], ...]
    erased: bool = False


class Seen(NamedTuple):
    """One answer: what was asked, the heads before and after, and what was shown."""

    kind: str
    before: int
    after: int
    asked: Any
    shown: Any


@contextmanager
def switching(seconds: float = 1e-6) -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def shown(row: Any) -> tuple[Any, ...]:
    """Offset, clock, and all that a row shows."""
    values = {name: plain(row[name]) for name in row}
    sources = {name: (ref >> ROW_BITS, ref & ROW_MASK) if ref else None for name, ref in row.sources().items()}
    statuses = {name: str(status) for name, status in row.status.items()}
    return row.as_of, row.at_micros, row.found, values, statuses, sources


def plain(value: Any) -> Any:
    """A vector as its bytes."""
    if isinstance(value, (list, tuple)):
        return struct.pack("<3f", *value)
    return value.tobytes() if isinstance(value, memoryview) else value


class Load:
    """One database under load. ``errors`` holds what stopped a thread."""

    def __init__(self, seed: int, path: Path | None, *, lazy: bool = False) -> None:
        self.seed = seed
        self.path = path
        self.db = VectorDB(seed=seed) if path is None else VectorDB.open(path, seed=seed, lazy=lazy)
        for view in VIEWS:
            self.db.create_view(view, entity="thing", features=KINDS, ttl=0.05 if view == "right" else None)
        numbers = Pipeline([("fill", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())])
        encode = OneHotEncoder(handle_unknown="ignore")
        pipeline = ColumnTransformer([("n", numbers, OfType("number")), ("c", encode, ["city"])])
        features = ["left:n", "left:x", "left:city"]
        self.db.create_service("ranker", features=features, pipeline=pipeline)
        self.db.create_experiment("price", arms={"a": 0.5, "b": 0.5}, unit="user", metrics={"spent": "sum"})
        self.wrote: list[Wrote] = []
        self.seen: list[Seen] = []
        self.refused: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self.over = threading.Event()
        self.write(Random(seed), "left")
        self.db.service("ranker").fit()
        self.follower = None if path is None else VectorDB.open(path, read_only=True, lazy=lazy)

    # -- threads -------------------------------------------------------------------------------------------

    def run(self, seconds: float, writers: int = 2, readers: int = 3) -> None:
        """Everybody at once, until the time is over or one of them fails."""
        from tests.concurrency.reading import Reads

        loops: list[Callable[[Random], None]] = [self.write_any] * writers
        loops += [Reads(self, self.db).any for _ in range(readers)]
        if self.follower is not None:
            loops += [Reads(self, self.follower).any, self.refresh]
        threads = [threading.Thread(target=self._repeat, args=(loop, number)) for number, loop in enumerate(loops)]
        with switching():
            for thread in threads:
                thread.start()
            self.over.wait(seconds)
            self.over.set()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a thread hangs"
        if self.errors:
            raise self.errors[0]

    def _repeat(self, function: Callable[[Random], None], number: int) -> None:
        rnd = Random(f"{self.seed} {number}")
        try:
            while not self.over.is_set():
                function(rnd)
        except BaseException as error:
            self.errors.append(error)
            self.over.set()

    def refresh(self, rnd: Random) -> None:
        """The follower keeps up."""
        assert self.follower is not None
        self.follower.refresh()
        self.over.wait(rnd.choice((0, 0.001, 0.01)))

    def close(self) -> None:
        """Every invariant, then the files."""
        self.db.check()
        assert VectorDB.replay(self.db.events()).digest() == self.db.digest()
        if self.follower is not None:
            self.follower.refresh()
            self.follower.check()
            assert self.follower.digest() == self.db.digest()
            self.follower.close()
        self.db.close()

    # -- writers -------------------------------------------------------------------------------------------

    def write_any(self, rnd: Random) -> None:
        """One random write."""
        kinds = ("rows",) * 12 + ("delete", "fit", "ramp", "refused", "erase", "compact") + ("expose", "outcome") * 3
        kind = rnd.choice(kinds)
        getattr(self, f"_{kind}")(rnd)

    def _rows(self, rnd: Random) -> None:
        self.write(rnd, rnd.choice(VIEWS))

    def _values(self, rnd: Random) -> dict[str, Any]:
        whole = {"n": rnd.randrange(1000), "x": rnd.random(), "city": rnd.choice(CITIES) + str(rnd.randrange(3)),
                 "note": f"note {rnd.randrange(1000)}", "look": [rnd.random(), rnd.random(), 0.5]}  # fmt: skip
        return whole if rnd.random() < 0.5 else {name: whole[name] for name in rnd.sample(list(whole), 2)}

    def write(self, rnd: Random, view: str) -> None:
        """A put, a batch, or a transaction over both views."""
        count = rnd.choice((1, 1, 4))
        rows = [(view, rnd.choice(IDS), self._values(rnd)) for _ in range(count)]
        if count == 1:
            event = self.db.view(view).put(rows[0][1], rows[0][2]).event
        elif rnd.random() < 0.5:
            event = self.db.view(view).put_many([{"thing": one, **values} for _, one, values in rows]).event
        else:
            rows = [(name, *row) for name in VIEWS for _, *row in rows[:2]]
            with self.db.transaction() as tx:
                for name in VIEWS:
                    own = [{"thing": one, **values} for where, one, values in rows if where == name]
                    tx.view(name).put_many(own)
            assert tx.receipt is not None
            event = tx.receipt.event
        self.wrote.append(Wrote(event.offset, event.time, tuple(rows)))

    def _delete(self, rnd: Random) -> None:
        view, entity = rnd.choice(VIEWS), rnd.choice(IDS)
        event = self.db.view(view).delete(entity).event
        self.wrote.append(Wrote(event.offset, event.time, ((view, entity, None),)))

    def _erase(self, rnd: Random) -> None:
        if rnd.random() < 0.7:
            return
        view, entity = rnd.choice(VIEWS), rnd.choice(IDS)
        try:
            done = self.db.erase(view, entity, reason="load")
        except VectorDBError:
            return  # nothing is known of it
        self.wrote.append(Wrote(done.offset, 0, ((view, entity, None),), erased=True))

    def _compact(self, rnd: Random) -> None:
        first = self.db.state.log.pruned + 1
        if rnd.random() < 0.2 and first < self.db.head // 2:
            with self._refusing(OffsetOutOfRange):
                self.db.compact(below=rnd.randint(first, self.db.head // 2))

    def _fit(self, rnd: Random) -> None:
        if rnd.random() < 0.3:
            with self._refusing(VectorDBError):  # no row is there
                self.db.service("ranker").fit()

    def _ramp(self, rnd: Random) -> None:
        self.db.experiment("price").ramp(rnd.choice((0.25, 0.5, 1.0)))

    def _expose(self, rnd: Random) -> None:
        self.db.experiment("price").expose_many(rnd.sample(UNITS, 3))

    def _outcome(self, rnd: Random) -> None:
        self.db.experiment("price").record(rnd.choice(UNITS), "spent", rnd.choice((1.0, 2.5)))

    def _refused(self, rnd: Random) -> None:
        head = self.db.head
        try:
            self.db.view("left").put("e0", {"n": "no number"})
        except VectorDBError:
            assert self.db.head >= head
        else:
            raise AssertionError("it was to be refused")

    @contextmanager
    def _refusing(self, *kinds: type[Exception]) -> Iterator[None]:
        """Count what may be refused, by the kind of error."""
        try:
            yield
        except kinds as error:
            self.refused[type(error).__name__] += 1

    @contextmanager
    def lost(self) -> Iterator[None]:
        """A past that a compaction took, a value that an erasure took: said so, and counted."""
        with self._refusing(Erased, Pruned, UnknownVersion):
            yield
