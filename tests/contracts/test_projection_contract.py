"""The contract of a projection: one list of checks for the built-in ones and for a user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import projections as room
from ledger import FACTS, Event, Fact, Log
from projections import Catalog, Fold, Projection, Rows, Vectors
from tests.contracts.saga import ENTITIES, START, tell
from tests.contracts.tally import Tally
from vectordb import VectorDB
from vectordb.testing import state_of

KINDS: dict[str, type[Projection]] = {
    kind.name: kind
    for kind in vars(room).values()
    if isinstance(kind, type) and issubclass(kind, Projection) and kind is not Projection
}
KINDS["tally"] = Tally


@pytest.fixture(scope="module")
def saga() -> VectorDB:
    return tell()


@pytest.fixture(params=KINDS)
def name(request: Any) -> str:
    found: str = request.param
    return found


def bare(log: Log) -> Fold:
    """Every projection over a log, nothing folded."""
    rows = Rows()
    others = [kind() for kind in KINDS.values() if kind not in (Catalog, Rows, Vectors)]
    return Fold(log, [rows, Vectors(rows), *others])


def named(fold: Fold, name: str) -> Projection:
    return next(projection for projection in fold.projections if projection.name == name)


def folded(log: Log, name: str, stop: int | None = None) -> Projection:
    fold = bare(log)
    fold.run(log.events(1, None if stop is None else stop + 1))
    return named(fold, name)


def cuts(saga: VectorDB) -> range:
    return range(saga.head + 1)


def test_the_list_of_built_in_projections_is_that_of_the_database(saga: VectorDB) -> None:
    assert {projection.name for projection in saga.state.fold.projections} | {"tally"} == set(KINDS)


def test_it_has_a_name_a_version_and_facts_it_handles(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name and type(kind.version) is int and kind.version >= 1
    assert kind.handles and all(issubclass(fact, Fact) for fact in kind.handles)
    assert any(issubclass(fact, kind.handles) for fact in FACTS)
    assert kind.essential is (name != "tally")


def test_it_starts_from_the_empty_state(saga: VectorDB, name: str) -> None:
    empty = named(bare(saga.state.log), name)
    empty.check()
    assert all(count == 0 for count in empty.counts().values())


def test_folding_twice_gives_the_same_dump(saga: VectorDB, name: str) -> None:
    for stop in cuts(saga):
        assert folded(saga.state.log, name, stop).dump() == folded(saga.state.log, name, stop).dump()


def test_the_live_state_is_the_folded_one(saga: VectorDB, name: str) -> None:
    live = tell(projections=[Tally()])
    assert live.projection(name).dump() == folded(saga.state.log, name).dump()
    assert live.projection(name).counts() == folded(saga.state.log, name).counts()


def test_its_invariants_hold_after_every_event(saga: VectorDB, name: str) -> None:
    fold = bare(saga.state.log)
    for event in saga.events():
        fold.apply(event)
        named(fold, name).check()


def test_dump_and_load_are_inverse(saga: VectorDB, name: str) -> None:
    for stop in cuts(saga):
        dump = folded(saga.state.log, name, stop).dump()
        assert isinstance(dump, bytes)
        other = named(bare(saga.state.log), name)
        other.load(dump)
        other.check()
        assert other.dump() == dump


def test_loading_replaces_what_was_there(saga: VectorDB, name: str) -> None:
    dump = folded(saga.state.log, name, 9).dump()
    full = folded(saga.state.log, name)
    full.load(dump)
    assert full.dump() == dump


def test_load_then_fold_the_rest_equals_fold_all(saga: VectorDB, name: str) -> None:
    log = saga.state.log
    whole = folded(log, name)
    for stop in cuts(saga):
        fold = bare(log)
        for projection in fold.projections:
            projection.load(folded(log, projection.name, stop).dump())
        fold.run(log.events(stop + 1))
        found = named(fold, name)
        found.check()
        assert found.dump() == whole.dump() and found.counts() == whole.counts(), stop


def test_reset_goes_back_to_the_empty_state(saga: VectorDB, name: str) -> None:
    log = saga.state.log
    projection = folded(log, name)
    projection.reset()
    projection.check()
    assert projection.dump() == named(bare(log), name).dump()


def test_it_is_rebuilt_after_it_was_marked_behind(saga: VectorDB, name: str) -> None:
    log = saga.state.log
    for stop in (0, 1, 9, log.head):
        fold = bare(log)
        fold.run(log.events(1, stop + 1))
        fold.all_behind(RuntimeError("an interrupt"))
        for event in log.events(stop + 1):
            fold.apply(event)  # goes by what is behind
        fold.heal()
        fold.heal(essential=False)
        assert not fold.behind and not fold.sequence & 1 and not fold.repairs & 1
        named(fold, name).check()
        assert named(fold, name).dump() == folded(log, name).dump()


class Order(Tally):
    """Sees what a projection is handed."""

    name = "order"

    def apply(self, event: Event) -> None:
        catalog = self.catalog
        assert all(view in catalog.views.names() for view in event.views), "the catalog folds first"
        super().apply(event)


def test_events_come_in_order_each_once_after_the_catalog(saga: VectorDB) -> None:
    fold = Fold(saga.state.log, [order := Order()])
    fold.run(saga.events())
    assert not fold.behind and order.offsets == list(range(1, saga.head + 1))


def test_only_handled_facts_arrive(saga: VectorDB) -> None:
    for fact in FACTS:
        chosen = type("Chosen", (Tally,), {"name": "chosen", "handles": (fact,)})()
        Fold(saga.state.log, [chosen]).run(saga.events())
        assert set(chosen.types) <= {fact.type}
        assert chosen.offsets == [event.offset for event in saga.events(type=fact.type)]


METRICS = ("seen", "paid")
READS: dict[str, Callable[[VectorDB], Any]] = {
    "rows": lambda db: [
        [dict(row) | {"v": bytes(row["v"] or b"")} if "v" in row else dict(row), row.versions, row.status, row.version]
        for view in db.views()
        for at in (None, START - 60, START + 2, START + 2000)
        for row in db.view(view).get_many(ENTITIES, at=at)
    ],
    "catalog": lambda db: [state_of(db), db.services(), db.models()],
    "lineage": lambda db: [
        [version.derived_from for version in db.view(view).history(entity)]
        for view in db.views()
        for entity in ENTITIES
    ],
    "vectors": lambda db: [
        [(hit.entity, hit.distance, hit.version) for hit in db.view(view).search("v", [1, -1], k=30, exact=True, at=at)]
        for view in db.views()
        if "v" in db.view(view).features
        for at in (None, START - 60, START + 2, START + 2000)
    ],
    "predictions": lambda db: [(one.id, one.inputs, one.output) for one in db.predictions()],
    "experiments": lambda db: [
        [one.exposures(), *(one.analyze(metric).to_dict()["arms"] for metric in METRICS)]
        for one in map(db.experiment, db.experiments())
    ],
}


def test_every_built_in_projection_has_its_reads() -> None:
    assert set(READS) | {"tally"} == set(KINDS)


@pytest.mark.parametrize("read", READS)
def test_a_fork_reads_as_a_fresh_replay(saga: VectorDB, read: str) -> None:
    for offset in range(1, saga.head + 1):
        branch = saga.fork(offset)
        fresh = VectorDB.replay(saga.events(), as_of=offset, clock=saga.state.clock)
        assert READS[read](branch) == READS[read](fresh), offset
        branch.check()


@pytest.mark.parametrize("read", READS)
def test_the_past_reads_as_a_fresh_replay_at_its_clock(saga: VectorDB, read: str) -> None:
    for offset in range(1, saga.head + 1):
        past: Any = saga.as_of(offset)
        fresh: Any = VectorDB.replay(saga.events(), as_of=offset).as_of(offset)
        assert READS[read](past) == READS[read](fresh), offset


def one_by_one(db: VectorDB, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        db.view("v").put(row["e"], {name: value for name, value in row.items() if name != "e"})


def in_a_batch(db: VectorDB, rows: list[dict[str, Any]]) -> None:
    db.view("v").put_many(rows)


def in_a_transaction(db: VectorDB, rows: list[dict[str, Any]]) -> None:
    with db.transaction() as tx:
        for row in rows:
            tx.view("v").put(row["e"], {name: value for name, value in row.items() if name != "e"})


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_batch_a_transaction_and_single_rows_read_the_same(count: int) -> None:
    from ledger import ManualClock
    from vectordb import Category, Float, Int, Text

    features: dict[str, Any] = {"i": Int(default=1), "f": Float(), "c": Category(), "t": Text()}
    rows = [
        {"e": place % 7, "i": place, **({"c": f"c{place % 3}"} if place % 2 else {}), "f": None if place % 5 else 0.5}
        for place in range(count)
    ]
    found = []
    for write in (one_by_one, in_a_batch, in_a_transaction):
        db = VectorDB(clock=ManualClock(START))
        db.create_view("v", entity="e", features=features, ttl=60)
        write(db, rows)
        matrix = db.view("v").get_many(range(8))
        found.append((matrix.to_rows(), matrix.status, matrix.found, db.view("v").entities()))
        counts = {name: count for one in db.state.fold.projections for name, count in one.counts().items()}
        assert counts["versions"] == count and counts["entities"] == min(count, 7)
        db.check()
    assert found[0] == found[1] == found[2]
