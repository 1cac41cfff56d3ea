"""The matrix: every object that is exported, through every library that is there, and back again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.vectordb.interop.stories import COLUMNS, IDS, make, same, twin
from vectordb import Dense, Int, InvalidEntity, VectorDB
from vectordb.interop import read_array


def pyarrow_table(source: Any) -> dict[str, list[Any]]:
    pyarrow = pytest.importorskip("pyarrow")
    return dict(pyarrow.table(source).to_pydict())


def polars_frame(source: Any) -> dict[str, list[Any]]:
    """Polars takes any sequence row by row before it looks for Arrow's protocol: sequences hand it their table."""
    polars = pytest.importorskip("polars")
    given = source.table() if isinstance(source, Sequence) else source
    return dict(polars.DataFrame(given).to_dict(as_series=False))


def pandas_frame(source: Any) -> dict[str, list[Any]]:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame.from_arrow(source).astype(object)
    return {
        name: [None if one is None or one is pandas.NaT or one != one else one for one in frame[name].map(whole)]
        for name in frame
    }


def whole(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def duckdb_rows(source: Any) -> dict[str, list[Any]]:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pytz", reason="DuckDB makes times with pytz")
    relation = duckdb.sql("from source")
    twice = (relation.fetchall(), duckdb.sql("from source").fetchall())
    assert twice[0] == twice[1], "DuckDB reads an object anew for every query"
    return {name: [row[place] for row in twice[0]] for place, name in enumerate(relation.columns)}


TAKERS = [pyarrow_table, polars_frame, pandas_frame, duckdb_rows]


@pytest.mark.parametrize("take", TAKERS)
def test_a_view_has_its_rows_everywhere(take: Callable[[Any], dict[str, list[Any]]]) -> None:
    _, view = make()
    found = {name: [listed(cell) for cell in cells] for name, cells in take(view).items()}
    assert found.pop("driver") == IDS
    for name, cells in COLUMNS.items():
        if name != "code":
            assert found[name] == cells, name


def listed(cell: Any) -> Any:
    return list(cell) if isinstance(cell, tuple) else cell


@pytest.mark.parametrize("take", TAKERS)
def test_everything_else_is_a_table_too(take: Callable[[Any], dict[str, list[Any]]]) -> None:
    db, view = make()
    matrix = view.get_many(IDS, ["rating", "city"])
    assert take(matrix) == {"entity": IDS, "rating": COLUMNS["rating"], "city": COLUMNS["city"]}
    hits = view.search("profile", [1.0, 2.0, 3.0], k=2)
    assert take(hits)["entity"] == hits.entities and take(hits)["version"] == hits.versions
    service = db.create_service("s", features=["drivers:trips"])
    spine = {"driver": ["d-1", "d-4"], "time": [db.event(2).recorded_time] * 2, "label": [1, 0]}
    found = take(service.training_set(spine))
    assert (found["time"], found["label"], found["trips"]) == (spine["time"], [1, 0], [12, 0])
    assert take(view.history("d-1"))["offset"] == [2]
    assert take(db.events())["type"] == [event.type for event in db.events()]
    assert take(db.events())["views"][0] in (["drivers"], ("drivers",))


def test_pyarrow_shares_the_memory_of_blocks_and_single_columns() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    _, view = make()
    block = view.get_many(["d-1", "d-3", "d-4"]).vectors("profile")
    held = pyarrow.array(block)
    assert held.type == pyarrow.list_(pyarrow.float32(), 3) and held.to_pylist() == block.to_rows()
    assert held.values.buffers()[1].address == block.__array_interface__["data"][0]
    matrix = view.get_many(["d-1", "d-3"], ["rating"])
    column = pyarrow.table(matrix).column("rating").chunk(0)
    assert column.buffers()[1].address == matrix.__array_interface__["data"][0]
    table = view.table()
    addresses = {pyarrow.table(table).column("trips").chunk(0).buffers()[1].address for _ in range(3)}
    assert len(addresses) == 1, "a table is exported again without a copy"
    pyarrow.table(view).validate(full=True)


def test_polars_shares_the_memory_of_a_table() -> None:
    polars = pytest.importorskip("polars")
    _, view = make()
    table = view.table(["d-1", "d-3"], ["rating"])
    first, second = (polars.DataFrame(table)["rating"].to_numpy(allow_copy=False) for _ in range(2))
    assert first.__array_interface__["data"][0] == second.__array_interface__["data"][0]
    assert polars.Series(view.get_many(["d-1"]).vectors("profile")).to_list() == [[1.0, 2.0, 3.0]]


def test_everybody_sees_one_memory() -> None:
    """The same address through every library that shares it, whoever makes the structs."""
    numpy = pytest.importorskip("numpy")
    _, view = make()
    matrix = view.get_many(IDS, ["trips", "vip"])
    own = matrix.__array_interface__["data"][0]
    seen = [numpy.asarray(matrix), numpy.asarray(matrix.numbers), numpy.from_dlpack(matrix)]
    assert [one.__array_interface__["data"][0] for one in seen] == [own] * 3
    assert not any(one.flags.writeable for one in seen)
    assert all(one.tobytes() == matrix.numbers.raw.tobytes() for one in seen)
    pyarrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    table = view.table(["d-1", "d-3", "d-4"], ["rating", "trips"])
    for name in ("rating", "trips"):
        first = pyarrow.table(table).column(name).chunk(0).buffers()[1].address
        assert polars.DataFrame(table)[name].to_numpy(allow_copy=False).__array_interface__["data"][0] == first
        assert polars.from_arrow(pyarrow.table(table))[name].to_list() == table.to_columns()[name]
    torch = pytest.importorskip("torch")
    shared = [torch.from_dlpack(matrix), torch.from_dlpack(matrix.numbers)]
    assert [one.data_ptr() for one in shared] == [own] * 2


def from_pyarrow(view: Any) -> Any:
    return pytest.importorskip("pyarrow").table(view)


def from_batch(view: Any) -> Any:
    return pytest.importorskip("pyarrow").table(view).to_batches()[0]


def from_reader(view: Any) -> Any:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(view)
    return pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))


def from_chunks(view: Any) -> Any:
    table = pytest.importorskip("pyarrow").table(view)
    return {name: table.column(name) for name in table.column_names}


def from_polars(view: Any) -> Any:
    return pytest.importorskip("polars").DataFrame(view)


def from_series(view: Any) -> Any:
    return {one.name: one for one in pytest.importorskip("polars").DataFrame(view)}


def from_duckdb(view: Any) -> Any:
    return pytest.importorskip("duckdb").sql("from view")


def from_pandas(view: Any) -> Any:
    pytest.importorskip("pyarrow")
    return pytest.importorskip("pandas").DataFrame.from_arrow(view)


GIVERS = [from_pyarrow, from_batch, from_reader, from_chunks, from_polars, from_series, from_duckdb, from_pandas]


@pytest.mark.parametrize("give", GIVERS)
def test_what_a_library_holds_is_written_back(give: Callable[[Any], Any]) -> None:
    db, view = make()
    written, loaded = twin(db), twin(db, "loaded")
    written.put_many(give(view))
    assert same(view, written)
    given = give(view)
    assert loaded.load(given, chunk_rows=2).rows == 4 and same(view, loaded)


def test_a_filtered_pandas_frame_is_written() -> None:
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    db, _ = make()
    frame = pandas.DataFrame({"driver": ["a", "b", "c"], "trips": [1, 2, 3], "rating": [0.5, None, 1.5]})
    copy = twin(db)
    copy.put_many(frame[frame.trips > 1])
    assert copy.entities() == ["b", "c"] and copy.get("b")["rating"] is None and copy.get("c")["trips"] == 3


def test_a_pandas_frame_is_written_without_pyarrow() -> None:
    pandas = pytest.importorskip("pandas")

    class Frame(pandas.DataFrame):  # type: ignore[misc]
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            raise ImportError("pyarrow is not there")

    db, _ = make()
    copy = twin(db)
    copy.put_many(Frame({"driver": ["a"], "trips": [1], "city": ["Rome"]}))
    copy.load(Frame({"driver": ["b"], "trips": [2], "city": ["Oslo"]}))
    assert [copy.get(one)["trips"] for one in "ab"] == [1, 2] and copy.get("b")["city"] == "Oslo"


def test_numpy_records_and_matrices_come_in() -> None:
    numpy = pytest.importorskip("numpy")
    db, _view = make()
    copy = twin(db)
    records = numpy.array([("a", 1, 0.5), ("b", 2, 1.5)], dtype=[("driver", "U3"), ("trips", "i8"), ("rating", "f8")])
    copy.put_many(records)
    assert copy.get("b")["trips"] == 2 and copy.load(records).rows == 2
    copy.put_many({"driver": ["x", "y"], "profile": numpy.array([[1, 2, 3], [4, 5, 6]], dtype="f4")})
    queries = numpy.array([[4.0, 5, 6], [1, 2, 3]])
    assert [hits.entities[0] for hits in copy.search_many("profile", queries, k=1)] == ["y", "x"]


def test_queries_come_from_arrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    _, view = make()
    queries = pyarrow.array([[1.0, 2, 3], [0, 0, 1]], pyarrow.list_(pyarrow.float64(), 2 + 1))
    assert [hits.entities[0] for hits in view.search_many("profile", queries, k=1)] == ["d-1", "d-4"]
    assert view.search("profile", queries[1], k=1).entities == ["d-4"]
    assert view.search("profile", queries.values[:3], k=1).entities == ["d-1"]


def test_every_layout_of_pyarrow_is_read() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    cells = ["a", None, "höhe", "a text of more than twelve bytes", ""]
    for kind in (
        pyarrow.string(),
        pyarrow.large_string(),
        pyarrow.string_view(),
        pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
    ):
        held = pyarrow.array(cells, kind)
        assert read_array(held) == cells and read_array(held[1:4]) == cells[1:4]
    lists = [[1.0, 2.0], [], None, [3.0]]
    for kind in (pyarrow.list_(pyarrow.float32()), pyarrow.large_list(pyarrow.float64())):
        found = read_array(pyarrow.array(lists, kind))
        assert [None if one is None else one.tolist() for one in found] == lists
    chunked = pyarrow.chunked_array([pyarrow.array([1, 2]), pyarrow.array([3, None])])
    assert read_array(chunked) == [1, 2, 3, None] and read_array(pyarrow.array([True, None, False])) == [
        True,
        None,
        False,
    ]
    assert read_array(pyarrow.nulls(2)) == [None, None] and read_array(
        pyarrow.array([0.5], pyarrow.float16())
    ).tolist() == [0.5]  # type: ignore[attr-defined]


def test_a_block_stays_what_numpy_sees() -> None:
    numpy = pytest.importorskip("numpy")
    _, view = make()
    matrix = view.get_many(IDS, ["trips", "rating"])
    assert numpy.asarray(matrix).tolist()[0] == [12, 4.5] and numpy.asarray(matrix).shape == (4, 2)
    assert numpy.asarray(Dense(bytes(16), (1, 2), "float64")).tolist() == [[0, 0]]


def columns_of_ids() -> list[Any]:
    """Ids a and b, then 3 and 4, as every library has them."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    made = [numpy.array, pandas.Series, pandas.Index, polars.Series, pyarrow.array, tuple, iter]
    columns = [make(ids) for ids in (["a", "b"], [3, 4]) for make in made]
    return [*columns, pandas.Series(["a", "b"], dtype="category"), pyarrow.chunked_array([["a"], ["b"]])]


@pytest.mark.parametrize("place", range(16))
def test_ids_come_from_every_library(place: int) -> None:
    db = VectorDB()
    view = db.create_view("users", entity="user", features={"age": Int(default=0)})
    service = db.create_service("ages", features=["users:age"])
    trial = db.create_experiment("trial", arms={"a": 0.5, "b": 0.5}, unit="user")
    view.put_many({"user": ["a", "b", 3, 4], "age": [1, 2, 1, 2]})
    calls: list[Callable[[Any], list[Any]]] = [
        lambda ids: list(view.get_many(ids).entities),
        lambda ids: list(service.get_many(ids).entities),
        lambda ids: [one.unit for one in trial.assign_many(ids)],
        lambda ids: [one.unit for one in trial.expose_many(ids)],
    ]
    for call in calls:
        found = call(columns_of_ids()[place])
        assert found in (["a", "b"], [3, 4]) and set(map(type, found)) <= {str, int}


def test_what_is_no_column_of_ids_is_refused() -> None:
    numpy, pandas, polars = map(pytest.importorskip, ("numpy", "pandas", "polars"))
    view = VectorDB().create_view("users", entity="user", features={"age": Int(default=0)})
    flat = [numpy.array("a"), numpy.array([["a"]]), pandas.DataFrame({"a": [1]}), polars.DataFrame({"a": [1]})]
    for wrong in [*flat, {"a": 1}, "ab", b"ab", 7, None, view]:
        with pytest.raises(InvalidEntity, match="a sequence of entity ids: not one id, a mapping or a table"):
            view.get_many(wrong)
    for wrong in (pandas.Series(["a", None]), numpy.array([1.5]), numpy.array([True])):
        with pytest.raises(InvalidEntity, match="an entity id is a str"):
            view.get_many(wrong)
