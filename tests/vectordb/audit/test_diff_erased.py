"""diff: what was erased is named as such, and what cannot be read makes nothing fail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.vectordb.audit.tales import Tale
from tests.vectordb.audit.test_diff import served, told
from tests.vectordb.world import FULL, World
from vectordb import Erased
from vectordb.audit import differing_predictions
from vectordb.audit import ground as ground_of_two
from vectordb.row import Row


def test_events_that_cannot_be_read_make_everything_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ttl=100)
    world.put("d", **FULL)
    world.put("e", **FULL)
    world.tick(90)
    world.put("f", **FULL)
    log = world.db.state.log
    wanted = told(world.db.audit.diff(2, 4))
    event = log.event

    def erased(offset: int) -> Any:
        if offset == 3:
            raise Erased("gone", id="drivers/e@3")
        return event(offset)

    past = world.db.as_of(2), world.db.as_of(4)
    redacted = ground_of_two.Touched()
    redacted.add(3, SimpleNamespace(type="redacted", blocks=tuple))
    assert redacted.whole
    monkeypatch.setattr(log, "event", lambda offset: SimpleNamespace(fact=SimpleNamespace(type="redacted")))
    assert ground_of_two.aged_between(past[1], "drivers", 4, 0, 2**60) is None
    monkeypatch.setattr(log, "event", erased)
    assert ground_of_two.touched_since(past[1], 2).whole
    assert ground_of_two.aged_between(past[1], "drivers", 4, 0, 2**60) is None
    assert told(world.db.audit.diff(*past)) == wanted


def test_erased_predictions_and_values_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = Tale(1, 0, rich=True)
    at = tale.db.head
    one, other = served(tale)
    read, source = differing_predictions.read_prediction, differing_predictions.version_id

    def gone(state: Any, ref: int) -> Any:
        if ref >> 24 == tale.db.prediction(one).offset:
            raise Erased("its values were destroyed", id=one, by=12)
        return read(state, ref)

    monkeypatch.setattr(differing_predictions, "read_prediction", gone)
    found = tale.db.audit.diff(at, tale.db.head)
    assert [(change.change, change.after) for change in found.predictions] == [("added", one), ("added", other)]

    def owner_gone(log: Any, ref: int) -> str:
        if ref >> 24 == 3:
            raise Erased("its values were destroyed", id="riders/a@3.0")
        return source(log, ref)

    monkeypatch.setattr(differing_predictions, "version_id", owner_gone)
    (change,) = tale.db.audit.diff(one, other).predictions
    assert change.inputs[0].version_before == "riders/a@3.0"
    cell = Row.cell

    def cell_gone(row: Any, name: str) -> Any:
        if row.source(name) >> 24 == 3:
            raise Erased("its values were destroyed", id="riders/a@3.0")
        return cell(row, name)

    monkeypatch.setattr(Row, "cell", cell_gone)
    (row,) = tale.db.audit.diff(at, at + 2).rows
    assert [cell.status_before for cell in row.cells] == ["erased", "erased"]


def test_inputs_that_cannot_be_read_again_leave_the_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = Tale(1, 0, rich=True)
    one, other = served(tale)

    def gone(reader: Any, prediction: Any) -> Any:
        raise Erased("its values were destroyed", id=prediction.id)

    monkeypatch.setattr(differing_predictions, "_read_again", gone)
    (change,) = tale.db.audit.diff(one, other).predictions
    assert "transformed" in {field.field for field in change.fields}
