"""A view in every format, read back by the standard library, against single reads."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.exporting.shop import FEATURES, IDS, plain, same_bits, shown
from vectordb import InvalidInput, UnknownName, VectorDB


def _json_id(entity: Any) -> Any:
    return list(entity) if isinstance(entity, tuple) else entity


def test_jsonl(db: VectorDB, tmp_path: Path) -> None:
    told = db.export.view("goods", tmp_path / "goods.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "goods.jsonl").read_text("utf-8").splitlines()]
    assert [line["good"] for line in lines] == list(map(_json_id, IDS))
    for entity, line in zip(IDS, lines):
        wanted = {"good": _json_id(entity), **plain(shown(db, entity))}
        assert line.keys() == wanted.keys(), entity
        assert all(same_bits(line[name], wanted[name]) for name in wanted), (line, wanted)
    assert (told.rows, told.format, told.as_of, told.what) == (6, "jsonl", db.head, "goods")
    assert told.columns == ("good", *FEATURES) and told.nbytes == (tmp_path / "goods.jsonl").stat().st_size
    assert told.left_out == {} and told.to_dict()["columns"][0] == "good"


def test_csv_in_quotes(db: VectorDB, tmp_path: Path) -> None:
    db.export.view("goods", tmp_path / "goods.csv", null="NULL", missing="MISSING")
    text = (tmp_path / "goods.csv").read_bytes().decode()
    with open(tmp_path / "goods.csv", newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert header == ["good", *FEATURES] and len(lines) == 6
    for entity, line in zip(IDS, lines):
        wanted = plain(shown(db, entity))
        for name, cell in zip(FEATURES, line[1:]):
            assert cell == _csv(wanted, name), (entity, name)
    assert '\r\n"1",' in text and "\r\n1," in text  # the ids "1" and 1
    assert lines[2][0] == '["a",2]' and lines[3][0] == IDS[3]
    floats = [float(line[2]) for line in lines if line[2] not in ("NULL", "MISSING")]
    assert all(same_bits(read, shown(db, entity)["price"]) for read, entity in zip(floats, IDS))


def _csv(wanted: dict[str, Any], name: str) -> str:
    if name not in wanted:
        return "MISSING"
    value = wanted[name]
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else str(value)


def test_csv_without_markers_leaves_the_field_empty_and_quotes_the_empty_text(db: VectorDB, tmp_path: Path) -> None:
    db.export.view("goods", tmp_path / "goods.csv", features=["note", "price"])
    first, second, *_ = (tmp_path / "goods.csv").read_text("utf-8").splitlines()[1:]
    assert first == '"1","",0.1' and second == '1,"=1+1",-0.0'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_made_harmless_where_asked(tmp_path: Path, text: str) -> None:
    db = VectorDB()
    notes = db.create_view("notes", entity="good", features={"note": FEATURES["note"], "price": FEATURES["price"]})
    notes.put(text, {"note": text, "price": -1.5})
    for safe in (False, True):
        db.export.view("notes", tmp_path / "notes.csv", formula_safe=safe)
        with open(tmp_path / "notes.csv", newline="", encoding="utf-8") as file:
            _, line = csv.reader(file)
        assert line == [f"'{text}" if safe else text] * 2 + ["-1.5"]


def test_sqlite(db: VectorDB, tmp_path: Path) -> None:
    db.export.view("goods", tmp_path / "goods.sqlite")
    with closing(sqlite3.connect(tmp_path / "goods.sqlite")) as connection:
        found = connection.execute("SELECT * FROM goods").fetchall()
        kinds = dict(connection.execute("SELECT name, type FROM pragma_table_info('goods')").fetchall())
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert kinds["count"] == "INTEGER" and kinds["price"] == "REAL" and kinds["p"] == "BLOB" and kinds["good"] == ""
    for entity, row in zip(IDS, found):
        values = shown(db, entity)
        cells = dict(zip(FEATURES, row[1:]))
        assert row[0] == (json.dumps(_json_id(entity), separators=(",", ":")) if type(entity) is tuple else entity)
        assert type(row[0]) is (str if type(entity) is tuple else type(entity))
        for name, cell in cells.items():
            value = values.get(name)
            if isinstance(value, memoryview):
                assert cell == bytes(value)
            elif isinstance(value, datetime):
                assert datetime.fromisoformat(cell) == value
            elif isinstance(value, float) and value == 0.0:
                assert cell == 0.0  # SQLite keeps no sign of zero
            else:
                assert cell == value if not isinstance(value, float) else same_bits(cell, value)


def test_statuses_tell_what_no_value_tells(db: VectorDB, tmp_path: Path) -> None:
    told = db.export.view("goods", tmp_path / "goods.csv", statuses=True)
    assert told.columns[:5] == ("good", "count", "count__status", "price", "price__status")
    with open(tmp_path / "goods.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for entity, line in zip(IDS, lines):
        row = db.view("goods").get(entity)
        assert {name: line[f"{name}__status"] for name in FEATURES} == dict(row.status)


def test_expired_values_and_defaults(tmp_path: Path) -> None:
    from tests.vectordb.world import World

    world = World(ttl=60)
    world.put("d", trips=3, rating=1.5)
    world.tick(100)
    world.put("d", city="Rome")
    world.db.export.view("drivers", tmp_path / "a.jsonl", statuses=True)
    (line,) = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert line == {
        "driver": "d", "trips": 0, "trips__status": "expired", "rating__status": "expired", "city": "Rome",
        "city__status": "present",
    }  # fmt: skip


def test_of_a_past_and_of_what_is_written_meanwhile(db: VectorDB, tmp_path: Path) -> None:
    told = db.as_of(3).export.view("goods", tmp_path / "past.jsonl")
    assert (told.rows, told.as_of) == (2, 3)
    assert len((tmp_path / "past.jsonl").read_text("utf-8").splitlines()) == 2

    def write(done: int, total: int | None) -> None:
        db.view("goods").put("new", {"price": 1.0})

    head = db.head
    told = db.export.view("goods", tmp_path / "now.jsonl", progress=write)
    assert (told.rows, told.as_of, db.head) == (6, head, head + 1)


def test_features_and_names(db: VectorDB, tmp_path: Path) -> None:
    told = db.export.view("goods", tmp_path / "a.csv", features=["price"])
    assert told.columns == ("good", "price")
    with pytest.raises(UnknownName):
        db.export.view("goods", tmp_path / "b.csv", features=["nope"])
    with pytest.raises(UnknownName):
        db.export.view("nope", tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    db = VectorDB()
    db.create_view("v", entity="E", features={"x": FEATURES["count"], "X": FEATURES["price"]}).put("a", {"x": 1})
    assert db.export.view("v", tmp_path / "v.csv").columns == ("E", "x", "X")
    db.export.view("v", tmp_path / "v.sqlite")  # whose columns have no case
    with closing(sqlite3.connect(tmp_path / "v.sqlite")) as connection:
        assert connection.execute("SELECT E, x, X_ FROM v").fetchall() == [("a", 1, None)]


def test_an_empty_view(tmp_path: Path) -> None:
    db = VectorDB()
    db.create_view("v", entity="x", features={"a": FEATURES["price"]})
    sizes = {ending: db.export.view("v", tmp_path / f"v.{ending}").rows for ending in ("jsonl", "csv", "sqlite")}
    assert set(sizes.values()) == {0}
    assert (tmp_path / "v.jsonl").read_text() == "" and (tmp_path / "v.csv").read_text() == '"x","a"\n'


def test_options_and_formats_are_checked(db: VectorDB, tmp_path: Path) -> None:
    flags = {"compress": "no"}, {"formula_safe": 1}
    for options in ({"format": "parquet"}, {"nul": "x"}, {"null": 'a"b'}, {"missing": "a,b"}, *flags):
        with pytest.raises(InvalidInput):
            db.export.view("goods", tmp_path / "goods.csv", **options)
    with pytest.raises(InvalidInput):
        db.export.view("goods", tmp_path / "goods.xls")
    assert list(tmp_path.iterdir()) == []
    assert db.export.view("goods", tmp_path / "goods.DB").format == "sqlite"
    assert db.export.view("goods", tmp_path / "goods", format="jsonl").rows == 6
    assert repr(db.as_of(3).export) == "Export(as_of=3)"


def test_pandas_reads_the_csv(db: VectorDB, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    db.export.view("goods", tmp_path / "goods.csv", features=["price", "seen", "open"])
    exact = {"float_precision": "round_trip"} if pandas.__version__.startswith(("1.", "2.")) else {}
    frame = pandas.read_csv(tmp_path / "goods.csv", parse_dates=["seen"], **exact)
    wanted = [shown(db, entity) for entity in IDS]
    for read, row in zip(frame["price"], wanted):
        value = row.get("price")
        assert math.isnan(read) if value is None else same_bits(float(read), value)
    for read, row in zip(frame["seen"], wanted):
        assert pandas.isna(read) if row.get("seen") is None else read.to_pydatetime() == row["seen"]
