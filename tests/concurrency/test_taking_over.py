"""A follower whose file was rewritten begins anew: no read meets both states, and none holds on to the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vectordb.live
import vectordb.persistence.refreshing
import vectordb.reader
from ledger import JsonlStore
from tests.concurrency.load import switching
from vectordb import Category, ClosedLedger, Int, VectorDB


class Pair:
    """A writer and its follower. What is erased named a category first: a fresh replay codes them otherwise."""

    def __init__(self, path: Path) -> None:
        self.db = VectorDB.open(path)
        self.view = self.db.create_view("v", entity="e", features={"n": Int(), "city": Category()})
        self.db.create_service("s", features=["v:city", "v:n"])
        self.db.create_service("numbers", features=["v:n"])
        self.db.create_experiment("x", arms={"a": 0.5, "b": 0.5}, unit="e", forced={"gone": "b", "kept": "b"})
        self.view.put("gone", {"n": 1, "city": "Rome"})
        self.view.put("kept", {"n": 2, "city": "Oslo"})
        self.reader = VectorDB.open(path, read_only=True)

    def rewrite(self) -> None:
        """Erase, and write something else under the code that became free."""
        self.db.erase("v", "gone", reason="asked")
        self.view.put("other", {"n": 3, "city": "Wien"})

    def close(self) -> None:
        self.reader.close()
        self.db.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path / "events.jsonl")
    yield pair
    pair.close()


def test_a_read_that_met_both_states_is_made_again(pair: Pair) -> None:
    heads: list[int] = []

    def ask() -> tuple[int, Any]:
        heads.append(pair.reader.head)
        plan = pair.reader.plan("v")
        if len(heads) == 1:
            pair.rewrite()
            pair.reader.refresh()
        row = pair.reader.read_row("v", "kept", pair.reader.clock())
        return pair.reader.head, row["city"], plan is pair.reader.plan("v")

    assert pair.reader.consistently(ask) == (pair.db.head, "Oslo", True)
    assert heads == [6, pair.db.head]


def test_what_a_read_that_met_both_raises_is_not_told(pair: Pair) -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        if len(asked) == 1:
            pair.rewrite()
            pair.reader.refresh()
            raise KeyError("of neither state")
        return pair.reader.head

    assert pair.reader.consistently(ask) == pair.db.head
    with pytest.raises(KeyError):
        pair.reader.consistently(lambda: {}["of the state that is there"])


@pytest.mark.parametrize("way", ["quick_read", "quick_batch"])
def test_a_quick_read_is_not_bound_to_a_state_that_is_gone(
    way: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = getattr(vectordb.live, way)

    def late(*arguments: Any) -> Any:
        monkeypatch.undo()
        pair.rewrite()
        pair.reader.refresh()
        return make(*arguments)  # it looks at a state that another one has replaced by now

    monkeypatch.setattr(vectordb.live, way, late)
    service = pair.reader.service("numbers")

    def read() -> Any:
        return service.get("kept")["n"] if way == "quick_read" else service.get_many(["kept"]).column("n")[0]

    assert read() == 2
    for number in (5, 6, 7):
        pair.view.put("kept", {"n": number})
        pair.reader.refresh()
        assert [read(), read()] == [number, number]


def test_a_plan_of_another_state_is_not_kept(pair: Pair) -> None:
    service = pair.reader.service("s")
    assert service.get("kept")["city"] == "Oslo"
    before = pair.reader.state
    plans = {"v": pair.reader.plan("v")}
    pair.rewrite()
    pair.reader.refresh()
    assert pair.reader.state is not before
    with pytest.raises(RuntimeError):
        pair.reader.state.service_plan(service.definition, plans, None)
    assert [service.get(entity)["city"] for entity in ("kept", "other")] == ["Oslo", "Wien"]
    assert service.get_many(["kept", "other"]).column("city") == ["Oslo", "Wien"]


def test_an_override_that_was_erased_is_not_answered(pair: Pair) -> None:
    live, follower = pair.db.experiment("x"), pair.reader.experiment("x")
    assert live.assign("gone").reason == follower.assign("gone").reason == "forced"
    stale = pair.reader.state.catalog.experiments.get("x", pair.reader.head)
    pair.rewrite()
    pair.reader.refresh()
    from vectordb.experiments.answering import assigner_of

    assigner_of(pair.reader, stale)  # by a read that met both states
    for experiment in (live, follower):
        assert (experiment.assign("gone").reason, experiment.assign("kept").reason) == ("split", "forced")


def test_one_thread_at_a_time_brings_a_follower_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    follow, owned = vectordb.persistence.refreshing._follow_file, []

    def followed(state: Any) -> Any:
        owned.append(state.lock._is_owned() and pair.reader.state is state)
        return follow(state)

    monkeypatch.setattr(vectordb.persistence.refreshing, "_follow_file", followed)
    over, wrong = threading.Event(), []

    def refresh() -> None:
        try:
            while not over.is_set():
                pair.reader.refresh()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(25):
        pair.view.put(f"e{number}", {"n": number, "city": f"c{number}"})
        pair.db.erase("v", f"e{number}", reason="asked")
    over.set()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong
    assert all(owned) and len(owned) > 25
    pair.reader.refresh()
    assert pair.reader.digest() == pair.db.digest()


def test_predictions_are_listed_as_of_one_moment(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    service = pair.db.service("s")
    for entity in ("gone", "kept"):
        pair.db.record_prediction(service.get(entity), model="m", output=1)
    read = vectordb.reader.read_prediction

    def between(*arguments: Any) -> Any:
        monkeypatch.undo()
        pair.rewrite()
        return read(*arguments)

    monkeypatch.setattr(vectordb.reader, "read_prediction", between)
    assert [one.entities for one in pair.db.predictions()] == [("kept",)]


def test_a_lag_is_that_of_the_file_that_is_there(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = JsonlStore.ahead

    def late(*arguments: Any) -> Any:
        monkeypatch.undo()
        pair.rewrite()
        pair.reader.refresh()
        return ahead(*arguments)  # of the file that was replaced, and closed

    monkeypatch.setattr(JsonlStore, "ahead", late)
    assert pair.reader.lag().head == pair.db.head
    pair.reader.close()
    with pytest.raises(ClosedLedger):
        pair.reader.lag()


def test_definitions_are_there_while_something_is_taken_out(pair: Pair) -> None:
    """Much asks the catalog without a lock: an erasure and a compaction leave it as it is, but for overrides."""
    seen, over = [], threading.Event()
    catalog = pair.db.state.catalog

    def look() -> None:
        while not over.is_set():
            seen.append((catalog.views.find("v"), catalog.services.find("s"), catalog.experiments.find("x")))

    thread = threading.Thread(target=look)
    with switching():
        thread.start()
        for number in range(6):
            pair.rewrite() if number == 0 else pair.db.compact(below=pair.db.head - 1)
            pair.view.put("kept", {"n": number})
        over.set()
        thread.join(30)
    assert seen and not any(None in found for found in seen)
    replayed = VectorDB.replay(pair.db.events()).state.catalog
    assert catalog.dump() == replayed.dump()
    assert dict(catalog.experiments.get("x").forced) == {"kept": "b"}
    with pair.db.transaction() as tx:
        tx.view("v").put("kept", {"n": 1})
