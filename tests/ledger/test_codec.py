"""The stored form of events: every line that is written is read again, to the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger import (
    FACTS,
    DamagedLog,
    Event,
    InvalidEvent,
    Journal,
    Log,
    LogMarked,
    Meta,
    UnknownEventType,
    decode_event,
    encode_event,
    parse_bodies,
)
from ledger.facts.vocabulary import READERS
from tests.ledger.making import T0, contents
from tests.ledger.storage.samples import REWRITING
from tests.ledger.stored import again, every_fact

LOG = every_fact()
BODIES = [LOG.body(offset) for offset in range(1, LOG.head + 1)]


def replayed(bodies: list[bytes]) -> Log:
    """A fresh log of these bodies."""
    log = Log(LOG.header)
    journal = Journal(log)
    for data in parse_bodies(bodies, 1, 2):
        time, fact, meta = decode_event(data, log.layouts.__getitem__, 2)
        journal.write(_event(log, time, fact, meta))
    return log


def _event(log: Log, time: int, fact: Any, meta: Meta | None) -> Event:
    return Event(log.head + 1, time, fact, meta, log)


def test_the_log_holds_every_type_of_event() -> None:
    assert {event.type for event in LOG.events()} == {fact.type for fact in FACTS} - REWRITING
    assert set(READERS) == {f"{fact.type}@{fact.schema}" for fact in FACTS} - {"pruned@1"}


def test_reading_and_writing_again_gives_the_same_bytes() -> None:
    log = replayed(BODIES)
    assert [log.body(offset) for offset in range(1, log.head + 1)] == BODIES
    assert contents(log) == contents(LOG)


@pytest.mark.parametrize("offset", range(1, len(BODIES) + 1))
def test_each_body_comes_back(offset: int) -> None:
    assert again(LOG, BODIES[offset - 1], offset) == BODIES[offset - 1]


@pytest.mark.parametrize("offset", range(1, len(BODIES) + 1))
def test_rows_come_back_with_their_references(offset: int) -> None:
    event = LOG.event(offset)
    other = replayed(BODIES).event(offset)
    for block, same in zip(event.fact.blocks(), other.fact.blocks(), strict=True):
        assert list(block.entities) == list(same.entities)
        assert [type(entity) for entity in block.entities] == [type(entity) for entity in same.entities]
        assert [row[:24] for row in block.rows] == [row[:24] for row in same.rows]
        assert [repr(block.cells(place)) for place in range(len(block))] == [
            repr(same.cells(place)) for place in range(len(same))
        ]
    assert (other.time, other.meta, other.views, other.rows) == (event.time, event.meta, event.views, event.rows)


def test_a_line_begins_with_its_envelope() -> None:
    first = json.loads(encode_event(3, T0, LogMarked("x"), None) + b"}")
    assert first == {"offset": 3, "time": T0, "type": "log_marked@1", "name": "x"}
    assert list(first)[:3] == ["offset", "time", "type"]


def test_a_row_is_stored_by_position() -> None:
    data = json.loads(BODIES[2] + b"}")
    assert data["values"] == [12, -0.0, True, "Rome", "caffè", T0, "AAAAPwAAgL8AAABA"]
    assert "event_time" not in data
    partial = json.loads(BODIES[3] + b"}")
    assert (partial["features"], partial["values"], partial["entity"]) == ([0, 3], [None, 1], ["eu", 7])
    assert partial["event_time"] == 5


@pytest.mark.parametrize("meta", [Meta(), Meta(actor=""), Meta(None, None, None, ())], ids=repr)
def test_a_meta_that_says_nothing_is_not_written(meta: Meta) -> None:
    """``"meta":{}`` would be refused on the next open."""
    assert again(LOG, encode_event(1, T0, LogMarked("x"), meta), 1) == encode_event(1, T0, LogMarked("x"), None)


def test_many_bodies_are_parsed_as_one_by_one() -> None:
    one_by_one = [parse_bodies([body], place + 1, place + 2)[0] for place, body in enumerate(BODIES)]
    assert parse_bodies(BODIES, 1, 2) == one_by_one


@pytest.mark.parametrize(
    "broken",
    [b'{"offset":2,"a":1},{"offset":2,"b":2', b'{"offset":3,"x":1', b'{"offset":2,"x":', b'{"offset":2,"x":"\xff"',
     b'{"offset":2,"x":NaN', b'{"offset":2,"x":-Infinity', b'{"offset":2,"x":1,"x":2', b'{"offset":2,"x":{"a":1,"a":1}',
     b'{"offset":2,"offset":2', b"[2", b"2", b"", b'{"offset":"2"', b'{"offset":2,"x":' + b"[" * 100_000,
     b'{"offset":2,"x":' + b"1" * 5000, b'{"offset":2,"x":"\n"', b'\xef\xbb\xbf{"offset":2'],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
@pytest.mark.parametrize("alone", [True, False])
def test_a_line_that_is_no_event_is_named(broken: bytes, alone: bool) -> None:
    bodies = [broken] if alone else [b'{"offset":1,"a":1', broken, b'{"offset":3,"a":1']
    with pytest.raises(InvalidEvent) as caught:
        parse_bodies(bodies, 2 if alone else 1, 3 if alone else 2)
    assert (caught.value.values["offset"], caught.value.values["line"]) == (2, 3)


def test_a_line_that_is_no_object_cannot_hide_between_others() -> None:
    """Joined by ``},`` these two read as two objects at offsets 1 and 2; neither line is one by itself."""
    bodies = [b'{"offset":1},{"offset":2,"b":[{"c":1', b'{"offset":2,"x":1}]']
    for place, body in enumerate(bodies):
        with pytest.raises(InvalidEvent):
            parse_bodies([body], place + 1, place + 2)
    with pytest.raises(InvalidEvent):
        parse_bodies(bodies, 1, 2)


@pytest.mark.parametrize("kind", ["row_put", "row_put@2", "row_put@01", "redacted@2", "", None, 7, ["row_put@1"], {}])
def test_an_unknown_type_of_event_is_refused(kind: Any) -> None:
    with pytest.raises(UnknownEventType) as caught:
        decode_event({"offset": 3, "time": T0, "type": kind}, LOG.layouts.__getitem__, 4)
    assert (caught.value.values["line"], caught.value.values["offset"]) == (4, 3)


@pytest.mark.parametrize("time", [None, 1.0, "1", True, 2**53 + 1, -(2**53) - 1])
def test_a_recorded_time_is_whole_microseconds(time: Any) -> None:
    with pytest.raises(DamagedLog):
        decode_event({"offset": 3, "time": time, "type": "log_marked@1", "name": "x"}, LOG.layouts.__getitem__, 4)
