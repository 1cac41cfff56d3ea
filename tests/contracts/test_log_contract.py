"""The contract of a log, over every way it is held: memory, a file, lazily over a file, a fork, a replay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import ROW_BITS, Log, VectorDBError, encode_event, header_of
from tests.contracts.saga import tell
from vectordb import HeadConflict, IdempotencyConflict, OffsetOutOfRange, UnknownVersion, VectorDB

LOGS = ["memory", "file", "reopened", "lazy", "fork", "fork of lazy", "replayed events", "replayed file"]


@pytest.fixture(scope="module")
def saga() -> VectorDB:
    return tell()


@pytest.fixture(scope="module", params=LOGS)
def db(request: Any, tmp_path_factory: Any, saga: VectorDB) -> Iterator[VectorDB]:
    path: Path = tmp_path_factory.mktemp("log") / "ledger.jsonl"
    name: str = request.param
    source = tell(path if name in {"file", "reopened", "lazy", "fork of lazy", "replayed file"} else None)
    opened = [source]
    if name in {"reopened", "lazy", "fork of lazy"}:
        source.close()
        opened.append(VectorDB.open(path, lazy=name != "reopened"))
    elif name == "replayed events":
        opened.append(VectorDB.replay(source.events()))
    elif name == "replayed file":
        opened.append(VectorDB.replay(path))
    if name.startswith("fork"):
        # A fork in the middle of the saga, to which the rest is written again would differ in its digests:
        # the head is where all logs still agree.
        opened.append(opened[-1].fork())
    yield opened[-1]
    for one in opened:
        one.close()


@pytest.fixture
def log(db: VectorDB) -> Log:
    return db.state.log


def test_it_holds_the_same_events(log: Log, saga: VectorDB) -> None:
    expected = list(saga.events())
    found = list(log.events())
    assert log.head == saga.head == len(found) and log.last_time == saga.state.log.last_time
    for one, other in zip(found, expected, strict=True):
        assert (one.offset, one.time, one.type, one.rows, one.views) == (
            other.offset, other.time, other.type, other.rows, other.views,
        )  # fmt: skip
        assert one.payload == other.payload and one.meta == other.meta


def test_bodies_and_digests_are_the_same_bytes(log: Log, saga: VectorDB) -> None:
    for offset in range(1, log.head + 1):
        assert log.body(offset) == saga.state.log.body(offset)
        assert log.digest(offset) == saga.state.log.digest(offset)


def test_a_body_is_the_encoded_event(log: Log) -> None:
    for event in log.events():
        assert encode_event(event.offset, event.time, event.fact, event.meta) == log.body(event.offset)


def test_ranges_are_cut_to_the_log(log: Log) -> None:
    head = log.head
    assert [event.offset for event in log.events(3, 6)] == [3, 4, 5]
    assert [event.offset for event in log.events(head, head + 9)] == [head]
    assert list(log.events(head + 1)) == list(log.events(5, 5)) == []
    assert next(log.events(-4)).offset == 1


@pytest.mark.parametrize("offset", [0, -1, 10**6, True, "1"])
def test_an_offset_outside_is_refused(log: Log, offset: Any) -> None:
    with pytest.raises(OffsetOutOfRange):
        log.event(offset)


def test_rows_are_those_of_their_events(log: Log, saga: VectorDB) -> None:
    seen = 0
    for event in log.events():
        assert log.rows_at(event.offset) == event.rows
        for number in range(event.rows if list(event.fact.blocks()) else 0):
            row = log.row(event.offset << ROW_BITS | number)
            ref, event_time, _ = header_of(row)
            other = header_of(saga.state.log.row(event.offset << ROW_BITS | number))
            assert ref == event.offset << ROW_BITS | number and event_time == other[1]
            seen += 1
    assert seen > 40


def test_heavy_values_are_found_by_reference(db: VectorDB, log: Log) -> None:
    slots = {name: place for place, name in enumerate(db.as_of(2).view("things").features)}
    assert bytes(log.heavy(2 << ROW_BITS, slots["v"])) == b"\0\0\x80?\0\0\0@"
    text = log.heavy(2 << ROW_BITS, slots["t"])
    assert (text.decode() if isinstance(text, bytes) else text) == "é"


def test_times_never_go_back_and_are_found_by_bisection(log: Log) -> None:
    times = [log.time_of(offset) for offset in range(log.head + 1)]
    assert times == sorted(times)
    for time in {*times, times[0] - 1, times[-1] + 1}:
        expected = sum(one <= time for one in times[1:])
        assert log.offset_at(time) == expected
    assert log.offset_at(times[1] - 1) == 0 and log.offset_at(times[-1]) == log.head


def test_a_reference_has_an_owner_or_names_no_row(log: Log) -> None:
    assert log.owner(2 << ROW_BITS) == ("things", "d") and log.owner(14 << ROW_BITS | 1) == ("things", "x1")
    wrong = [1 << ROW_BITS, 2 << ROW_BITS | 1, 14 << ROW_BITS | 20, (log.head + 1) << ROW_BITS, 0]
    for ref in wrong:
        with pytest.raises(UnknownVersion):
            log.owner(ref)


def test_keys_find_their_event(log: Log) -> None:
    keys = {event.fact.origin.key: event for event in log.events() if getattr(event.fact, "origin", None)}
    keys.pop(None, None)
    assert keys.keys() == {"k", "tx"}
    for key, event in keys.items():
        found = log.find_key(key, event.fact.origin.args)
        assert found is not None and found.offset == event.offset
        with pytest.raises(IdempotencyConflict):
            log.find_key(key, "other")
    assert log.find_key("new", "x") is None


def test_the_head_may_be_expected(log: Log) -> None:
    log.check_head(log.head)
    log.check_head(None)
    with pytest.raises(HeadConflict):
        log.check_head(log.head - 1)


def test_waiting_for_what_is_there_and_what_is_not(log: Log) -> None:
    assert log.wait(log.head, 0) and log.wait(0)
    assert not log.wait(log.head + 1, 0.01)


def test_a_fork_at_every_offset_has_the_same_prefix(log: Log) -> None:
    for offset in range(log.head + 1):
        branch = log.fork(offset, 0, seed=9)
        assert branch.head == offset
        assert [branch.digest(at) for at in range(1, offset + 1)] == [log.digest(at) for at in range(1, offset + 1)]
        assert branch.header.parent is not None and branch.header.parent.offset == offset
        assert branch.last_time == (log.time_of(offset) if offset else branch.last_time)


def test_a_snapshot_is_the_same_file_whatever_held_the_log(db: VectorDB, saga: VectorDB, tmp_path: Path) -> None:
    db.snapshot(tmp_path / "one.jsonl")
    saga.snapshot(tmp_path / "other.jsonl")
    one, other = ((tmp_path / name).read_bytes().splitlines(True) for name in ("one.jsonl", "other.jsonl"))
    assert one[1:] == other[1:]
    assert (one[0] == other[0]) == (db.header.parent is None)


def test_it_takes_more_events(db: VectorDB) -> None:
    branch = db.fork()
    head, woken = branch.head, []
    waiter = threading.Thread(target=lambda: woken.append(branch.wait(head + 1, 10)))
    waiter.start()
    receipt = branch.view("things").put("more", {"i": 1, "t": "x" * 50})
    waiter.join(10)
    assert woken == [True] and receipt.offset == head + 1 == branch.head
    assert branch.event(head + 1).digest == branch.digest()
    with pytest.raises(VectorDBError):
        branch.view("things").put("more", {"i": "x"})
    assert branch.head == head + 1 and db.head == head
