"""What comes back in from Arrow: our own exports, and producers that contradict themselves."""

from __future__ import annotations

import ctypes
import mmap
import struct
from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger import CannotExchange
from tests.vectordb.interop.foreign import Foreign, ints
from tests.vectordb.interop.stories import COLUMNS, IDS, make, same, twin
from vectordb import Dense
from vectordb.interop import Table, TableStream, address_of, held, read_array, read_batches, read_table
from vectordb.interop.c_data.bits import pack_bits, unpack_bits
from vectordb.interop.c_data.column import Cells, Column, Piece, Shape, coded, mixed, numbers, plain, texts
from vectordb.interop.c_data.export import stream_capsule
from vectordb.interop.c_data.foreign import _metadata, memory_at


def test_every_type_comes_back_through_put_many_and_load() -> None:
    db, view = make()
    for place, hand_in in enumerate(
        [
            lambda copy: copy.put_many(view),
            lambda copy: copy.put_many(view.table()),
            lambda copy: copy.put_many(view.get_many(IDS).table(entity="driver")),
            lambda copy: copy.load(view, chunk_rows=3),
            lambda copy: copy.load(TableStream(view.table([]), lambda: (view.table([one]) for one in IDS))),
        ]
    ):
        copy = twin(db, f"copy_{place}")
        hand_in(copy)
        assert same(view, copy)


def test_ids_of_several_types_come_back() -> None:
    ids = ["a", 1, ("x", 2), None]
    assert read_table(Table({"id": mixed(ids)})) == {"id": ids}
    assert read_array(Foreign("u", None, ints(0, 2), b"[]", metadata=((b"vectordb:form", b"json"),))) == [()]
    for text in (b"[1", b"[" * 100_000):
        with pytest.raises(CannotExchange, match="holds JSON"):
            read_array(Foreign("u", None, ints(0, len(text)), text, metadata=((b"vectordb:form", b"json"),)))


def test_streams_are_joined() -> None:
    def tables() -> Any:
        for start in (0.0, 2.0):
            block = Dense(struct.pack("<2d", start, start + 1), (2, 1), "float64")
            yield Table({"x": numbers("g", "d", [start, start + 1]), "t": texts(["a", None]), "v": block._as_column()})

    columns = read_table(TableStream(next(tables()), tables))
    assert columns["x"] == array("d", [0, 1, 2, 3]) and columns["t"] == ["a", None, "a", None]
    assert columns["v"].tolist() == [[0.0], [1.0], [2.0], [3.0]]  # type: ignore[attr-defined]
    assert read_table(TableStream(Table({"x": texts([])}), list)) == {"x": []}
    mixed_parts = lambda: [Table({"x": numbers("g", "d", cells)}) for cells in ([1.0], [None])]  # noqa: E731
    assert read_table(TableStream(mixed_parts()[0], mixed_parts))["x"] == [1.0, None]
    assert [len(batch["x"]) for batch in read_batches(TableStream(mixed_parts()[0], mixed_parts))] == [1, 1]


@pytest.mark.parametrize(
    ("format", "data", "expected"),
    [
        ("c", ints(-1, 2, code="b"), [-1, 2]),
        ("C", ints(255, 2, code="B"), [255, 2]),
        ("s", ints(-1, 2, code="h"), [-1, 2]),
        ("S", ints(1, 2, code="H"), [1, 2]),
        ("i", ints(-1, 2), [-1, 2]),
        ("I", ints(1, 2, code="I"), [1, 2]),
        ("l", ints(-1, 2, code="q"), [-1, 2]),
        ("L", ints(2**64 - 1, 2, code="Q"), [2**64 - 1, 2]),
        ("e", struct.pack("<2e", 0.5, 2), [0.5, 2]),
        ("f", struct.pack("<2f", 0.5, 2), [0.5, 2]),
        ("g", struct.pack("<2d", 0.1, 2), [0.1, 2]),
        ("b", b"\2", [False, True]),
        ("w:2", b"abcd", [b"ab", b"cd"]),
        (
            "tss:UTC",
            ints(1, -1, code="q"),
            [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
        ),
        (
            "tsm:Europe/Rome",
            ints(1, 0, code="q"),
            [datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)],
        ),
        (
            "tsn:UTC",
            ints(1999, -1, code="q"),
            [datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)],
        ),
    ],
)
def test_columns_of_fixed_size(format: str, data: bytes, expected: list[Any]) -> None:
    assert list(read_array(Foreign(format, None, data, rows=2))) == expected
    assert read_array(Foreign(format, b"\2", data, rows=2, nulls=-1)) == [None, expected[1]]


def test_texts_of_every_layout() -> None:
    assert read_array(Foreign("U", None, ints(0, 1, 3, code="q"), "aé".encode(), rows=2)) == ["a", "é"]
    assert read_array(Foreign("z", None, ints(0, 1, 2), b"a\xff", rows=2)) == [b"a", b"\xff"]
    long = b"a text of more than twelve bytes"
    views = ints(2) + b"ab".ljust(12, b"\0") + ints(len(long)) + long[:4] + ints(0, 0)
    assert read_array(Foreign("vu", None, views, long, ints(len(long), code="q"), rows=2)) == ["ab", long.decode()]
    assert read_array(Foreign("vz", b"\1", views, long, ints(len(long), code="q"), rows=2, nulls=1)) == [b"ab", None]
    assert read_array(Foreign("n", rows=2)) == [None, None] and read_array(Foreign("u", None, None, None, rows=0)) == []


def test_lists_are_vectors_where_they_are_equally_long() -> None:
    inside = (plain("f", Piece(struct.pack("<4f", 1, 2, 3, 4)), 4),)
    assert read_array(Foreign("+l", None, ints(0, 2, 4), rows=2, inside=inside)).tolist() == [[1, 2], [3, 4]]  # type: ignore[attr-defined]
    found = read_array(Foreign("+L", None, ints(0, 1, 4, code="q"), rows=2, inside=inside))
    assert [row.tolist() for row in found] == [[1], [2, 3, 4]]
    found = read_array(Foreign("+w:2", b"\1", rows=2, nulls=1, inside=inside))
    assert found[0].tolist() == [1, 2] and found[1] is None
    holed = (numbers("f", "f", [1.0, None, 3.0, 4.0]),)
    assert read_array(Foreign("+w:2", None, rows=2, inside=holed)) == [[1.0, None], [3.0, 4.0]]


IMPOSSIBLE: list[tuple[str, Callable[[], Any]]] = [
    ("understood", lambda: Foreign("tdD", None, ints(1))),
    ("understood", lambda: Foreign("d:10,2", None, bytes(16))),
    ("understood", lambda: Foreign("+r", rows=1)),
    ("time zone", lambda: Foreign("tsu:", None, ints(1, code="q"))),
    ("1684", lambda: Foreign("tss:UTC", None, ints(2**60, code="q"))),
    ("rows that are asked", lambda: Foreign("l", None, bytes(8), rows=-1)),
    ("rows that are asked", lambda: Foreign("l", None, bytes(8), rows=2**50)),
    ("buffers and children", lambda: Foreign("l", None)),
    ("buffers and children", lambda: Foreign("vu", None, bytes(16))),
    ("has an address", lambda: Foreign("l", None, None)),
    ("has an address", lambda: Foreign("u", None, ints(0, 3), None)),
    ("offsets rise", lambda: Foreign("u", None, ints(2, 1), b"ab")),
    ("offsets rise", lambda: Foreign("u", None, ints(-1, 1), b"ab")),
    ("UTF-8", lambda: Foreign("u", None, ints(0, 1), b"\xff")),
    ("one of its dictionary", lambda: Foreign("i", None, ints(3), known=texts(["a"]))),
    ("one of its dictionary", lambda: Foreign("i", None, ints(-1), known=texts(["a"]))),
    ("told by ints", lambda: Foreign("g", None, bytes(8), known=texts(["a"]))),
    ("view lies", lambda: Foreign("vu", None, ints(13, 0, 0, 1), bytes(13), ints(13, code="q"))),
    ("view lies", lambda: Foreign("vu", None, ints(13, 0, 2, 0), bytes(13), ints(13, code="q"))),
    ("view lies", lambda: Foreign("vu", None, ints(-1, 0, 0, 0), bytes(13), ints(13, code="q"))),
    ("fixed size", lambda: Foreign("+w:0", None, inside=(texts([]),))),
    ("fixed size", lambda: Foreign("w:x", None, b"")),
    ("rows that are asked", lambda: Foreign("+w:3", None, inside=(plain("g", Piece(bytes(8)), 1),))),
    ("rows that are asked", lambda: Foreign("+l", None, ints(0, 9), inside=(plain("g", Piece(bytes(8)), 1),))),
    ("one child", lambda: Foreign("+w:1", None, inside=(texts([]), texts([])))),
    ("understood", lambda: Foreign("c:1", None, b"1")),
    ("understood", lambda: Foreign("+l:1", None, ints(0, 0))),
    ("understood", lambda: Foreign("ts", None, bytes(8))),
    ("buffers and children", lambda: Foreign("i", known=texts(["a"]))),
    ("buffers and children", lambda: Foreign("i", *[None] * 9, known=texts(["a"]))),
    ("says which they are", lambda: Foreign("l", None, bytes(8), nulls=1)),
    ("size that can be", lambda: Foreign("U", None, ints(0, 2**62, code="q"), b"abc")),
    ("size that can be", lambda: Foreign(f"w:{2**24}", None, bytes(8), rows=2**40)),
    ("fits in memory", lambda: Foreign("n", rows=2**40)),
    ("address", lambda: Foreign("vu", None, ints(13, 0, 0, 0), None, ints(13, code="q"))),
    ("holds JSON", lambda: Foreign("g", None, bytes(8), metadata=((b"vectordb:form", b"json"),))),
]


@pytest.mark.parametrize(("rule", "producer"), IMPOSSIBLE)
def test_contradictions_are_refused_and_let_go_of(rule: str, producer: Callable[[], Any]) -> None:
    before = held()
    with pytest.raises(CannotExchange, match=rule):
        read_array(producer())
    assert held() == before


def test_metadata_is_believed_within_bounds() -> None:
    for words in ((-1,), (1, -1), (1, 2**30), (2**30, 1)):
        address = address_of(raw := ints(*words, 0, 0, 0, 0))
        with pytest.raises(CannotExchange, match="metadata"):
            _metadata(address)
        assert raw
    assert _metadata(address_of(ints(1, 1) + b"k" + ints(2) + b"vw")) == ((b"k", b"vw"),)


def test_columns_beyond_two_gigabytes_are_whole() -> None:
    """``ctypes.string_at`` counts in 32 bits: such a column was cut, or read as nothing."""
    size = 2**32 + 8
    try:
        block = mmap.mmap(-1, size)  # of which two pages are ever touched
    except OSError:
        pytest.skip("there is no room for the addresses")
    block[size - 8 :] = struct.pack("<d", 0.5)
    view = memory_at(ctypes.addressof(ctypes.c_char.from_buffer(block)), size)
    assert len(view) == size and bytes(view[-8:]) == struct.pack("<d", 0.5)


def test_codes_of_several_types_come_back_through_pyarrow() -> None:
    table = Table({"c": coded(["1", 1, None, ("x", 2)]), "t": coded(["a", None, "b", "a"])})
    expected = {"c": ["1", 1, None, ("x", 2)], "t": ["a", None, "b", "a"]}
    assert read_table(table) == expected
    assert read_table(pytest.importorskip("pyarrow").table(table)) == expected
    known = Dense(struct.pack("<4d", 1, 2, 3, 4), (2, 2), "float64")._as_column()
    assert read_array(Foreign("i", None, ints(1, 0), rows=2, known=known)) == [[3, 4], [1, 2]]


def test_tables_that_are_none_are_refused() -> None:
    class Stream:
        def __init__(self, column: Column) -> None:
            self.column = column

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return stream_capsule(self.column.shape, [self.column])

    class Record(Stream):
        __arrow_c_stream__ = None  # type: ignore[assignment]

    twice = Shape("+s", (("a", Shape("n")), ("a", Shape("n"))))
    rows = Cells(1, 0, (None,), (Cells(1, 1, ()), Cells(1, 1, ())))
    for column in (
        texts(["a"]),
        Column(twice, rows),
        Column(Shape("+s", (("a", Shape("n")),)), rows._replace(nulls=1)),
    ):
        with pytest.raises(CannotExchange):
            read_table(Stream(column))
    deep = Shape("+s")
    for _ in range(20):
        deep = Shape("+s", (("a", deep),))
    with pytest.raises(CannotExchange, match="depth"):
        read_table(Stream(Column(deep, rows)))
    assert read_array(Stream(texts(["a"]))) == ["a"]
    assert Record(texts([])).__arrow_c_stream__ is None


@pytest.mark.parametrize("read", [read_table, read_array, lambda source: list(read_batches(source))])
def test_what_has_no_protocol_is_refused(read: Any) -> None:
    for source in ([1.0], None, {"a": [1]}):
        with pytest.raises(CannotExchange, match="__arrow_c_stream__"):
            read(source)


def test_a_capsule_is_used_once_and_has_its_name() -> None:
    class Fixed:
        def __init__(self, capsule: Any) -> None:
            self.capsule = capsule

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return self.capsule

    table = Table({"a": texts(["x"])})
    used = Fixed(table.__arrow_c_stream__())
    assert read_table(used) == {"a": ["x"]}
    for source, rule in ((used, "once"), (Fixed(table.__arrow_c_schema__()), "its name"), (Fixed(3), "its name")):
        with pytest.raises(CannotExchange, match=rule):
            read_table(source)


def test_an_error_of_the_producer_is_told() -> None:
    def broken() -> Any:
        raise ValueError("the disk is gone")
        yield

    db, view = make()
    with pytest.raises(CannotExchange, match="the disk is gone"):
        twin(db).put_many(TableStream(view.table([]), broken))


def test_bitmaps_go_there_and_back() -> None:
    for rows in (0, 1, 7, 8, 9, 63, 64, 65, 1000):
        flags = bytes(row * row % 3 % 2 for row in range(rows))
        bitmap = pack_bits(flags)
        assert len(bitmap) % 8 == 0 and [bitmap[row // 8] >> row % 8 & 1 for row in range(rows)] == list(flags)
        for start in range(min(rows, 9)):
            assert unpack_bits(bitmap, start, rows - start) == flags[start:]


def test_slices_of_foreign_columns_start_anywhere() -> None:
    """``offset`` of the C data interface, at every place; judged by pyarrow, which makes such slices."""
    pyarrow = pytest.importorskip("pyarrow")
    _, view = make()
    table = pyarrow.table(view)
    for start in range(4):
        found = read_table(table.slice(start, 2))
        for name in ("city", "vip", "note", "since", "rating"):
            assert list(found[name]) == COLUMNS[name][start : start + 2], name
        profiles: Any = found["profile"]
        cells = profiles.tolist() if hasattr(profiles, "tolist") else [cell and cell.tolist() for cell in profiles]
        assert cells == COLUMNS["profile"][start : start + 2]
