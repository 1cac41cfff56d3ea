"""Observing: what hooks are told, of whom, from when to when."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.observability.conftest import Told
from tests.vectordb.world import FULL, World
from vectordb import Erased, HeadConflict, InvalidInput, VectorDB
from vectordb.observability import Observation, observe, observe_everywhere
from vectordb.observability.switch import is_on
from vectordb.views.view import View


def test_a_read_and_a_write_are_told(world: World, told: Told) -> None:
    with world.db.observe(told) as seen:
        receipt = world.drivers.put("d-7", FULL)
        world.drivers.get("d-7")
        world.drivers.get("nobody")
    world.drivers.get("d-7")
    assert told.names == ["view.put", "view.get", "view.get"]
    base = {"db.system.name": "vectordb", "db.collection.name": "drivers"}
    assert dict(told[0].attributes) == {**base, "db.operation.name": "view.put", "vectordb.offset": receipt.offset}
    assert dict(told[1].attributes) == {**base, "db.operation.name": "view.get", "db.response.returned_rows": 1}
    assert told[2].attributes["db.response.returned_rows"] == 0
    assert all(0 < call.duration < 10 and call.error is None for call in told)
    assert seen.closed and seen.errors == 0


def test_an_error_is_told_and_raised_as_it_was(world: World, told: Told) -> None:
    with world.db.observe(told), pytest.raises(HeadConflict) as raised:
        world.drivers.put("d-7", FULL, expected_head=99)
    (call,) = told
    assert call.error is raised.value
    assert call.attributes["error.type"] == "HeadConflict" and "vectordb.offset" not in call.attributes


def test_an_error_of_another_kind_has_the_name_of_its_class(world: World, told: Told) -> None:
    def predicate(past: Any) -> bool:
        raise KeyError("mine")

    world.put("d-7", trips=1)
    with world.db.observe(told), pytest.raises(KeyError):
        world.db.audit.bisect(predicate)
    assert told[0].attributes["error.type"] == "KeyError"


def test_what_was_made_before_is_observed_and_what_was_kept_is_not_afterwards(world: World, told: Told) -> None:
    service = world.db.create_service("ranker", features=["drivers:trips"])
    world.put("d-7", trips=3)
    service.get("d-7")  # from now on by the quick way
    with world.db.observe(told):
        assert service.get("d-7")["trips"] == 3
        bound = service.get
    assert bound("d-7")["trips"] == 3  # a method that was bound meanwhile goes on, and tells nobody
    assert told.names == ["service.get"]
    assert told[0].attributes["db.collection.name"] == "ranker"


def test_batches_tell_their_size_from_two_on(world: World, told: Told) -> None:
    with world.db.observe(told):
        world.drivers.put_many({"driver": ["a", "b", "c"], "trips": [1, 2, 3]})
        world.drivers.put_many({"driver": ["a"], "trips": [1]})
        world.drivers.get_many(iter(["a", "b"]))
        world.drivers.load({"driver": list("abcde"), "trips": [1] * 5}, chunk_rows=2)
        with world.db.transaction() as tx:
            tx.view("drivers").put("x", {"trips": 1})
            tx.view("drivers").put("y", {"trips": 1})
        with world.db.transaction():
            pass  # nothing was put: nothing was committed
    sizes = [(call.operation, call.attributes.get("db.operation.batch.size")) for call in told]
    assert sizes == [
        ("view.put_many", 3),
        ("view.put_many", None),
        ("view.get_many", 2),
        ("view.load", 5),
        ("transaction.commit", 2),
    ]


def test_a_past_tells_the_hooks_of_its_database_and_a_fork_does_not(world: World, told: Told) -> None:
    past = world.db.as_of(1)
    with world.db.observe(told):
        past.view("drivers").get("d-7")
        branch = world.db.fork()
        branch.view("drivers").put("d-7", FULL)
        branch.view("drivers").get("d-7")
    assert told.names == ["view.get", "db.fork"]
    assert told[0].attributes["vectordb.as_of"] == 1 and "vectordb.as_of" not in told[1].attributes


def test_only_the_outermost_operation_is_told(world: World, told: Told) -> None:
    service = world.db.create_service("ranker", features=["drivers:trips"])
    world.put("d-7", trips=3)
    with world.db.observe(told):
        prediction = world.db.record_prediction(service.get("d-7"), model="gbm@1", output=1.0)
        assert world.db.reproduce(prediction.id).matches
        assert "d-7" in world.drivers
        assert len(world.drivers) == 1
    assert told.names == ["service.get", "db.record_prediction", "db.reproduce", "view.get", "view.count"]


def test_a_hook_that_reads_and_writes_is_not_told_of_it(world: World) -> None:
    names = []

    def hook(operation: str, *_: Any) -> None:
        names.append(operation)
        world.drivers.put("from the hook", {"trips": len(names)})
        world.db.view("drivers").get("from the hook")

    with world.db.observe(hook):
        world.drivers.get("d-7")
    assert names == ["view.get"] and world.get("from the hook")["trips"] == 1


def test_a_hooks_error_never_reaches_the_operation(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)

    def broken(*call: Any) -> None:
        raise ValueError("mine")

    with world.db.observe(broken) as seen, world.db.observe(told):
        for _ in range(3):
            world.drivers.put("d-7", FULL)
        with pytest.raises(HeadConflict):
            world.drivers.put("d-7", FULL, expected_head=1)
    assert seen.errors == 4 and len(told) == 4 and world.db.head == 4
    assert len(shown) == 1 and shown[0].exc_type is ValueError and shown[0].object is broken
    assert "errors=4" in repr(seen)


def test_not_even_a_broken_host_handler(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*call: Any) -> None:
        raise ValueError("mine")

    monkeypatch.setattr(sys, "unraisablehook", broken)
    with world.db.observe(broken) as seen:
        world.drivers.get("d-7")
    assert seen.errors == 2  # the hook's, and the handler's


def test_a_hook_cannot_change_what_the_next_one_sees(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda shown: None)

    def greedy(operation: str, attributes: Any, *_: Any) -> None:
        attributes.clear()

    with world.db.observe(greedy) as seen, world.db.observe(told):
        world.drivers.get("d-7")
    assert seen.errors == 1 and told[0].attributes["db.operation.name"] == "view.get"


def test_two_databases_have_hooks_of_their_own(told: Told) -> None:
    one, two, other = World(), World(), Told()
    with one.db.observe(told):
        with two.db.observe(other):
            one.drivers.get("d")
            two.drivers.put("d", FULL)
        two.drivers.get("d")
    assert (told.names, other.names) == (["view.get"], ["view.put"])


def test_closing_twice_and_out_of_order(world: World, told: Told) -> None:
    first, second = world.db.observe(told), world.db.observe(told)
    world.drivers.get("d")
    first.close()
    first.close()
    world.drivers.get("d")
    second.close()
    world.drivers.get("d")
    assert len(told) == 3


def test_a_database_that_is_gone_leaves_the_switch_off(told: Told) -> None:
    world = World()
    seen = world.db.observe(told)
    assert is_on()
    del world
    gc.collect()
    assert not is_on()
    seen.close()


def test_a_method_that_somebody_replaced_meanwhile_is_left_alone(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = vars(View)["get"]
    seen = world.db.observe(told)
    monkeypatch.setattr(View, "get", lambda view, entity: "mine")
    seen.close()
    assert world.drivers.get("d") == "mine"  # type: ignore[comparison-overlap]
    monkeypatch.undo()
    View.get = plain  # type: ignore[method-assign]  # what the undoing put back was the wrapped one
    assert told == []


def test_everywhere_tells_of_opening_and_of_databases_to_come(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "ledger.jsonl"
    with observe_everywhere(told):
        with World(path=path).db as db:
            db.view("drivers").get("d-7")
        VectorDB.replay(path).view("drivers").get("d-7")
        with pytest.raises(OSError):
            VectorDB.open(tmp_path)
    assert told.names == ["db.open", "db.create_view", "view.get", "db.close", "db.replay", "view.get", "db.open"]
    assert told[1].attributes["db.collection.name"] == "drivers"
    assert told[-1].error is not None and told[-1].attributes["error.type"]


def test_hooks_stay_when_a_followed_file_is_replaced(tmp_path: Path, told: Told) -> None:
    path, copy = tmp_path / "ledger.jsonl", tmp_path / "copy.jsonl"
    world = World(path=path)
    world.put("d-7", trips=1)
    follower = VectorDB.open(path, read_only=True)
    with follower.observe(told):
        world.db.snapshot(copy)
        os.replace(copy, path)
        assert follower.refresh() == 2
        follower.view("drivers").get("d-7")
    assert told.names == ["db.refresh", "view.get"]
    follower.close()
    world.db.close()


def test_erasure_and_what_is_gone(world: World, told: Told) -> None:
    version = world.put("d-7", trips=1)
    with world.db.observe(told):
        world.db.erase("drivers", "d-7", reason="asked for")
        with pytest.raises(Erased):
            world.db.version(version)
    assert [(call.operation, call.attributes.get("error.type")) for call in told] == [
        ("db.erase", None),
        ("db.version", "Erased"),
    ]
    assert told[0].attributes["db.collection.name"] == "drivers"


def test_threads_are_told_apart(world: World) -> None:
    names: list[str] = []
    stop = threading.Event()

    def reads() -> None:
        while not stop.is_set():
            world.drivers.get("d-7")

    threads = [threading.Thread(target=reads) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(30):  # hooks come and go under readers
        with world.db.observe(lambda *call: names.append(call[0])):
            world.drivers.put("d-7", FULL)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert names.count("view.put") == 30 and set(names) <= {"view.put", "view.get"}
    assert world.db.head == 31


def test_a_hook_is_callable(world: World) -> None:
    with pytest.raises(InvalidInput, match="hook"):
        world.db.observe("no function")  # type: ignore[arg-type]
    assert not is_on()


def test_observe_is_the_method(world: World, told: Told) -> None:
    seen = observe(told, world.db)
    assert isinstance(seen, Observation) and not seen.closed
    seen.close()
    assert seen.closed
