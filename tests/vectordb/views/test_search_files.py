"""Vectors over files: an index comes back with its checkpoint, and every way to open a ledger finds the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from projections.vectors import build
from vectordb import Category, Int, LiveView, Vector, VectorDB

ROWS, DIM, CHANGES = 2_600, 6, 200


def vector(random: Random, dim: int = DIM) -> list[float]:
    return [random.gauss(0.0, 1.0) for _ in range(dim)]


def tell(path: Path, dim: int = DIM, rows: int = ROWS) -> VectorDB:
    """A load, an index, and writes of every kind behind it."""
    random = Random(5)
    db = VectorDB.open(path, auto_index=False, seed=2)
    features: dict[str, Any] = {"v": Vector(dim, metric="cosine"), "n": Int(), "c": Category()}
    view = db.create_view("items", entity="item", features=features)
    cities = [("Rome", "Oslo", "Bern")[row % 3] for row in range(rows)]
    vectors = [vector(random, dim) for _ in range(rows)]
    view.put_many({"item": list(range(rows)), "v": vectors, "n": list(range(rows)), "c": cities})
    view.index("v").build(seed=3)
    for change in range(CHANGES):
        view.put(random.randrange(rows + 100), {"v": vector(random, dim), "n": change, "c": "Paris"})
        if change % 3 == 0:
            view.put(random.randrange(rows), {"n": -change})
        if change % 7 == 0:
            view.delete(random.randrange(rows))
    return db


def answers(view: Any, exact: bool = False, dim: int = DIM) -> list[Any]:
    random = Random(11)
    found = []
    for where in (None, {"c": "Paris"}, {"n": {"$lt": 300}}, {"$not": {"c": {"$in": ["Rome", "Oslo"]}}}):
        hits = view.search("v", vector(random, dim), k=7, where=where, exact=exact)
        found.append([tuple(hit) for hit in hits])
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger and its checkpoint, written once."""
    folder = tmp_path_factory.mktemp("told")
    with tell(folder / "ledger.jsonl") as db:
        db.checkpoint(folder / "checkpoint")
    return folder


@pytest.fixture
def told(kept: Path, tmp_path: Path) -> Iterator[VectorDB]:
    """A copy of it, open, with its index."""
    for name in ("ledger.jsonl", "checkpoint"):
        shutil.copy(kept / name, tmp_path / name)
    db = VectorDB.open(tmp_path / "ledger.jsonl", checkpoint=tmp_path / "checkpoint", auto_index=False)
    yield db
    db.close()


def live(db: VectorDB) -> LiveView:
    return db.view("items")


def test_an_index_comes_back_with_its_checkpoint(told: VectorDB, tmp_path: Path) -> None:
    stats = live(told).index("v").stats()
    live(told).put("late", {"v": [1.0] * DIM, "n": 1, "c": "Rome"})
    head, after = told.head, answers(live(told))
    told.close()
    with VectorDB.open(tmp_path / "ledger.jsonl", checkpoint=tmp_path / "checkpoint", auto_index=False) as again:
        assert again.opened.checkpoint == head - 1
        assert live(again).index("v").stats()["indexed"] == stats["indexed"] + 1
        assert answers(live(again)) == after
        assert not live(again).search("v", [1.0] * DIM, k=1).exact
        assert live(again).search("v", [1.0] * DIM, k=1).entities == ["late"]
        past = again.as_of(head - 1)
        assert answers(past.view("items"), exact=True) == answers(told.as_of(head - 1).view("items"), exact=True)
        again.check()


def test_a_damaged_checkpoint_is_left_aside(told: VectorDB, tmp_path: Path) -> None:
    expected = answers(live(told), exact=True)
    told.close()
    data = bytearray((tmp_path / "checkpoint").read_bytes())
    data[-100] ^= 1
    (tmp_path / "checkpoint").write_bytes(data)
    with VectorDB.open(tmp_path / "ledger.jsonl", checkpoint=tmp_path / "checkpoint", auto_index=False) as again:
        assert again.opened.checkpoint == 0
        assert live(again).index("v").stats()["state"] == "none"
        assert answers(live(again), exact=True) == expected


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"read_only": True}, {"lazy": True, "read_only": True}])
def test_every_way_to_open_a_ledger_finds_the_same(told: VectorDB, tmp_path: Path, options: dict[str, Any]) -> None:
    expected, middle = answers(live(told), exact=True), told.head // 2
    then = answers(told.as_of(middle).view("items"), exact=True)
    told.close()
    with VectorDB.open(tmp_path / "ledger.jsonl", auto_index=False, **options) as again:
        assert answers(live(again), exact=True) == expected
        assert answers(again.as_of(middle).view("items"), exact=True) == then


def test_the_same_log_and_seed_build_the_same_index(told: VectorDB) -> None:
    one, other = VectorDB.replay(told.events()), VectorDB.replay(told.events())
    for db in (one, other):
        live(db).index("v").build(seed=9)
    assert answers(live(one)) == answers(live(other))
    assert live(one).index("v").stats() == live(other).index("v").stats()


def test_wide_rows_come_back_with_their_fine_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "WIDE_DIM", DIM - 1)  # so that narrow rows take the way of wide ones
    with tell(tmp_path / "ledger.jsonl") as db:
        before = answers(live(db))
        assert any(promise["kept"] for promise in live(db).index("v").stats()["promises"])
        db.checkpoint(tmp_path / "checkpoint")
    with VectorDB.open(tmp_path / "ledger.jsonl", checkpoint=tmp_path / "checkpoint", auto_index=False) as again:
        assert again.opened.checkpoint and answers(live(again)) == before
        again.check()
