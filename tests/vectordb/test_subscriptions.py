"""Subscriptions and waiting: old events first, then each as it is published."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.vectordb.world import FULL, World
from vectordb import VectorDB


def test_a_subscription_catches_up_and_then_follows(world: World) -> None:
    world.put("d", trips=1)
    subscription = world.db.subscribe(1)
    assert [subscription.poll().offset for _ in range(2)] == [1, 2]  # type: ignore[union-attr]
    assert subscription.poll() is None
    world.put("d", trips=2)
    event = subscription.poll()
    assert event is not None and (event.offset, event.type) == (3, "row_put")


def test_without_an_offset_only_what_comes(world: World) -> None:
    subscription = world.db.subscribe()
    assert subscription.poll() is None
    world.put("d", trips=1)
    assert subscription.poll().offset == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("start", [0, -5, 1])
def test_from_the_beginning(world: World, start: int) -> None:
    assert world.db.subscribe(start).poll().offset == 1  # type: ignore[union-attr]


def test_a_subscription_may_start_ahead(world: World) -> None:
    subscription = world.db.subscribe(4)
    for trips in range(3):
        assert subscription.poll() is None
        world.put("d", trips=trips)
    assert subscription.poll().offset == 4  # type: ignore[union-attr]


def test_subscriptions_are_independent(world: World) -> None:
    first, second = world.db.subscribe(1), world.db.subscribe(1)
    assert first.poll() is not None and first.poll() is None
    assert second.poll() is not None


def test_poll_waits_for_the_next_event(world: World) -> None:
    subscription = world.db.subscribe()
    threading.Timer(0.05, world.put, ("d",), {"trips": 1}).start()
    event = subscription.poll(timeout=5)
    assert event is not None and event.offset == 2


def test_poll_gives_up_after_its_timeout(world: World) -> None:
    start = time.monotonic()
    assert world.db.subscribe().poll(timeout=0.05) is None
    assert 0.04 <= time.monotonic() - start < 2


def test_iteration_ends_when_it_is_closed(world: World) -> None:
    subscription = world.db.subscribe(1)
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.extend(event.offset for event in subscription))
    reader.start()
    for trips in range(20):
        world.put("d", trips=trips)
    assert world.db.wait(21, timeout=1)
    deadline = time.monotonic() + 5
    while subscription.next_offset <= 21 and time.monotonic() < deadline:
        time.sleep(0.005)
    subscription.close()
    reader.join(5)
    assert not reader.is_alive() and seen == list(range(1, 22))
    assert subscription.poll() is None, "closed"


def test_an_event_arrives_after_the_views_show_it(world: World) -> None:
    subscription = world.db.subscribe()
    wrong: list[int] = []

    def follow() -> None:
        for _ in range(300):
            event = subscription.poll(timeout=5)
            assert event is not None
            row = world.drivers.get("d")
            if row.as_of < event.offset or row["trips"] < event.offset:
                wrong.append(event.offset)

    reader = threading.Thread(target=follow)
    reader.start()
    for _ in range(300):
        world.put("d", trips=world.db.head + 1)
    reader.join(20)
    assert not reader.is_alive() and not wrong


def test_a_slow_or_failing_reader_never_reaches_the_write(world: World) -> None:
    world.db.subscribe(1)
    subscription = iter(world.db.subscribe(1))
    next(subscription)
    with pytest.raises(RuntimeError):
        subscription.throw(RuntimeError("a hook failed"))  # type: ignore[attr-defined]
    assert world.drivers.put("d", FULL).offset == 2


def test_wait_returns_at_once_for_what_is_there(world: World) -> None:
    assert world.db.wait(1) and world.db.wait(0) and world.db.wait(-3)
    assert not world.db.wait(2, timeout=0.02) and not world.db.wait(2, timeout=0)


def test_wait_wakes_up_every_waiter(world: World) -> None:
    answers: list[bool] = []
    waiters = [threading.Thread(target=lambda: answers.append(world.db.wait(4, timeout=10))) for _ in range(6)]
    for waiter in waiters:
        waiter.start()
    start = time.monotonic()
    for trips in range(3):
        time.sleep(0.01)
        world.put("d", trips=trips)
    for waiter in waiters:
        waiter.join(10)
    assert answers == [True] * 6 and time.monotonic() - start < 5


def test_a_follower_waits_for_the_file_to_grow(tmp_path: Path) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    with VectorDB.open(tmp_path / "ledger.jsonl", read_only=True, clock=world.clock) as follower:
        assert not follower.wait(2, timeout=0.05)
        threading.Timer(0.05, world.put, ("d",), {"trips": 7}).start()
        assert follower.wait(2, timeout=10)
        assert follower.view("drivers").get("d")["trips"] == 7
        subscription = follower.subscribe(1)
        assert [subscription.poll().offset for _ in range(2)] == [1, 2]  # type: ignore[union-attr]
    world.db.close()
