"""Errors that say what to do: the mistakes that somebody makes who is new here, and the words that lead on."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import FULL, World, everything
from vectordb import (
    Category,
    DamagedLog,
    DefinitionError,
    Erased,
    FeatureLeakage,
    Int,
    InvalidInput,
    InvalidTime,
    InvalidVersion,
    LedgerLocked,
    OffsetOutOfRange,
    Prediction,
    Request,
    UnknownVersion,
    Vector,
    VectorDB,
    verify_bundle,
)
from vectordb.interop import read_array, read_batches, read_table
from vectordb.what_if import what_if_prediction

NAIVE = datetime.fromisoformat("2026-01-01T00:00:00")

# -- predictions are named by themselves, or by their ids -------------------------------------------------


def predicted(world: World) -> Prediction:
    world.put("d", **FULL)
    service = world.db.create_service("survival", features=["drivers:trips"])
    world.db.create_model("m", "linear", features=["trips"], coefficients=[0.1])
    return world.db.record_prediction(service.get("d"), model="m")


NAMED: dict[str, Callable[[Any, Any], Any]] = {
    "prediction": lambda db, given: db.prediction(given),
    "reproduce": lambda db, given: db.reproduce(given),
    "as_of": lambda db, given: (db.as_of(prediction=given).as_of_offset, db.as_of(prediction=given).at),
    "explain": lambda db, given: db.audit.explain(given).to_dict(),
    "changes": lambda db, given: db.audit.changes(given),
    "diff": lambda db, given: db.audit.diff(given, given),
    "what_if": lambda db, given: db.audit.what_if(given, {"trips": 2}).to_dict(),
    "what_if_prediction": lambda db, given: what_if_prediction(db, given, {"trips": 2}, None).to_dict(),
    "bundle": lambda db, given: db.audit.bundle(given),
    "kit": lambda db, given: db.audit.kit(given),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_prediction_or_its_id_names_it(world: World, name: str) -> None:
    made = predicted(world)
    ask = NAMED[name]
    assert ask(world.db, made) == ask(world.db, made.id)
    past = world.db.as_of(made.offset)
    assert ask(past, made) == ask(past, made.id)


def test_a_bundle_of_a_prediction_verifies(world: World) -> None:
    made = predicted(world)
    assert verify_bundle(world.db.audit.bundle(made), root=world.db.audit.root())["prediction"] == made.id


@pytest.mark.parametrize("name", NAMED)
def test_an_id_of_no_prediction_is_told_so(world: World, name: str) -> None:
    made = predicted(world)
    for wrong in ("survival/p-0@1", "survival/d@4", "survival/e@5", "survival/d@99", "survival/d@5.1"):
        with pytest.raises(UnknownVersion, match="no prediction has this id") as caught:
            NAMED[name](world.db, wrong)
        assert (caught.value.values["id"], caught.value.values["as_of"]) == (wrong, 5)
    with pytest.raises(UnknownVersion, match="no prediction has this id") as caught:
        NAMED[name](world.db, "survival/e@5")
    assert caught.value.values["found"] == made.id
    if name not in ("diff", "what_if_prediction"):  # which take one of any database as it is
        with pytest.raises(UnknownVersion, match="no prediction has this id"):
            NAMED[name](world.db.as_of(4), made)  # not recorded yet


@pytest.mark.parametrize("wrong", ["survival", "d@5", "survival/d", "survival/d@x", ""])
def test_what_is_no_prediction_id_is_told_in_words_of_predictions(world: World, wrong: str) -> None:
    predicted(world)
    for name in sorted(set(NAMED) - {"diff"}):
        with pytest.raises(InvalidVersion, match=r"a prediction id reads service/entity@offset\[\.row\]") as caught:
            NAMED[name](world.db, wrong)
        assert caught.value.values["value"] == wrong


def test_an_erased_prediction_is_still_told_as_erased(world: World) -> None:
    made = predicted(world)
    world.db.erase("drivers", "d", reason="request 4711")
    with pytest.raises(Erased):
        world.db.reproduce(made)


# -- definitions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "advice"),
    [(Int, "write Int(), not Int"), (Category, "write Category(), not Category"), (Vector, "write Vector(dim), not")],
)
def test_a_type_that_was_not_called_is_told_how_to_be(world: World, kind: Any, advice: str) -> None:
    before = everything(world.db)
    with pytest.raises(DefinitionError, match="a feature has a feature type") as caught:
        world.db.create_view("v", entity="e", features={"a": kind})
    assert advice in caught.value.rule and caught.value.values["feature"] == "a"
    with pytest.raises(DefinitionError) as caught:
        Request("a", kind)
    assert advice in caught.value.rule and everything(world.db) == before


@pytest.mark.parametrize("kind", [int, "int", None, FeatureLeakage])
def test_what_is_no_type_is_told_which_there_are(world: World, kind: Any) -> None:
    with pytest.raises(DefinitionError, match=r"Int\(\), Float\(\), .* or Vector\(dim\)"):
        world.db.create_view("v", entity="e", features={"a": kind})


# -- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["2026-11-21T00:00:00Z", "release-7", NAIVE, 1.5])
def test_what_is_no_offset_is_told_where_times_and_marks_go(world: World, given: Any) -> None:
    with pytest.raises(OffsetOutOfRange, match="a time goes in time=, a mark in mark=") as caught:
        world.db.as_of(given)
    assert caught.value.values == {"offset": given, "first": 0, "last": 1}
    with pytest.raises(OffsetOutOfRange) as caught:
        world.db.as_of(99)
    assert "time=" not in caught.value.rule


@pytest.mark.parametrize("given", ["2026-11-21T00:00:00Z", NAIVE, 1.0, True])
def test_a_replay_is_told_where_times_and_marks_go(world: World, tmp_path: Path, given: Any) -> None:
    world.put("d", **FULL)
    world.db.snapshot(tmp_path / "copy.jsonl")
    for source in (tmp_path / "copy.jsonl", world.db.events()):
        with pytest.raises(OffsetOutOfRange, match=r"replay the whole log and ask its as_of\(time=") as caught:
            VectorDB.replay(source, as_of=given)
        assert caught.value.values == {"offset": given}
    assert VectorDB.replay(tmp_path / "copy.jsonl", as_of=1).head == 1


def test_a_refused_time_shows_forms_that_are_taken(world: World) -> None:
    for wrong, shown in (
        ("2026-01-01", "2026-01-31T12:00:00Z"),
        ("2026-13-01T00:00:00Z", "2026-01-31T12:00:00Z"),
        (NAIVE, "datetime.now(UTC)"),
        ([1], "2026-01-31T12:00:00Z"),
    ):
        with pytest.raises(InvalidTime) as caught:
            world.db.as_of(time=wrong)  # type: ignore[arg-type]
        assert shown in caught.value.rule and caught.value.values["value"] == wrong
    world.put("d", **FULL)
    for taken in ("2025-01-31T12:00:00Z", "2025-01-31T13:00:00+01:00"):
        assert world.db.as_of(time=taken).as_of_offset == 0


# -- files ------------------------------------------------------------------------------------------------


def foreign(folder: Path) -> dict[Path, str]:
    """Files that are no ledgers, each with what leads on."""
    paths = {name: folder / name for name in ("a.csv", "README.md", "one.txt", "a.gz", "a.db", "kit.jsonl")}
    paths["a.csv"].write_text("a,b\n1,2\n")
    paths["README.md"].write_text("# title\n\ntext\n")
    paths["one.txt"].write_text("no newline")
    with gzip.open(paths["a.gz"], "wb") as file:
        file.write(os.urandom(5_000))
    held = sqlite3.connect(paths["a.db"])
    held.execute("create table a (b)")
    held.close()
    world = World()
    world.db.audit.kit(predicted(world), paths["kit.jsonl"])
    advice = {"a.db": "open it with VectorDB.connect", "kit.jsonl": "read it with VectorDB.replay"}
    return {path: advice.get(name, "") for name, path in paths.items()}


def test_a_file_that_is_no_ledger_is_told_so_and_stays_as_it_is(tmp_path: Path) -> None:
    for path, advice in foreign(tmp_path).items():
        before = path.read_bytes()
        for options in ({}, {"read_only": True}, {"recover": True}, {"lazy": True}):
            with pytest.raises(DamagedLog, match="not a vectordb ledger: its first line is not") as caught:
                VectorDB.open(path, **options)
            assert advice in caught.value.rule and before.startswith(caught.value.values["start"])
            assert (caught.value.values["line"], caught.value.values["offset"]) == (1, 0)
        if path.name != "kit.jsonl":
            with pytest.raises(DamagedLog, match="not a vectordb ledger: its first line is not") as caught:
                VectorDB.replay(path)
            assert advice in caught.value.rule
        assert path.read_bytes() == before


def test_a_ledger_with_a_damaged_header_is_told_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    World(path=path).db.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0][:-10] + b"\n" + lines[1])
    with pytest.raises(DamagedLog, match="a line ends with its digest"):
        VectorDB.open(path)


@pytest.mark.parametrize("wrong", ["yes", True, None, "ALWAYS"])
def test_an_unknown_policy_is_told_which_there_are(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="fsync is one of never, interval, always") as caught:
        VectorDB.open(tmp_path / "ledger.jsonl", fsync=wrong)
    assert caught.value.values == {"fsync": wrong} and list(tmp_path.iterdir()) == []


def test_a_ledger_that_is_open_here_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with World(path=path).db:
        with pytest.raises(LedgerLocked, match=r"already open for writing, here or elsewhere.*read_only=True"):
            VectorDB.open(path)
        VectorDB.open(path, read_only=True).close()
    VectorDB.open(path).close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_missing_folder_is_named(tmp_path: Path, read_only: bool) -> None:
    folder = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match="a folder that is there") as caught:
        VectorDB.open(folder / "x.jsonl", read_only=read_only)
    assert caught.value.filename == str(folder) and not folder.exists()


@pytest.mark.parametrize("given", ["x.csv", Path("x.csv"), None, 5])
def test_what_is_no_table_is_told_what_one_has(given: Any) -> None:
    for read in (read_table, read_array, lambda source: list(read_batches(source))):
        with pytest.raises(InvalidInput, match="__arrow_c_stream__ or __arrow_c_array__") as caught:
            read(given)
        assert caught.value.values == {"type": type(given).__name__}


@pytest.mark.parametrize("path", ["x.csv", Path("x.parquet")])
def test_a_path_is_no_table_and_its_library_reads_it(path: Any) -> None:
    for read in (read_table, read_array, lambda source: list(read_batches(source))):
        with pytest.raises(InvalidInput, match="a file is read with its own library first"):
            read(path)


# -- what a batch left out --------------------------------------------------------------------------------


def test_a_rejection_tells_an_id_of_digits_from_a_number(world: World) -> None:
    rows = {"driver": [0, "0", "a"], "trips": ["x", "y", 1]}
    rejected = world.drivers.put_many(rows, on_error="reject").rejected
    assert [one.entity for one in rejected] == ["0", "'0'"] == [repr(0), repr("0")]
    assert [one.entity for one in VectorDB.replay(world.db.events()).event(2).fact.rejected] == ["0", "'0'"]  # type: ignore[attr-defined]
