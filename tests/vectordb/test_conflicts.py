"""Expectations and refusals: what is refused leaves head, digest and state as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, everything, when
from vectordb import (
    ClosedLedger,
    Conflict,
    Float,
    HeadConflict,
    Int,
    OffsetConflict,
    ReadOnlyLedger,
    Text,
    VectorDB,
    VectorDBError,
)


def test_expected_offset_is_the_entitys_last(world: World) -> None:
    world.drivers.put("d", FULL, expected_offset=0)
    world.put("other", **FULL)
    world.drivers.put("d", {"trips": 2}, expected_offset=2)
    world.put("d", at=-9, trips=3)
    world.drivers.put("d", {"trips": 4}, expected_offset=5)
    with pytest.raises(OffsetConflict) as caught:
        world.drivers.put("d", {"trips": 5}, expected_offset=5)
    assert (caught.value.values["expected"], caught.value.values["actual"]) == (5, 6)
    assert isinstance(caught.value, Conflict) and caught.value.code == "OffsetConflict"


def test_expected_offset_zero_means_it_does_not_exist(world: World) -> None:
    world.put("d", **FULL)
    with pytest.raises(OffsetConflict):
        world.drivers.put("d", FULL, expected_offset=0)
    world.drivers.delete("d", expected_offset=2)
    world.drivers.put("d", FULL, expected_offset=0)
    with pytest.raises(OffsetConflict):
        world.drivers.delete("d", expected_offset=0)


def test_expected_head_is_the_logs(world: World) -> None:
    world.drivers.put("d", FULL, expected_head=1)
    for write in (
        lambda: world.drivers.put("d", FULL, expected_head=1),
        lambda: world.drivers.put_many({"driver": ["d"], "trips": [1]}, expected_head=3),
        lambda: world.drivers.delete("d", expected_head=1),
    ):
        with pytest.raises(HeadConflict) as caught:
            write()
        assert caught.value.values["actual"] == 2
    world.drivers.put_many({"driver": ["d"], "trips": [1]}, expected_head=2)
    world.drivers.delete("d", expected_head=3)


def furnish(world: World) -> None:
    """Offsets 2 to 9: something for every refusal to meet."""
    db = world.db
    world.put("d", **FULL)
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]}, idempotency_key="k")
    world.drivers.delete("b")
    db.create_view("notes", entity="note", features={"t": Text(max_bytes=9), "x": Float()})
    service = db.create_service("s", features=["drivers:trips"])
    db.create_model("m", "linear", features=["trips"], coefficients=[1.0])
    db.record_prediction(service.get("d"), model="m")
    db.mark("mark")


def in_transaction(db: VectorDB, write: Callable[[Any], Any], **options: Any) -> None:
    with db.transaction(**options) as tx:
        tx.view("drivers").put("x", FULL)
        write(tx)


def raising_rows() -> Any:
    yield {"driver": "x", "trips": 1}
    raise LookupError("the source broke")


Refusal = Callable[[VectorDB], Any]
REFUSALS: dict[str, Refusal] = {
    "unknown view": lambda db: db.view("nothing"),
    "bad value": lambda db: db.view("drivers").put("d", {"trips": "x"}),
    "bad category in a new batch": lambda db: db.view("drivers").put_many(
        {"driver": ["x", "y"], "trips": [1, "x"], "city": ["never", "seen"]}
    ),
    "unknown feature": lambda db: db.view("drivers").put("d", {"age": 1}),
    "no feature": lambda db: db.view("drivers").put("d", {}),
    "bad entity": lambda db: db.view("drivers").put(1.5, FULL),
    "bad entity to delete": lambda db: db.view("drivers").delete(None),
    "bad time": lambda db: db.view("drivers").put("d", FULL, event_time="yesterday"),
    "bad time of one row": lambda db: db.view("drivers").put_many(
        {"driver": ["x", "y"], "trips": [1, 2]}, event_time=[START, "x"]
    ),
    "nan": lambda db: db.view("notes").put("n", {"x": float("nan")}),
    "text too long": lambda db: db.view("notes").put("n", {"t": "x" * 10}),
    "lone surrogate": lambda db: db.view("notes").put("n", {"t": "\ud800"}),
    "expected offset": lambda db: db.view("drivers").put("d", FULL, expected_offset=7),
    "expected offset of a delete": lambda db: db.view("drivers").delete("d", expected_offset=7),
    "expected head": lambda db: db.view("drivers").put("d", FULL, expected_head=1),
    "expected head of a delete": lambda db: db.view("drivers").delete("d", expected_head=1),
    "expected head of a batch": lambda db: db.view("drivers").put_many(
        {"driver": ["d"], "trips": [1]}, expected_head=1
    ),
    "idempotency": lambda db: db.view("drivers").put("d", FULL, idempotency_key="k"),
    "empty key": lambda db: db.view("drivers").put("d", FULL, idempotency_key=""),
    "unknown source": lambda db: db.view("drivers").put("d", FULL, derived_from=["drivers/d@99"]),
    "source of another entity": lambda db: db.view("drivers").put("d", FULL, derived_from=["drivers/x@2"]),
    "no version id": lambda db: db.view("drivers").put("d", FULL, derived_from=["d"]),
    "empty transformation": lambda db: db.view("drivers").put("d", FULL, transformation=""),
    "empty actor": lambda db: db.view("drivers").put("d", FULL, actor=""),
    "empty batch": lambda db: db.view("drivers").put_many([]),
    "uneven batch": lambda db: db.view("drivers").put_many({"driver": ["d"], "trips": [1, 2]}),
    "source of rows breaks": lambda db: db.view("drivers").put_many(raising_rows()),
    "view: another definition": lambda db: db.create_view("drivers", entity="driver", features={"x": Int()}),
    "view: retyped": lambda db: db.create_view("drivers", entity="driver", features={"trips": Float()}, replace=True),
    "view: no feature": lambda db: db.create_view("v", entity="driver", features={}),
    "view: bad name": lambda db: db.create_view("a b", entity="driver", features={"x": Int()}),
    "view: bad ttl": lambda db: db.create_view("v", entity="driver", features={"x": Int()}, ttl=-1),
    "service: another definition": lambda db: db.create_service("s", features=["drivers:city"]),
    "service: unknown feature": lambda db: db.create_service("t", features=["drivers:age"]),
    "model: another definition": lambda db: db.create_model("m", "linear", features=["x"], coefficients=[1.0]),
    "model: unknown kind": lambda db: db.create_model("n", "forest", features=["x"]),
    "mark twice": lambda db: db.mark("mark"),
    "prediction without output": lambda db: db.record_prediction(db.service("s").get("d"), model="none"),
    "prediction of a view's row": lambda db: db.record_prediction(db.view("drivers").get("d"), model="m"),  # type: ignore[arg-type]
    "prediction with an output that is nan": lambda db: db.record_prediction(
        db.service("s").get("d"), model="m", output=float("nan")
    ),
    "transaction: bad value": lambda db: in_transaction(db, lambda tx: tx.view("drivers").put("d", {"trips": "x"})),
    "transaction: unknown view": lambda db: in_transaction(db, lambda tx: tx.view("nothing")),
    "transaction: expected head": lambda db: in_transaction(db, lambda tx: None, expected_head=1),
    "transaction: idempotency": lambda db: in_transaction(db, lambda tx: None, idempotency_key="k"),
    "transaction: error inside": lambda db: in_transaction(db, lambda tx: 1 / 0),
    "as_of beyond the head": lambda db: db.as_of(99),
    "fork beyond the head": lambda db: db.fork(99),
    "replay beyond the head": lambda db: VectorDB.replay(db.events(), as_of=99),
}


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_leaves_the_ledger_unchanged(tmp_path: Path, name: str, kind: str) -> None:
    world = World(path=tmp_path / "ledger.jsonl" if kind == "file" else None)
    furnish(world)
    world.clock.advance(5)
    before = everything(world.db)
    size = (tmp_path / "ledger.jsonl").stat().st_size if kind == "file" else 0
    with pytest.raises((VectorDBError, ZeroDivisionError, LookupError)):
        REFUSALS[name](world.db)
    assert everything(world.db) == before
    if kind == "file":
        assert (tmp_path / "ledger.jsonl").stat().st_size == size
    world.db.check()
    clean = World()
    furnish(clean)
    clean.clock.advance(5)
    for follower in (world, clean):
        assert follower.drivers.put("after", FULL).offset == before[0] + 1
        ids = [f"x{place}" for place in range(20)]
        follower.drivers.put_many({"driver": ids, "city": ["Rome"] * 19 + [None]})
    assert world.db.digest() == clean.db.digest(), "what follows has the bytes that it has without the refusal"
    world.db.close()


def writes(db: VectorDB) -> list[Callable[[], Any]]:
    drivers, row = db.view("drivers"), db.service("s").get("d")
    return [
        lambda: drivers.put("d", FULL),
        lambda: drivers.put_many({"driver": ["d"], "trips": [1]}),
        lambda: drivers.load({"driver": ["d"], "trips": [1]}),
        lambda: drivers.delete("d"),
        lambda: in_transaction(db, lambda tx: None),
        lambda: db.create_view("v", entity="e", features={"x": Int()}),
        lambda: db.create_service("t", features=["drivers:trips"]),
        lambda: db.create_model("n", "linear", features=["x"], coefficients=[1.0]),
        lambda: db.mark("other"),
        lambda: db.record_prediction(row, model="m"),
    ]


def test_a_closed_database_refuses_every_write_and_still_reads(tmp_path: Path) -> None:
    for path in (None, tmp_path / "ledger.jsonl"):
        world = World(path=path)
        furnish(world)
        before = everything(world.db)
        world.db.close()
        world.db.close()
        for write in writes(world.db):
            with pytest.raises(ClosedLedger):
                write()
        assert everything(world.db) == before


def test_a_database_opened_to_read_refuses_every_write(tmp_path: Path) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    furnish(world)
    with VectorDB.open(tmp_path / "ledger.jsonl", read_only=True, clock=world.clock) as reader:
        before = everything(reader)
        assert before == everything(world.db)
        for write in writes(reader):
            with pytest.raises(ReadOnlyLedger):
                write()
        assert everything(reader) == before
        reader.check()
    world.db.close()


LIMIT = 2_000
LARGE: dict[str, Refusal] = {
    "put of a text": lambda db: db.view("wide").put("a", {"t": "x" * LIMIT}),
    "put of many features": lambda db: db.view("wide").put("a", {f"x{n}": 1 / 3 + n for n in range(200)}),
    "put with a long transformation": lambda db: db.view("wide").put("a", {"x0": 1.0}, transformation="x" * LIMIT),
    "put of an id": lambda db: db.view("wide").put("a" * LIMIT, {"x0": 1.0}),
    "delete of an id": lambda db: db.view("wide").delete("a" * LIMIT),
    "batch": lambda db: db.view("wide").put_many({"e": list(range(999)), "x0": [1.0] * 999}),
    "batch of ids": lambda db: db.view("wide").put_many({"e": ["a" * LIMIT], "x0": [1.0]}),
    "transaction of a text": lambda db: in_wide(db, {"t": "x" * LIMIT}),
    "transaction of many features": lambda db: in_wide(db, {f"x{n}": 1 / 3 + n for n in range(200)}),
    "model": lambda db: db.create_model("n", "linear", features=["x"] * 999, coefficients=[1.0] * 999),
    "prediction": lambda db: db.record_prediction(db.service("s").get("a"), model="m", output="x" * LIMIT),
    "mark": lambda db: db.mark("x" * LIMIT),
}


def in_wide(db: VectorDB, values: dict[str, Any]) -> None:
    with db.transaction() as tx:
        tx.view("wide").put("a", values)


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("name", LARGE)
def test_an_event_beyond_the_limit_is_refused_in_memory_as_in_a_file(tmp_path: Path, name: str, kind: str) -> None:
    db = VectorDB() if kind == "memory" else VectorDB.open(tmp_path / "ledger.jsonl")
    features = {"t": Text(), **{f"x{n}": Float() for n in range(200)}}
    db.create_view("wide", entity="e", features=features)
    db.create_service("s", features=["wide:x0"])
    db.state.journal.max_event_bytes = LIMIT
    head, digest = db.head, db.digest()
    with pytest.raises(ValueError, match="load"):
        LARGE[name](db)
    assert (db.head, db.digest()) == (head, digest)
    db.view("wide").put("a", {"x0": 1.0})
    db.close()


def test_a_past_and_a_view_of_it_stay_after_a_refusal(world: World) -> None:
    furnish(world)
    past = world.db.as_of(3)
    with pytest.raises(VectorDBError):
        world.db.create_view("drivers", entity="driver", features={"x": Int()})
    assert past.view("drivers").get("a")["trips"] == 1 and past.at == when(0)
    assert tuple(FEATURES) == past.view("drivers").features
