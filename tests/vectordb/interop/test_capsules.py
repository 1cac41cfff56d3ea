"""Exported structs, decoded word by word: values, nulls, types, repeated exports, and that all is let go of."""

from __future__ import annotations

import gc
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import InvalidInput, ManualClock
from tests.vectordb.interop.capsules import POINTER, Array, Schema, column, columns, words
from tests.vectordb.interop.stories import COLUMNS, IDS, START, make, micros, shown
from vectordb import Dense, Float, Int, VectorDB
from vectordb.interop import Table, TableStream, events_table, held, hits_table
from vectordb.interop.c_data.column import coded, lists, mixed, texts
from vectordb.transforms import Pipeline, StandardScaler


@pytest.fixture(autouse=True)
def _nothing_is_left(own_structs: None) -> Any:
    gc.collect()
    before = held()
    yield
    gc.collect()
    assert held() == before, "exported structs are still held"


def test_a_view_is_a_table_of_its_rows() -> None:
    _, view = make()
    expected = {"driver": IDS, **shown()}
    assert columns(view) == expected
    assert columns(view) == expected, "an export can be repeated"
    assert view.table().formats["profile"] == "+w:3" and view.table().formats["since"] == "tsu:UTC"
    assert columns(view.table(["d-3", "nobody"], ["trips", "city"])) == {
        "driver": ["d-3", "nobody"],
        "trips": [-3, 0],
        "city": [None, None],
    }


def test_statuses_stand_beside_the_features() -> None:
    _, view = make()
    found = columns(view.table(["d-2", "nobody"], ["rating"], statuses=True))
    assert found == {"driver": ["d-2", "nobody"], "rating": [None, None], "rating__status": ["null", "missing"]}
    assert list(columns(view.table([], ["rating"], statuses=True))) == ["driver", "rating", "rating__status"]


def test_a_matrix_exports_what_it_reads() -> None:
    _, view = make()
    matrix = view.get_many(IDS)
    assert columns(matrix) == {"entity": IDS, **shown()}
    assert columns(matrix[1:3].table(entity="who")) == {
        "who": IDS[1:3],
        **{name: cells[1:3] for name, cells in shown().items()},
    }
    small = view.get_many(IDS, ["vip", "trips"], dtype="float32")
    assert columns(small)["vip"] == COLUMNS["vip"] and small.table().formats == {
        "entity": "u",
        "vip": "b",
        "trips": "l",
    }


def test_a_past_exports_its_own_rows() -> None:
    db, view = make()
    db.view("drivers").put("d-1", {"trips": 99})  # type: ignore[attr-defined]
    assert columns(db.as_of(2).view("drivers"))["trips"] == COLUMNS["trips"]
    assert columns(view)["trips"] == [99, *COLUMNS["trips"][1:]]


def test_one_column_of_floats_is_not_copied() -> None:
    _, view = make()
    matrix = view.get_many(["d-1", "d-3"], ["rating"])
    _, array = matrix.table().__arrow_c_array__()
    own = Array(POINTER(array, b"arrow_array")).children[1]
    assert own.buffers[1] == matrix.__array_interface__["data"][0]


def test_a_block_is_an_array_of_vectors_at_its_own_address() -> None:
    _, view = make()
    block = view.get_many(["d-1", "d-3", "d-4"]).vectors("profile")
    assert column(block) == [COLUMNS["profile"][row] for row in (0, 2, 3)] == column(block)
    part = block.rows(1, 3)
    schema, array = part.__arrow_c_array__()
    inner = Array(POINTER(array, b"arrow_array")).children[0]
    assert inner.buffers[1] == part.__array_interface__["data"][0] == block.__array_interface__["data"][0] + 12
    assert Schema(POINTER(part.__arrow_c_schema__(), b"arrow_schema")).format == "+w:3"
    assert column(Dense(bytes([1, 255]), (2, 1), "int8")) == [[1], [-1]] and column(Dense(b"", (0, 3), "float64")) == []
    del schema, array


def test_a_child_that_was_moved_away_outlives_its_parent() -> None:
    """A consumer may copy a child and zero its ``release``; its buffers live on, and are let go of by its own."""
    import ctypes

    table = Table({"city": texts(["Rome", None])})
    schema, array = table.__arrow_c_array__()
    address = POINTER(array, b"arrow_array")
    child = words(words(address, 10)[6], 1)[0]
    moved = ctypes.create_string_buffer(ctypes.string_at(child, 80), 80)
    ctypes.memset(child + 64, 0, 8)
    del array
    gc.collect()
    own = Array(ctypes.addressof(moved))
    assert ctypes.string_at(own.buffers[2], 4) == b"Rome" and held() >= 1
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(own.words[8])(ctypes.addressof(moved))
    del schema


def test_transformed_numbers_keep_their_nan() -> None:
    db, _view = make()
    ranker = db.create_service(
        "ranker", features=["drivers:trips", "drivers:rating"], pipeline=Pipeline([("scale", StandardScaler())])
    )
    ranker.fit()
    found = columns(ranker.get_many(["d-1", "d-2"]))
    assert found["entity"] == ["d-1", "d-2"] and found["rating"][1] != found["rating"][1]
    assert ranker.get_many(["d-1"]).table(statuses=True).names[-1] == "rating__status"


def test_a_training_set_carries_time_and_labels() -> None:
    db, _view = make()
    service = db.create_service("s", features=["drivers:trips", "drivers:city"])
    times = [db.event(2).recorded_time, db.event(2).recorded_time + timedelta(days=-1)]
    extra = {"label": [1, 0], "weight": [0.5, None], "good": [True, None], "seen": times, "key": ["a", 1]}
    found = columns(service.training_set({"driver": ["d-1", "d-1"], "time": times, **extra}))
    assert found == {
        "entity": ["d-1", "d-1"],
        "time": list(map(micros, times)),
        "trips": [12, 0],
        "city": ["Rome", None],
        **extra,
        "seen": list(map(micros, times)),
        "key": ['"a"', "1"],
    }
    with pytest.raises(InvalidInput, match="bools, numbers, text or datetimes"):
        service.training_set({"driver": ["d-1"], "time": times[:1], "label": [b"x"]}).table()


def test_ids_of_several_kinds_stand_in_several_columns() -> None:
    db = VectorDB(clock=ManualClock(START))
    for kind in ("user", "item"):
        db.create_view(f"{kind}s", entity=kind, features={f"{kind}_x": Float()})
    pair = db.create_service("pair", features=["users:user_x", "items:item_x"])
    matrix = pair.get_many({"user": ["u", 1], "item": [7, 8]})
    assert columns(matrix)["entity"] == ['["u",7]', "[1,8]"]
    assert columns(matrix.table(entity=("a", "b")))["b"] == [7, 8]
    assert matrix[:0].table(entity=("a", "b")).names == ("a", "b", "user_x", "item_x")
    with pytest.raises(InvalidInput, match="tuples of so many parts"):
        matrix.table(entity=("a", "b", "c"))


def test_names_give_way_to_features() -> None:
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("v", entity="e", features={"entity": Float(), "offset": Int(), "_offset": Int()})
    view.put("x", {"entity": 1.0, "offset": 5, "_offset": 6})
    assert columns(view.get_many(["x"])) == {"_entity": ["x"], "entity": [1.0], "offset": [5], "_offset": [6]}
    found = columns(view.history("x"))
    assert found["__offset"] == [2] and found["offset"] == [5] and found["written"] == [["entity", "offset", "_offset"]]
    assert found["e"] == ["x"] and found["entity"] == [1.0]
    odd = db.create_view("odd", entity="row", features={"offset": Int()})
    odd.put("y", {"offset": 7})
    found = columns(odd.history("y"))
    assert (found["row"], found["_row"], found["offset"], found["_offset"]) == (["y"], [0], [7], [4])


def test_hits_are_a_table() -> None:
    _, view = make()
    hits = view.search("profile", [1.0, 2.0, 3.0], k=2)
    expected = {"entity": hits.entities, "distance": hits.distances, "score": hits.scores, "version": hits.versions}
    assert columns(hits) == expected
    many = view.search_many("profile", [[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]], k=1)
    assert columns(hits_table(many))["query"] == [0, 1] and columns(hits_table([]))["query"] == []


def test_a_history_is_a_table_and_a_sequence() -> None:
    db, view = make()
    db.view("drivers").put("d-1", {"city": None, "rating": 2.0}, event_time=START + 1)  # type: ignore[attr-defined]
    db.view("drivers").delete("d-1")  # type: ignore[attr-defined]
    versions = view.history("d-1")
    found = columns(versions)
    assert found["offset"] == [2, 3, 4] and found["deleted"] == [False, False, True]
    assert found["city"] == ["Rome", None, None] and found["written"][1:] == [["rating", "city"], []]
    assert found["version"] == [one.id for one in versions] and found["since"] == [*shown()["since"][:1], None, None]
    assert found["profile"] == [[1.0, 2.0, 3.0], None, None] and found["code"][0] == bytes([255, 240])
    assert found["driver"] == ["d-1"] * 3 and "entity" not in found
    assert versions == list(versions) and versions[1:] == versions[1:] != versions and versions[0].offset == 2
    assert repr(versions).startswith("History([Version(")
    assert columns(view.history("nobody"))["city"] == []


def test_events_are_streamed() -> None:
    db, _view = make()
    for trips in range(10):
        db.view("drivers").put("d-1", {"trips": trips}, actor="etl", tags=["a", "b"])  # type: ignore[attr-defined]
    events = db.events(2)
    assert [len(table) for table in events_table(events, rows=4)] == [4, 4, 3]
    assert [len(table) for table in events_table(events, size=1)] == [1] * 11
    assert [len(table) for table in events.table()] == [11] and isinstance(events.table(), TableStream)
    assert columns(events_table(events, rows=4)) == columns(events)
    found = columns(events)
    assert found["offset"] == list(range(2, 13)) and set(found["views"][0]) == {"drivers"}
    assert found["actor"][:2] == [None, "etl"] and found["tags"][-1] == ["a", "b"] and found["tags"][0] == []
    assert found["recorded_time"][0] == db.event(2).time and found["rows"][:2] == [4, 1]
    assert [json.loads(payload) for payload in found["payload"][-2:]] == [db.event(n).payload for n in (11, 12)]
    assert columns(db.events(1, 1))["offset"] == [] and events.table().names[0] == "offset"


def test_an_error_while_streaming_reaches_the_consumer() -> None:
    import ctypes

    def broken() -> Any:
        yield Table({"city": texts(["Rome"])})
        raise ValueError("no more")

    capsule = TableStream(Table({"city": texts([])}), broken).__arrow_c_stream__()
    stream = POINTER(capsule, b"arrow_array_stream")
    _, get_next, get_last_error, _, _ = words(stream, 5)
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(get_next)
    message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(get_last_error)
    array = ctypes.create_string_buffer(80)
    assert message(stream) is None and call(stream, ctypes.addressof(array)) == 0
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(words(ctypes.addressof(array), 10)[8])(ctypes.addressof(array))
    assert call(stream, ctypes.addressof(array)) != 0 and message(stream) == b"ValueError: no more"


def test_columns_of_several_types_are_json() -> None:
    cells = {"id": ["a", 1, ("x", 2)], "big": [2**70, None, 1], "n": [1, None, 2], "c": ["1", "1", "2"]}
    assert columns(Table({name: mixed(values) for name, values in cells.items()})) == {
        "id": ['"a"', "1", '["x",2]'],
        "big": [str(2**70), None, "1"],
        "n": [1, None, 2],
        "c": ["1", "1", "2"],
    }
    assert columns(Table({"c": coded([1, "1", None, 1])})) == {"c": ["1", '"1"', None, "1"]}
    assert columns(Table({"c": coded([]), "l": lists([]), "n": mixed([])})) == {"c": [], "l": [], "n": []}
    with pytest.raises(InvalidInput, match="equally long"):
        Table({"a": texts([]), "b": texts(["x"])})


def test_a_table_says_what_it_is() -> None:
    _, view = make()
    table = view.table(["d-1"])
    assert (
        len(table) == 1 and table.names[:2] == ("driver", "trips") and repr(table).startswith("Table(1 rows, {'driver'")
    )
    assert Schema(POINTER(view.__arrow_c_schema__(), b"arrow_schema")).format == "+s"
    assert table.to_columns()["profile"] == [[1.0, 2.0, 3.0]] and table.to_columns()["vip"] == [True]


def test_a_table_and_a_file_name_ids_and_statuses_alike(tmp_path: Path) -> None:
    db, view = make()
    told = db.export.view("drivers", tmp_path / "drivers.csv", features=["rating"], statuses=True)
    table = view.table(features=["rating"], statuses=True)
    assert table.names == told.columns == ("driver", "rating", "rating__status")
    history = db.export.history("drivers", tmp_path / "history.csv")
    assert set(view.history("d-1").table().names) - {"written"} == set(history.columns)
