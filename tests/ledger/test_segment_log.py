"""The segmented log gives back what was appended, wherever a segment ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ledger import (
    Event,
    Fact,
    Float,
    HeadConflict,
    IdempotencyConflict,
    Int,
    Layout,
    Log,
    LogMarked,
    Meta,
    OffsetOutOfRange,
    Origin,
    Text,
    UnknownVersion,
    Vector,
    ViewDefined,
    encode_event,
    header_of,
    heavy_cell,
)
from ledger import (
    log as log_module,
)
from ledger.facts.single_row import EntityDeleted
from ledger.segment import FileSegment, MemorySegment
from tests.ledger.making import (
    T0,
    append,
    contents,
    define,
    definition,
    new_log,
    next_ref,
    row_put,
    rows_put,
    transaction,
)

SIZE = 4


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four events, so that a few events meet every edge."""
    monkeypatch.setattr(log_module, "SEGMENT_BITS", 2)
    monkeypatch.setattr(log_module, "SEGMENT_SIZE", SIZE)
    monkeypatch.setattr(log_module, "SEGMENT_MASK", SIZE - 1)


def fill(log: Log, events: int, start: int = 0) -> Log:
    """A log of every kind of event: definitions, single rows, batches, transactions, deletes, marks."""
    if log.head == 0:
        define(log, "drivers", trips=Int(), note=Text(), profile=Vector(2, metric="dot"))
    layout = log.layouts.newest("drivers")
    while log.head < events:
        turn = log.head + start
        fact = made(log, layout, turn)
        append(log, fact, T0 + turn // 2, Meta(actor=f"a{turn}") if turn % 7 == 0 else None)
    return log


def made(log: Log, layout: Layout, turn: int) -> Fact:
    """The fact of a turn; every kind comes round in six turns."""
    row = {"trips": turn, "note": f"n{turn}", "profile": [turn % 1000, 1]}
    columns = {name: [value, None] for name, value in row.items()}
    match turn % 6:
        case 0:
            return row_put(log, layout, f"d-{turn % 5}", row)
        case 1:
            return rows_put(log, layout, [f"d-{turn % 5}", turn], columns)
        case 2:
            return row_put(log, layout, turn, {"trips": turn}, Origin((), None, f"key {turn}", "args"))
        case 3:
            return EntityDeleted(layout, "d-1", layout.tombstone(next_ref(log), T0))
        case 4:
            return transaction(log, (layout, [turn], {"trips": [turn]}), (layout, ["x", "y"], columns))
    return LogMarked(f"mark {turn}")


@pytest.mark.parametrize("events", [1, 3, 4, 5, 8, 9, 26])
def test_a_log_gives_back_what_was_appended(small_segments: None, events: int) -> None:
    log = fill(new_log(), events)
    found = list(log.events())
    assert [event.offset for event in found] == list(range(1, events + 1))
    for event in found:
        assert encode_event(event.offset, event.time, event.fact, event.meta) == log.body(event.offset)
        assert event.meta == (
            Meta(actor=f"a{event.offset - 1}") if event.offset % 7 == 1 and event.offset > 1 else None
        )
    assert log.head == events
    assert log.last_time == found[-1].time


def test_segment_size_is_no_part_of_what_a_log_says(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = contents(fill(new_log(), 30))
    monkeypatch.setattr(log_module, "SEGMENT_BITS", 0)
    monkeypatch.setattr(log_module, "SEGMENT_SIZE", 1)
    monkeypatch.setattr(log_module, "SEGMENT_MASK", 0)
    assert contents(fill(new_log(), 30)) == usual


def test_rows_are_found_by_reference_across_the_edge_of_a_real_segment() -> None:
    log = new_log()
    layout = define(log, a=Int())
    while log.head < 4096 * 2 + 2:
        append(log, row_put(log, layout, log.head, {"a": log.head}))
    for offset in (2, 4095, 4096, 4097, 8191, 8192, 8193, log.head):
        assert layout.cells(log.row(offset << 24)) == [offset - 1]
        assert log.event(offset).fact.entity == offset - 1  # type: ignore[attr-defined]
        assert log.time_of(offset) == T0 + offset - 1
        assert log.offset_at(T0 + offset - 1) == offset
    assert [type(segment.payloads) for segment in log._segments] == [tuple, tuple, list]
    assert [event.offset for event in log.events(4095, 4099)] == [4095, 4096, 4097, 4098]


def test_a_reference_leads_to_its_row_and_its_heavy_values(small_segments: None) -> None:
    log = fill(new_log(), 26)
    layout = log.layouts.newest("drivers")
    seen = 0
    for event in log.events():
        assert log.rows_at(event.offset) == event.rows
        for block in event.fact.blocks():
            for place, row in enumerate(block.rows):
                ref = event.offset << 24 | (block.first + place)
                assert log.row(ref) == row
                assert header_of(row)[0] == ref
                for slot, cell in enumerate(block.cells(place)):
                    if layout.types[slot].heavy and isinstance(cell, (str, bytes)):
                        assert heavy_cell(layout.types[slot], log.heavy(ref, slot)) == cell
                        seen += 1
    assert seen > 20


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (1, None, range(1, 11)), (0, None, range(1, 11)), (-5, 3, range(1, 3)), (4, 9, range(4, 9)), (10, 11, [10]),
        (11, None, []), (5, 5, []), (6, 2, []), (9, 99, [9, 10]),
    ],
)  # fmt: skip
def test_ranges_of_events_include_their_start_and_not_their_stop(
    small_segments: None, start: int, stop: int | None, expected: Any
) -> None:
    assert [event.offset for event in fill(new_log(), 10).events(start, stop)] == list(expected)


@pytest.mark.parametrize("offset", [0, -1, 11, 1.0, "1", None, True])
def test_an_event_outside_the_log_is_refused_naming_the_valid_range(offset: Any) -> None:
    log = fill(new_log(), 10)
    with pytest.raises(OffsetOutOfRange) as caught:
        log.event(offset)
    assert (caught.value.values["first"], caught.value.values["last"]) == (1, 10)


@pytest.mark.parametrize("offset", [-1, 11])
def test_a_digest_outside_the_log_is_refused(offset: int) -> None:
    with pytest.raises(OffsetOutOfRange):
        fill(new_log(), 10).digest(offset)


def test_a_time_leads_to_the_last_offset_recorded_by_then(small_segments: None) -> None:
    log = new_log()
    for time in (10, 10, 10, 20, 20, 30, 30, 30, 30, 40):
        append(log, LogMarked("m"), time)
    assert [log.offset_at(time) for time in (0, 9, 10, 11, 19, 20, 29, 30, 39, 40, 99)] == [
        0,
        0,
        3,
        3,
        3,
        5,
        5,
        9,
        9,
        10,
        10,
    ]
    assert [log.time_of(offset) for offset in (1, 3, 4, 10)] == [10, 10, 20, 40]
    assert log.time_of(0) == 10
    assert new_log().time_of(0) == T0
    assert new_log().offset_at(T0 + 99) == 0


def test_the_head_is_checked_against_the_expected_one() -> None:
    log = fill(new_log(), 3)
    log.check_head(None)
    log.check_head(3)
    with pytest.raises(HeadConflict) as caught:
        log.check_head(2)
    assert caught.value.values == {"expected": 2, "actual": 3}


def test_an_idempotency_key_leads_to_its_first_event(small_segments: None) -> None:
    log = fill(new_log(), 20)
    assert log.find_key("key 2", "args").offset == 3  # type: ignore[union-attr]
    assert log.find_key("key 99", "args") is None
    with pytest.raises(IdempotencyConflict) as caught:
        log.find_key("key 2", "other")
    assert caught.value.values == {"key": "key 2", "first_used_at": 3}


@pytest.mark.parametrize("ref", [0, 1 << 24, 2 << 24 | 2, 3 << 24 | 1, 7 << 24, 99 << 24, 1])
def test_a_reference_of_no_row_is_refused(ref: int) -> None:
    log = fill(new_log(), 6, start=0)
    assert log.owner(3 << 24) == ("drivers", 2)
    with pytest.raises(UnknownVersion):
        log.owner(ref)


def test_a_reference_names_the_owner_of_its_row() -> None:
    log = fill(new_log(), 8)
    assert log.owner(2 << 24 | 1) == ("drivers", 1)
    assert log.owner(4 << 24) == ("drivers", "d-1")
    assert [log.owner(5 << 24 | row)[1] for row in range(3)] == [4, "x", "y"]


def test_an_event_says_what_happened() -> None:
    log = fill(new_log(), 9)
    first, third = log.event(1), log.event(3)
    assert (first.type, first.views, first.rows) == ("view_defined", ("drivers",), 0)
    assert third.recorded_time.timestamp() == third.time / 1e6
    assert third.digest == log.digest(3).hex()
    assert log.event(5).payload["writes"][0]["view"] == "drivers@1"
    assert repr(third).startswith("Event(3, row_put, 2026-01-01T00:00:00.000001+00:00")
    with pytest.raises(ValueError, match="outside a log"):
        assert Event(1, T0, LogMarked("x"), None).digest


def test_a_sealed_segment_takes_no_more_events(small_segments: None) -> None:
    log = fill(new_log(), 5)
    segment = log._segments[0]
    assert isinstance(segment, MemorySegment)
    assert not hasattr(segment.shapes, "append") and list(segment.shapes) == segment.shapes[:]
    with pytest.raises(AttributeError):
        segment.append(log.event(1))


def test_waiting_ends_when_the_head_is_reached_or_the_time_is_up() -> None:
    log = fill(new_log(), 3)
    assert log.wait(3)
    assert log.wait(4, timeout=0.01) is False
    found: list[bool] = []
    waiters = [threading.Thread(target=lambda: found.append(log.wait(5, timeout=10))) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    fill(log, 4)
    log.announce()
    assert log.wait(5, timeout=0.01) is False
    fill(log, 5)
    log.announce()
    for waiter in waiters:
        waiter.join(10)
    assert found == [True] * 3


# -- events left in a file --------------------------------------------------------------------------------


def lazy(source: Log) -> tuple[Log, list[int]]:
    """The same log, its events left elsewhere: a position is the offset times a hundred."""
    asked: list[int] = []

    def read(position: int, offset: int) -> Any:
        asked.append(position)
        event = source.event(position // 100)
        return source.body(event.offset), event.fact, event.meta

    log = Log(source.header, source.layouts.pool)
    log.reader = read
    for event in source.events():
        log.append(event, event.offset * 100)
    return log, asked


def everything(log: Log) -> Iterator[Any]:
    yield contents(log)
    for event in log.events():
        yield event.offset, event.time, event.type, event.meta
        for row in range(event.rows):
            ref = event.offset << 24 | row
            yield log.row(ref), log.rows_at(event.offset)
            if event.type in ("row_put", "rows_put") and event.rows < 3 and row == 0 and event.offset % 3 != 0:
                yield log.heavy(ref, 1)


def test_a_lazy_log_answers_as_one_in_memory(small_segments: None) -> None:
    source = fill(new_log(), 18)
    log, asked = lazy(source)
    assert asked == []
    assert all(isinstance(segment, FileSegment) for segment in log._segments)
    assert list(everything(log)) == list(everything(source))
    assert log.find_key("key 2", "args").offset == 3  # type: ignore[union-attr]
    assert len(log._payloads[0]) == SIZE


@pytest.mark.parametrize("at", range(19))
def test_a_fork_of_a_lazy_log_goes_on_in_memory(small_segments: None, at: int) -> None:
    source = fill(new_log(), 18)
    log, _ = lazy(source)
    branch = log.fork(at, T0, seed=2)
    expected = source.fork(at, T0, seed=2)
    for each in (branch, expected):
        fill(each, 23, start=40)
    assert contents(branch) == contents(expected)
    assert list(everything(branch)) == list(everything(expected))


def test_definitions_are_known_as_soon_as_they_are_appended() -> None:
    log = new_log()
    append(log, ViewDefined(definition(a=Float())))
    assert log.layouts.newest("drivers").names == ("a",)
