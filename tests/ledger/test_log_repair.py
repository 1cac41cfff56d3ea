"""An interrupt may come between any two lines: the event is there whole, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from ledger import Event, Float, Int, Log, LogMarked, Meta, Origin, VectorDBError, ViewDefined
from ledger import log as log_module
from tests.ledger.making import T0, append, contents, definition, new_log, row_put, rows_put
from tests.ledger.test_segment_log import SIZE, fill, small_segments

__all__ = ["small_segments"]
WATCHED = ("ledger/log.py", "ledger/segment.py", "ledger/values/layouts.py")


class Interrupt(BaseException):
    """Stands for Ctrl-C."""


def interrupted_at(step: int, call: Callable[[], None], watched: tuple[str, ...] = WATCHED) -> bool:
    """Run, raising before the step-th line executed in the watched files; whether it came to that."""
    left = step

    def trace(frame: FrameType, what: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(watched):
            return None
        if what == "line":
            if left == 0:
                left = -1
                raise Interrupt
            left -= 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def facts(log: Log) -> dict[str, Any]:
    layout = log.layouts.newest("drivers")
    return {
        "row": row_put(log, layout, "new", {"trips": 1, "note": "x", "profile": [1, 2]}),
        "row with a key": row_put(log, layout, "new", {"trips": 1}, Origin((), None, "new key", "args")),
        "batch": rows_put(log, layout, ["new", 2], {"trips": [1, 2]}),
        "mark": LogMarked("new"),
        "new view": ViewDefined(definition("riders", a=Int())),
        "new version": ViewDefined(definition("drivers", 2, **layout.features, more=Float())),
    }


@pytest.mark.parametrize("head", [1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE])
@pytest.mark.parametrize("name", ["row", "row with a key", "batch", "mark", "new view", "new version"])
def test_an_interrupted_append_leaves_the_event_whole_or_nothing(small_segments: None, head: int, name: str) -> None:
    step = 0
    while True:
        log = fill(new_log(), head)
        before = contents(log)
        event = Event(head + 1, T0 + 99, facts(log)[name], Meta(actor="me"), log)
        if not interrupted_at(step, lambda log=log, event=event: log.append(event)):  # type: ignore[misc]
            break
        where = f"{name} after {head} events, step {step}"
        if log.head == head:
            log.repair()
            assert contents(log) == before, where
            assert log.last_time == (log.time_of(head)), where
            assert log.find_key("new key", "args") is None, where
            log.append(event)
        assert log.head == head + 1, where
        expected = fill(new_log(), head)
        expected.append(event)
        for each in (log, expected):
            fill(each, head + 3, start=50)
        assert contents(log) == contents(expected), where
        assert [log.row(offset << 24) for offset in rows(log)] == [expected.row(offset << 24) for offset in rows(log)]
        step += 1
    assert step > 5


def rows(log: Log) -> list[int]:
    return [event.offset for event in log.events() if event.rows]


def test_an_event_that_the_log_refuses_leaves_nothing(small_segments: None) -> None:
    """A version out of turn is refused by the layouts, after the segment took the event."""
    for head in (2, SIZE):
        log = fill(new_log(), head)
        before = contents(log)
        with pytest.raises(VectorDBError):
            append(log, ViewDefined(definition("drivers", 7, trips=Int())))
        log.repair()
        assert (log.head, contents(log)) == (head, before)
        fill(log, head + 2)
        assert contents(log) == contents(fill(new_log(), head + 2))


def test_repairing_a_whole_log_changes_nothing(small_segments: None) -> None:
    for head in (0, 1, SIZE - 1, SIZE, SIZE + 1):
        log = fill(new_log(), head) if head else new_log()
        before = contents(log)
        log.repair()
        assert contents(log) == before
        fill(log, head + 2)
        assert contents(log) == contents(fill(new_log(), head + 2))


def test_an_interrupt_at_the_edge_of_a_segment_is_repaired(
    monkeypatch: pytest.MonkeyPatch, small_segments: None
) -> None:
    """The full segment is sealed before the next one takes its first event."""
    log = fill(new_log(), SIZE)
    before = contents(log)

    def interrupted(self: object, event: Event) -> None:
        raise Interrupt

    with monkeypatch.context() as patch:
        patch.setattr(log_module.MemorySegment, "append", interrupted)
        with pytest.raises(Interrupt):
            fill(log, SIZE + 1)
    log.repair()
    assert contents(log) == before
    assert contents(fill(log, SIZE + 2)) == contents(fill(new_log(), SIZE + 2))
