"""The store contract: what every store of lines does, whatever it keeps them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import ClosedLedger, JsonlStore, SqlStore, sqlite_file
from tests.ledger.storage.samples import ListStore

LINES = [b"one\n", b"two, longer\n", b"\n", "drei ü\n".encode(), b"five\r\n", b"x" * 9000 + b"\n"]

Make = Callable[[], Any]


@pytest.fixture(params=["jsonl", "list", "sql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Opens the same store again and again: what the last one kept, the next one reads."""
    opened: list[Any] = []

    def jsonl() -> JsonlStore:
        if opened:
            opened[-1].close()
        opened.append(JsonlStore(tmp_path / "ledger.jsonl"))
        return opened[-1]

    def listed() -> ListStore:
        opened.append(ListStore(opened[-1].data if opened else b""))
        return opened[-1]

    def in_a_table() -> SqlStore:
        opened.append(SqlStore(sqlite_file(tmp_path / "ledger.db", synchronous="NORMAL")))
        return opened[-1]

    yield {"jsonl": jsonl, "list": listed, "sql": in_a_table}[request.param]
    for store in opened:
        store.close()


def all_lines(store: Any, position: int = 0) -> list[tuple[int, bytes]]:
    found = []
    for start, lines in store.read(position):
        for line in lines:
            found.append((start, line))
            start = store.after(start, line)
    return found


def filled(make: Make, lines: list[bytes] = LINES) -> tuple[Any, list[int]]:
    store = make()
    return store, [store.append(line, max(0, place - 1)) for place, line in enumerate(lines)]  # the first is the header


def test_a_new_store_is_empty_and_writable(make: Make) -> None:
    store = make()
    assert (list(store.read()), store.end, store.tail(), store.writable) == ([], 0, b"", True)


def test_lines_come_back_in_order_with_their_positions(make: Make) -> None:
    store, positions = filled(make)
    assert all_lines(store) == list(zip(positions, LINES, strict=True))
    assert positions == sorted(set(positions))
    assert store.end > positions[-1]


def test_a_line_is_found_by_its_position(make: Make) -> None:
    store, positions = filled(make)
    assert [store.line(position) for position in positions] == LINES


def test_reading_goes_on_from_any_position(make: Make) -> None:
    store, positions = filled(make)
    for skipped, position in enumerate(positions):
        assert all_lines(store, position) == list(zip(positions, LINES, strict=True))[skipped:]
    assert all_lines(store, store.end) == []


def test_another_opening_reads_what_was_appended(make: Make) -> None:
    _, positions = filled(make)
    again = make()
    assert all_lines(again) == list(zip(positions, LINES, strict=True))
    assert again.tail() == b""


def test_reading_to_the_end_finds_where_to_append(make: Make) -> None:
    store, _ = filled(make)
    end = store.end
    again = make()
    list(again.read())
    assert again.end == end
    assert again.append(b"next\n", len(LINES) - 1) == end
    assert all_lines(again)[-1] == (end, b"next\n")


def test_truncate_cuts_every_line_from_a_position_on(make: Make) -> None:
    store, positions = filled(make)
    store.truncate(positions[3])
    assert [line for _, line in all_lines(store)] == LINES[:3]
    assert store.append(b"new\n", 2) == positions[3]
    assert [line for _, line in all_lines(make())] == [*LINES[:3], b"new\n"]


def test_what_is_ahead_of_a_position_is_counted(make: Make) -> None:
    store, positions = filled(make)
    end = store.end
    for skipped, position in enumerate(positions):
        assert store.ahead(position) == (len(LINES) - skipped, LINES[skipped])
    assert store.ahead(end) == (0, b"")
    assert make().ahead(0) == (len(LINES), LINES[0])
    assert store.end == end or store.end == 0  # looking reads nothing


def test_a_torn_tail_is_told_apart_from_lines(make: Make) -> None:
    _, positions = filled(make, [*LINES, b"torn"])
    if isinstance(make(), SqlStore):
        assert make().tail() == b""  # a transaction leaves no half of a line
        return
    again = make()
    assert all_lines(again) == list(zip(positions, LINES, strict=False))
    assert again.tail() == b"torn"
    again.truncate(again.end)
    assert (again.tail(), len(all_lines(make()))) == (b"", len(LINES))


def test_sync_keeps_what_is_there(make: Make) -> None:
    store, _ = filled(make)
    store.sync()
    assert [line for _, line in all_lines(store)] == LINES


def test_close_may_be_called_twice(make: Make) -> None:
    store, _ = filled(make)
    store.close()
    store.close()
    assert len(all_lines(make())) == len(LINES)


def test_lines_are_split_alike_whatever_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(LINES) + b"torn"
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(data)
    expected = all_lines(ListStore(data))
    for size in (1, 2, 3, 5, 8, 13, 64, 9000, 1 << 20):
        monkeypatch.setattr("ledger.storage.jsonl_store.BATCH_BYTES", size)
        store = JsonlStore(path, read_only=True)
        assert all_lines(store) == expected, size
        assert store.tail() == b"torn", size
        store.close()


@pytest.mark.parametrize("call", ["append", "read", "line", "tail", "truncate", "sync", "size"])
def test_a_closed_file_store_says_so(tmp_path: Path, call: str) -> None:
    store = JsonlStore(tmp_path / "ledger.jsonl")
    store.append(b"one\n")
    store.close()
    arguments: dict[str, tuple[Any, ...]] = {"append": (b"two\n",), "line": (0,), "truncate": (0,)}
    with pytest.raises(ClosedLedger) as caught:
        found = getattr(store, call)
        list(found(*arguments.get(call, ())) or ())
    assert caught.value.values["path"] == str(tmp_path / "ledger.jsonl")
    assert (tmp_path / "ledger.jsonl").read_bytes() == b"one\n"


def test_an_unknown_fsync_policy_is_refused_and_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fsync is one of"):
        JsonlStore(tmp_path / "ledger.jsonl", fsync="sometimes")
    assert list(tmp_path.iterdir()) == []
