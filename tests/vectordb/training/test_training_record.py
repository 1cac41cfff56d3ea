"""Recorded training sets: what is pinned, what is refused, and how they come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger import ROW_BITS
from tests.vectordb.world import START, World
from vectordb import (
    MISSING,
    Category,
    DefinitionConflict,
    Float,
    Int,
    InvalidInput,
    InvalidName,
    Request,
    Text,
    Timestamp,
    UnknownName,
    Vector,
    VectorDB,
)


@pytest.fixture
def trained(world: World) -> World:
    for trips in range(3):
        world.put("d-7", at=trips, trips=trips, rating=trips / 2)
        world.tick(10)
    world.put("d-8", at=1, trips=9)
    world.db.create_service("ranker", features=["drivers:trips", "drivers:rating", Request("km", Float())])
    return world


def spine(**more: Any) -> dict[str, Any]:
    drivers = ["d-7", "d-7", "d-8", "nobody"]
    times = [START + 0.5, START + 9, START + 9, START + 9]
    return {"driver": drivers, "time": times, "km": [1.0] * 4, "label": [0, 1, 0, 1], **more}


def test_a_record_pins_what_was_read(trained: World) -> None:
    service = trained.db.service("ranker")
    made = service.training_set(spine())
    record = trained.db.record_training_set("march", made, model="gbm@3", actor="etl")
    ids = {one for name in made.names for one in made.version_ids(name) if one is not None}
    assert set(record.versions) == ids and len(record.versions) == len(ids) == 3
    assert list(record.refs) == sorted(record.refs) and all(ref >> ROW_BITS <= record.as_of for ref in record.refs)
    assert (record.service, record.model, record.rows) == ("ranker@1", "gbm@3", 4)
    assert (record.columns, record.labels) == (("trips", "rating", "km"), ("label",))
    assert record.known_at == (made.as_of, made.as_of) and record.at == made.at
    assert (record.offset, record.id) == (trained.db.head, "training_set:march")
    assert trained.db.event(record.offset).meta.actor == "etl"  # type: ignore[union-attr]
    plain = json.loads(json.dumps(record.to_dict()))
    assert (plain["name"], plain["versions"], plain["rows"]) == ("march", 3, 4)
    assert trained.db.training_sets() == ["march"] and trained.db.training_set_record("march") == record


def test_what_was_known_is_kept(trained: World) -> None:
    service = trained.db.service("ranker")
    limited = trained.db.record_training_set("a", service.training_set(spine(), known_at=[2, 3, 4, 3]))
    assert limited.known_at == (2, 4)
    assert trained.db.record_training_set("b", service.training_set(spine(), known_at=3)).known_at == (3, 3)


def test_the_same_set_again_is_nothing_and_another_one_is_refused(trained: World) -> None:
    db, service = trained.db, trained.db.service("ranker")
    first = db.record_training_set("march", service.training_set(spine()))
    head = db.head
    assert db.record_training_set("march", service.training_set(spine())) == first
    for other in (spine(label=[1, 1, 1, 1]), spine(km=[2.0] * 4), spine(driver=["d-8"] * 4)):
        with pytest.raises(DefinitionConflict) as caught:
            db.record_training_set("march", service.training_set(other))
        assert caught.value.values["difference"]
    with pytest.raises(DefinitionConflict):
        db.record_training_set("march", service.training_set(spine()), model="m")
    trained.put("d-7", at=2, trips=5, rating=1.0)
    with pytest.raises(DefinitionConflict):
        db.record_training_set("march", service.training_set(spine()))
    assert db.head == head + 1
    assert db.record_training_set("other", service.training_set(spine())).digest != first.digest


def test_refusals_leave_the_ledger_as_it_was(trained: World) -> None:
    db, service = trained.db, trained.db.service("ranker")
    good = service.training_set(spine())
    head = db.head
    empty = service.training_set({"driver": [], "time": [], "km": []})
    matrix = db.view("drivers").get_many(["d-7"])
    foreign = db.fork().service("ranker").training_set(spine())
    for made, model in [(empty, None), (matrix, None), (None, None), (good, ""), (good, 7), (foreign, None)]:
        with pytest.raises(InvalidInput):
            db.record_training_set("x", made, model=model)  # type: ignore[arg-type]
    for name in ("", "a b", 7, None):
        with pytest.raises(InvalidName):
            db.record_training_set(name, good)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        db.record_training_set("x", good, colour="red")
    assert db.head == head
    with pytest.raises(UnknownName):
        db.training_set_record("x")


def test_a_model_that_is_data_is_named_with_its_version(trained: World) -> None:
    db = trained.db
    db.create_model("risk", "linear", features=["trips", "km"], coefficients=[1.0, 1.0], intercept=0.0)
    made = db.service("ranker").training_set(spine())
    assert db.record_training_set("a", made, model="risk").model == "risk@1"
    assert db.record_training_set("b", made, model="risk@2").model == "risk@2", "the one it is for is defined next"
    assert db.lineage.downstream("training_set:a").of_kind("model") == ("model:risk@1",)


def test_a_past_knows_the_sets_of_its_time(trained: World) -> None:
    db = trained.db
    record = db.record_training_set("march", db.service("ranker").training_set(spine()))
    assert db.as_of(record.offset - 1).training_sets() == []
    with pytest.raises(UnknownName):
        db.as_of(record.offset - 1).training_set_record("march")
    assert db.as_of(record.offset).training_set_record("march") == record
    from_past = db.as_of(record.as_of).service("ranker").training_set(spine())
    again = db.record_training_set("again", from_past)
    assert (again.digest, again.spine, list(again.refs)) == (record.digest, record.spine, list(record.refs))


@pytest.mark.parametrize("lazy", [False, True])
def test_a_record_is_read_back_from_a_file(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    world = World(path=path)
    world.put("d-7", at=0, trips=1)
    service = world.db.create_service("ranker", features=["drivers:trips"])
    record = world.db.record_training_set("march", service.training_set({"driver": ["d-7"], "time": [START + 1]}))
    world.db.checkpoint(tmp_path / "checkpoint")
    world.db.close()
    for checkpoint in (None, tmp_path / "checkpoint"):
        with VectorDB.open(path, clock=world.clock, lazy=lazy, checkpoint=checkpoint) as db:
            assert db.training_set_record("march") == record and db.training_set_record("march").versions
            db.check()
            assert db.fork().training_sets() == ["march"] and db.fork(2).training_sets() == []
            with pytest.raises(DefinitionConflict):
                db.record_training_set("march", db.service("ranker").training_set({"driver": ["x"], "time": [START]}))


def test_the_digest_covers_every_type_of_input() -> None:
    features = {"i": Int(), "c": Category(), "t": Text(), "s": Timestamp(), "v": Vector(2)}
    base = {"i": 1, "c": "Rome", "t": "é", "s": 5, "v": [1, 2]}
    others = {"i": 2, "c": "Oslo", "t": "e", "s": 6, "v": [1, 3]}

    def digest(values: dict[str, Any]) -> str:
        db = VectorDB(seed=1)
        view = db.create_view("w", entity="e", features=features)
        view.put("a", {name: value for name, value in values.items() if value is not MISSING}, event_time=0)
        service = db.create_service("s", features=[f"w:{name}" for name in features])
        return db.record_training_set("t", service.training_set({"e": ["a"], "time": [1]})).digest

    assert digest(base) == digest(base)
    changed = [base | {name: value} for name, value in others.items()]
    changed += [base | {name: None} for name in base] + [base | {name: MISSING} for name in base if name != "i"]
    found = [digest(values) for values in changed]
    assert len({digest(base), *found}) == len(changed) + 1


def test_columns_of_numpy_give_the_same_digests(trained: World) -> None:
    numpy = pytest.importorskip("numpy")
    service = trained.db.service("ranker")
    first = trained.db.record_training_set("a", service.training_set(spine()))
    columns = spine(label=numpy.array([0, 1, 0, 1]), km=numpy.ones(4))
    second = trained.db.record_training_set("b", service.training_set(columns))
    assert (first.digest, first.spine) == (second.digest, second.spine)
