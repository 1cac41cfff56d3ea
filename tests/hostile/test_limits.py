"""The limits of size, as the README's table has them: the value of each, and that one beyond it is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tests.replay.broken_ledger import Sealed
from vectordb import Category, DamagedLog, Float, Int, Text, Timestamp, Vector, VectorDB, VectorDBError

LIMITS = {
    "bytes of a line": ("ledger.storage.jsonl_store.MAX_LINE_BYTES", 128 << 20),
    "bytes of an event, encoded": ("ledger.storage.journal.MAX_EVENT_BYTES", 64 << 20),
    "bytes of the rows of an event, packed": ("ledger.values.block.MAX_BLOCK_BYTES", 1 << 30),
    "rows of an event": ("ledger.identity.ROW_MASK", (1 << 24) - 1),
    "features of a version of a view": ("ledger.facts.view_defined.MAX_FEATURES", 10_000),
    "features of a view ever": ("ledger.values.layouts.MAX_SLOTS", 16_384),
    "dimensions of a vector": ("ledger.values.vector_type.MAX_DIMENSION", 65_536),
    "bytes of a category": ("ledger.values.feature_types.MAX_CATEGORY_BYTES", 65_536),
    "size of an Int": ("ledger.values.feature_types.MAX_INT", 2**53),
    "microseconds from 1970": ("ledger.times.MAX_MICROS", 2**53),
    "arms of an experiment": ("ledger.facts.experiment_defined.MAX_ARMS", 1_000),
    "forks of forks": ("ledger.header.MAX_ANCESTORS", 256),
    "events of a kit's log": ("ledger.proofs.kit_file.MOST_EVENTS", 1 << 32),
    "bytes of a checkpoint's head": ("projections.checkpoint.MAX_HEAD", 1 << 20),
    "transformers inside one another": ("vectordb.transforms.registry.DEEPEST", 32),
    "features of a stored transformer": ("vectordb.transforms.base.WIDEST", 65_536),
    "columns of a stored pipeline, all its parts": ("vectordb.transforms.registry.MOST_COLUMNS", 262_144),
    "outputs of PolynomialFeatures": ("vectordb.transforms.shaping.polynomial.MOST", 65_536),
    "degree of SplineTransformer": ("vectordb.transforms.shaping.spline.STEEPEST", 100),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_what_is_documented(what: str) -> None:
    path, value = LIMITS[what]
    module, _, name = path.rpartition(".")
    assert getattr(import_module(module), name) == value


def put(kind: Any, value: Any) -> Callable[[VectorDB], Any]:
    return lambda db: db.create_view("w", entity="e", features={"x": kind}).put("a", {"x": value})



BEYOND: dict[str, tuple[Callable[[VectorDB], Any], Callable[[VectorDB], Any]]] = {
    "an Int": (put(Int(), 2**53), put(Int(), 2**53 + 1)),
    "a time": (put(Timestamp(), 2**53 // 10**6), put(Timestamp(), 2**53 // 10**6 + 1)),
    "a category": (put(Category(), "x" * 65_536), put(Category(), "x" * 65_537)),
    "a text": (put(Text(), "é" * (1 << 19)), put(Text(), "é" * (1 << 19) + "x")),
    "a dimension": (
        lambda db: db.create_view("w", entity="e", features={"x": Vector(65_536)}),
        lambda db: db.create_view("w", entity="e", features={"x": Vector(65_537)}),
    ),
    "features": (
        lambda db: db.create_view("w", entity="e", features={f"f{place}": Float() for place in range(10_000)}),
        lambda db: db.create_view("w", entity="e", features={f"f{place}": Float() for place in range(10_001)}),
    ),
    "an id": (
        lambda db: db.view("v").put(2**4096 - 1, {"x": 1.0}),
        lambda db: db.view("v").put(2**4096, {"x": 1.0}),
    ),
    "arms": (
        lambda db: db.create_experiment("t", arms={f"a{arm}": 1 / 1_000 for arm in range(1_000)}, unit="e"),
        lambda db: db.create_experiment("t", arms={f"a{arm}": 1 / 1_001 for arm in range(1_001)}, unit="e"),
    ),
}


@pytest.mark.parametrize("what", BEYOND)
def test_what_is_at_a_limit_is_taken_and_one_beyond_is_not(what: str) -> None:
    within, beyond = BEYOND[what]
    with VectorDB() as db:
        db.create_view("v", entity="e", features={"x": Float()})
        with pytest.raises(VectorDBError):
            beyond(db)
        head = db.head
        within(db)
        assert db.head > head


def test_plain_data_is_at_most_32_levels_deep(tmp_path: Any) -> None:
    for depth in (30, 31, 32, 40):
        data: Any = 0
        for _ in range(depth):
            data = [data]
        definition = {"name": "m", "version": 1, "kind": "linear", "parameters": {"x": data}}
        sealed = Sealed().event("model_defined@1", {"definition": definition})
        path = tmp_path / "ledger.jsonl"
        path.write_bytes(b"".join(sealed.lines))
        if depth <= 31:  # the number within is one more
            assert VectorDB.replay(path).head == 4
        else:
            with pytest.raises(DamagedLog, match="32 levels"):
                VectorDB.replay(path)
