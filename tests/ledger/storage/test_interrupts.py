"""Interrupts: one may arrive between any two lines of a write. The event then stands once, or not at all.

Each test raises ``KeyboardInterrupt`` at the first line that a write runs, then at the second, and so on
until the write is through. After each, memory and file agree, and a retry gives exactly one event.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ledger.log
import ledger.segment
from ledger import ManualClock
from tests.house.source import ROOT
from tests.ledger.storage.samples import SEED, START
from vectordb import Category, Int, VectorDB
from vectordb.testing import state_of

WATCHED = tuple(str(ROOT / name) for name in ("ledger/", "projections/", "vectordb/writer.py"))


RUN = 24  # interrupts that one ledger takes


class InterruptAt:
    """Raises ``KeyboardInterrupt`` once, at the n-th line of our packages that runs in the block."""

    def __init__(self, line: int) -> None:
        self.left = line
        self.where = ""

    def __enter__(self) -> InterruptAt:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *raised: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(WATCHED) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and not self.where and not is_with(frame):
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                raise KeyboardInterrupt(self.where)
        return self._line


def is_with(frame: FrameType) -> bool:
    """Whether the line is a ``with``: the interpreter lets no signal in between a body's end and the release."""
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


def put(db: VectorDB, number: int) -> Any:
    return db.view("numbers").put(f"e{number}", {"n": number, "c": f"c{number}"}, idempotency_key=f"key {number}")


def put_many(db: VectorDB, number: int) -> Any:
    rows = {"number": [f"e{number}", "common"], "n": [number, 0], "c": [f"c{number}", "c"]}
    return db.view("numbers").put_many(rows, idempotency_key=f"key {number}")


def delete(db: VectorDB, number: int) -> Any:
    return db.view("numbers").delete("e1", idempotency_key=f"key {number}")


def define(db: VectorDB, number: int) -> Any:
    return db.create_view(f"view{number}", entity="number", features={"n": Int(), "c": Category()})


def redefine(db: VectorDB, number: int) -> Any:
    return db.create_view("numbers", entity="number", features={f"n{number}": Int()}, replace=True)


@pytest.mark.parametrize("kept", ["memory", "eager", "lazy"])
@pytest.mark.parametrize("write", [put, put_many, delete, define, redefine])
def test_an_interrupt_at_any_line_leaves_the_event_once_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[VectorDB, int], Any], kept: str
) -> None:
    small_segments(monkeypatch)
    clock = ManualClock(START)
    places: set[str] = set()
    for first in range(1, 2000, RUN):
        path = tmp_path / f"{first}.jsonl"
        options = {} if kept == "memory" else {"path": path, "lazy": kept == "lazy"}
        with (VectorDB.open if options else VectorDB)(clock=clock, seed=SEED, **options) as db:
            db.create_view("numbers", entity="number", features={"n": Int(), "c": Category()}).put("e1", {"n": 1})
            found = {interrupted(db, write, line, path) for line in range(first, first + RUN)}
            db.check()
            with VectorDB.replay(path, clock=clock) if options else VectorDB.replay(db.events(), clock=clock) as fresh:
                assert state_of(fresh) == state_of(db)
                assert fresh.digest() == db.digest()
        places |= found
        if "" in found:
            break
    assert len(places) > 20


def interrupted(db: VectorDB, write: Callable[[VectorDB, int], Any], line: int, path: Path) -> str:
    """Write with an interrupt at a line, and see that all is well; where it came (nowhere: the write was through)."""
    head = db.head
    try:
        with InterruptAt(line) as interrupt:
            write(db, line)
    except KeyboardInterrupt:
        pass
    assert db.head in (head, head + 1), interrupt.where
    assert_file_agrees(db, path, interrupt.where)
    assert_retried(db, write, line, head, interrupt.where)
    assert_file_agrees(db, path, interrupt.where)
    return interrupt.where


def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four events a segment, so that an interrupt meets every edge."""
    for module in (ledger.log, ledger.segment):
        for constant, value in (("SEGMENT_BITS", 2), ("SEGMENT_SIZE", 4), ("SEGMENT_MASK", 3)):
            monkeypatch.setattr(module, constant, value, raising=False)


def assert_file_agrees(db: VectorDB, path: Path, where: str) -> None:
    if path.exists():
        data = path.read_bytes()
        assert data.endswith(b"\n"), where
        assert data.count(b"\n") == db.head + 1, where
        assert data.splitlines(keepends=True)[-1] == db.state.journal.line(db.head), where


def assert_retried(db: VectorDB, write: Callable[[VectorDB, int], Any], number: int, head: int, where: str) -> None:
    """What stands is shown at once; the same write again gives one event in all."""
    stood = db.head == head + 1
    if write is define:
        assert (f"view{number}" in db.views()) is stood, where
        assert not stood or db.view(f"view{number}").version == 1, where
    try:
        receipt = write(db, number)
    except Exception as error:
        raise AssertionError(f"a retry fails after an interrupt at {where}") from error
    assert db.head == head + 1, where
    if write in (put, put_many, delete):
        assert (receipt.offset, receipt.replayed) == (head + 1, stood), where
    if write in (put, put_many):
        assert db.view("numbers").get(f"e{number}")["n"] == number, where


def test_an_interrupt_while_views_heal_leaves_them_to_heal_again() -> None:
    db = VectorDB(clock=ManualClock(START), seed=SEED)
    numbers = db.create_view("numbers", entity="number", features={"n": Int(), "c": Category()})
    for line in range(1, 400, 3):
        for entity in ("a", "b"):
            numbers.put(entity, {"n": line})
        db.state.fold.all_behind(KeyboardInterrupt())
        try:
            with InterruptAt(line) as interrupt:
                numbers.get("a")
        except KeyboardInterrupt:
            pass
        assert (numbers.get("a")["n"], numbers.get("b")["n"]) == (line, line), interrupt.where
        assert len(numbers.history("a")) == line // 3 + 1, interrupt.where
    db.check()
