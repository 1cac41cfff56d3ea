"""Letting go: twice, never, on another thread, with an exception or interrupt pending, half-way through a stream.

Every test here is of a crash or leak that there was.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.vectordb.interop.capsules import POINTER, Array, columns, words
from tests.vectordb.interop.stories import make
from vectordb import Dense, InvalidInput
from vectordb.interop import Table, TableStream, held
from vectordb.interop.c_data.column import numbers, texts
from vectordb.interop.c_data.export import array_capsules

CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
LET_GO = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
MESSAGE = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)


@pytest.fixture(autouse=True)
def _nothing_is_left(own_structs: None) -> Iterator[None]:
    gc.collect()
    before = held()
    yield
    gc.collect()
    assert held() == before


class Taken:
    """What a consumer does with a capsule: the struct is copied out of it, and zeroed in place."""

    def __init__(self, capsule: Any, name: bytes, size: int, release_at: int) -> None:
        address = POINTER(capsule, name)
        self.struct = ctypes.create_string_buffer(ctypes.string_at(address, size), size)
        ctypes.memset(address + release_at, 0, 8)
        self.address = ctypes.addressof(self.struct)
        self.release = words(self.address + release_at, 1)[0]
        self.release_at = release_at

    def let_go(self) -> None:
        LET_GO(self.release)(self.address)

    @property
    def is_released(self) -> bool:
        return words(self.address + self.release_at, 1) == (0,)


def array_of(*cells: str | None) -> Taken:
    _, array = array_capsules(texts(cells))
    return Taken(array, b"arrow_array", 80, 64)


def stream_of(tables: Callable[[], Any]) -> Taken:
    first = Table({"n": numbers("l", "q", [])})
    capsule = TableStream(first, tables).__arrow_c_stream__()
    return Taken(capsule, b"arrow_array_stream", 40, 24)


def next_of(stream: Taken) -> tuple[int, Any]:
    out = ctypes.create_string_buffer(80)
    return CALL(words(stream.address, 4)[1])(stream.address, ctypes.addressof(out)), out


def test_a_struct_that_was_moved_is_released_once_and_again_is_harmless() -> None:
    taken = array_of("Rome", None)
    gc.collect()
    assert held() == 1 and ctypes.string_at(Array(taken.address).buffers[2], 4) == b"Rome"
    for _ in range(3):
        taken.let_go()
        assert taken.is_released and held() == 0


def test_on_another_thread() -> None:
    taken = [array_of(str(n)) for n in range(20)]
    threads = [threading.Thread(target=one.let_go) for one in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one.is_released for one in taken) and held() == 0


def test_capsules_that_nobody_takes_are_swept() -> None:
    """They have no destructor: one of Python's would lose the exception that a failing consumer is about to raise."""
    table = Table({"n": numbers("l", "q", [1, 2])})
    kept = table.__arrow_c_stream__()
    for _ in range(100):
        table.__arrow_c_stream__()
    assert held() == 1, "swept by every export"
    del kept
    table.__arrow_c_schema__()
    gc.collect()
    assert held() == 0, "and by the garbage collector"


PENDING = f"""
import gc, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.vectordb.interop.stories import IDS, make
from vectordb.interop import TableStream, held
from vectordb.interop.c_data import capsules
db, view = make()
if sys.argv[1] == "own":
    capsules.loaded_pyarrow = capsules.loaded_numpy = lambda: None
def broken():
    yield view.table()
    raise ValueError("the disk is gone")
stream = TableStream(view.table([]), broken)
def interrupted():
    yield view.table()
    raise KeyboardInterrupt
halted = TableStream(view.table([]), interrupted)
block = view.get_many(IDS, ["trips"])
def kind_of(work):
    try:
        work()
    except BaseException as error:
        return type(error).__name__
"""
ASKED = {
    "numpy": """
print(kind_of(lambda: numpy.from_dlpack(block)[1000]), kind_of(lambda: numpy.from_dlpack(block).reshape(77)))
""",
    "pyarrow": """
print(kind_of(lambda: pyarrow.table(view).column("nope")), kind_of(lambda: pyarrow.table(stream)),
    kind_of(lambda: pyarrow.table(halted)))
""",
    "polars": """
print(kind_of(lambda: polars.DataFrame(view)["nope"]), kind_of(lambda: polars.DataFrame(stream)))
""",
    "duckdb": """
print(kind_of(lambda: duckdb.sql("from stream").fetchall()), kind_of(lambda: duckdb.sql("from halted").fetchall()))
""",
}
TOLD = {
    "numpy": ("SystemError SystemError", "IndexError ValueError"),
    "pyarrow": ("SystemError SystemError SystemError", "KeyError ArrowInvalid ArrowInvalid"),
    "polars": ("ColumnNotFoundError ComputeError",) * 2,
    "duckdb": ("InvalidInputException InvalidInputException",) * 2,
}


@pytest.mark.parametrize("structs", ["own", "theirs"])
def test_while_an_exception_is_on_its_way(structs: str) -> None:
    """A table that dies in a failing expression is let go of: Arrow's C++ aborts the process (134) where it is not.

    Only structs of the library's own keep the exception; with those of ctypes it is told on the error stream.
    """
    there = [name for name in ASKED if importlib.util.find_spec(name)]
    if not there:
        pytest.skip("no library is there")
    code = PENDING + "".join(f"import {name}\n{ASKED[name]}" for name in there) + "gc.collect(); print(held())"
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code, structs], capture_output=True, text=True, timeout=120, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    expected = [TOLD[name][structs == "theirs"] for name in there]
    assert done.stdout.splitlines() == [*expected, "0"], done.stderr


def test_an_error_stops_a_stream_for_good() -> None:
    def tables() -> Iterator[Table]:
        yield Table({"n": numbers("l", "q", [1])})
        raise KeyboardInterrupt  # none may pass through foreign code, which would read what is not there

    stream = stream_of(tables)
    code, first = next_of(stream)
    assert code == 0 and Array(ctypes.addressof(first)).length == 1
    LET_GO(words(ctypes.addressof(first) + 64, 1)[0])(ctypes.addressof(first))
    for _ in range(2):
        assert next_of(stream)[0] == 5, "not the end of the data"
        assert MESSAGE(words(stream.address, 4)[2])(stream.address).startswith(b"KeyboardInterrupt")
    stream.let_go()
    stream.let_go()
    assert stream.is_released and next_of(stream)[0] == 5
    assert MESSAGE(words(stream.address, 4)[2])(stream.address) is None


def test_interrupts_before_the_first_line_of_a_callback() -> None:
    """A signal that came while foreign code ran is noticed by the first line of ours; an error then, not chance."""
    stream = stream_of(lambda: iter([Table({"n": numbers("l", "q", [1])})]))
    calls: list[str] = []

    def interrupt(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_name in ("answer", "call"):
            calls.append(frame.f_code.co_name)
            sys.setprofile(None)
            raise KeyboardInterrupt

    with _told(2):
        sys.setprofile(interrupt)
        code, out = next_of(stream)
        sys.setprofile(interrupt)
        message = MESSAGE(words(stream.address, 4)[2])(stream.address)
    sys.setprofile(None)
    assert calls == ["answer", "answer"] and (code, message) == (4, None) and out.raw == bytes(80)
    stream.let_go()


@contextmanager
def _told(count: int) -> Iterator[None]:
    """What Python tells of exceptions that it cannot raise."""
    told: list[Any] = []
    before, sys.unraisablehook = sys.unraisablehook, told.append
    try:
        yield
    finally:
        sys.unraisablehook = before
    assert len(told) == count


def test_interrupts_in_the_middle_of_letting_go() -> None:
    table = Table({"n": numbers("l", "q", [1]), "t": texts(["x"])})
    array = table.__arrow_c_array__()[1]
    taken = Taken(array, b"arrow_array", 80, 64)
    del array

    def interrupt(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_name == "release" and frame.f_back.f_code.co_name == "release":
            sys.setprofile(None)
            raise KeyboardInterrupt

    with _told(1):
        sys.setprofile(interrupt)
        taken.let_go()
    assert taken.is_released
    gc.collect()
    assert held() == 0


def test_a_stream_that_is_left_half_way_is_closed() -> None:
    ended: list[str] = []

    def tables() -> Iterator[Table]:
        try:
            for n in range(10):
                yield Table({"n": numbers("l", "q", [n])})
        finally:
            ended.append("closed")

    stream = stream_of(tables)
    code, first = next_of(stream)
    assert code == 0 and not ended
    stream.let_go()
    assert ended == ["closed"] and Array(ctypes.addressof(first)).length == 1, "a batch outlives its stream"
    LET_GO(words(ctypes.addressof(first) + 64, 1)[0])(ctypes.addressof(first))


def test_tables_of_other_columns_are_refused() -> None:
    """A consumer reads every batch by the schema of the stream, whatever is in it."""
    for wrong in (Table({"n": texts(["1"])}), Table({"m": numbers("l", "q", [1])}), Table({})):
        stream = stream_of(lambda wrong=wrong: iter([wrong]))
        assert next_of(stream)[0] == 5
        assert b"columns of the stream" in MESSAGE(words(stream.address, 4)[2])(stream.address)
        stream.let_go()


def test_views_are_read_once_and_never_change() -> None:
    db, view = make()
    table = view.table()
    before = columns(table)
    pending = table.__arrow_c_stream__()
    view.put("d-1", {"trips": -1, "city": "Lima"})
    view.put(5, {"trips": 7})
    db.erase("drivers", "d-2", reason="asked for")
    db.close()
    assert columns(table) == before, "a copy: no write, erasure or end of the database reaches it"
    del pending
    events = db.events().table()
    assert len(columns(events)["offset"]) == db.head, "a closed database is still read"


def test_a_block_holds_its_shape() -> None:
    """Others read its memory by the shape: more than the bytes hold was read beyond their end."""
    for wrong in (
        (b"", (1, 1), "float64"),
        (bytes(16), (2, 2), "float64"),
        (bytes(16), (-1, -2), "float64"),
        (bytes(16), (1, 1), "float64", 9),
        (bytes(16), (1, 1), "float64", -8),
        (bytearray(16), (1, 1), "float64"),
        (bytes(16), (1, 1), "float80"),
    ):
        with pytest.raises(InvalidInput, match="block"):
            Dense(*wrong)  # type: ignore[arg-type]
    block = Dense(bytes(range(6)), (3, 2), "uint8")
    assert block.pick([-1, 0]).to_rows() == [[4, 5], [0, 1]]
    for places in ([3], [0, -4], [10**9]):
        with pytest.raises(IndexError, match="no row"):
            block.pick(places)
    for start, stop in ((0, 4), (-1, 2), (4, 5)):
        with pytest.raises(InvalidInput):
            block.rows(start, stop)


def test_names_of_columns_are_text_that_c_can_hold() -> None:
    for name in ("a\0b", 5, "tab\t"):
        with pytest.raises(InvalidInput, match="printable"):
            Table({name: texts([])})  # type: ignore[dict-item]
    assert list(columns(Table({"": texts(["x"]), "höhe 北": texts(["y"])}))) == ["", "höhe 北"]
