"""A forwarder: called as the method itself, and out of the way of databases that nobody observes."""

from __future__ import annotations

import asyncio
import inspect
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.vectordb.observability.conftest import Told
from tests.vectordb.world import World
from vectordb import InvalidInput, UnknownName, VectorDB
from vectordb.observability import OPERATIONS, Metrics
from vectordb.observability.forwarder import OF_HANDLE, forwarder
from vectordb.observability.observation import Observers


def plain(self: Any, a: Any, /, b: Any = (1, 2), *rest: Any, c: Any, d: Any = None, **more: Any) -> Any:
    """Anything."""
    return a, b, rest, c, d, more


def plainer(self: Any, a: Any, b: Any = (1, 2), *, d: Any = None) -> Any:
    return a, b, d


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {"c": 2}), ((1, 3, 4, 5), {"c": 2, "d": 7, "e": 8}), ((1,), {"b": 5, "c": 2, "self": 9}), ((), {}),
    ((1,), {}), ((1, 2), {"d": 3}), ((1,), {"b": 3, "x": 4}), ((1, 2, 3), {}),
]  # fmt: skip


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "reader"),
    [(plain, "_reader", OF_HANDLE), (plain, "one.two", attrgetter("one.two")), (plainer, "", lambda one: one)],
)
def test_every_way_to_call_is_the_methods_own(observed: bool, method: Any, path: str, reader: Any) -> None:
    holder = SimpleNamespace(state=SimpleNamespace(observers=None))
    target: Any = holder
    for name in reversed(path.split(".") if path else []):
        target = SimpleNamespace(**{name: target})
    told: list[Any] = []
    everywhere = Observers()
    everywhere.hooks = ("a hook",) if observed else ()  # type: ignore[assignment]

    def tell(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        answer = method(*arguments, **options)
        told.append(answer)
        return answer

    found = forwarder(method, reader, everywhere, tell)
    assert inspect.signature(found) == inspect.signature(method) and found.__doc__ == method.__doc__
    answered = 0
    for arguments, options in CALLS:
        try:
            want = method(target, *arguments, **options)
        except TypeError:
            with pytest.raises(TypeError):
                found(target, *arguments, **options)
        else:
            answered += 1
            assert found(target, *arguments, **options) == want
    assert answered >= 2 and len(told) == (answered if observed else 0)


def test_every_operation_keeps_its_signature(world: World, told: Told) -> None:
    before = {one: inspect.signature(getattr(one.owner, one.method)) for one in OPERATIONS}
    with world.db.observe(told):
        assert {one: inspect.signature(getattr(one.owner, one.method)) for one in OPERATIONS} == before


def test_a_hook_that_nobody_would_await_is_refused(world: World) -> None:
    async def later(*call: Any) -> None: ...

    class Later:
        async def __call__(self, *call: Any) -> None: ...

    for hook in (later, Later()):
        with pytest.raises(InvalidInput, match="awaited"):
            world.db.observe(hook)


def test_names_that_strangers_ask_for_in_vain_are_not_told(world: World) -> None:
    metrics, told = Metrics(max_series=10), Told()
    with world.db.observe(metrics), world.db.observe(told):
        for number in range(30):
            with pytest.raises(UnknownName):
                world.db.erase(f"guess-{number}", "d-7", reason="asked")
        with pytest.raises(InvalidInput):
            world.db.create_view("no name", entity="driver", features={})
        with pytest.raises(UnknownName):
            world.db.view("drivers").get_many(["d-7"], ["nothing"])
        world.db.view("drivers").get("d-7")
    assert {call.attributes.get("db.collection.name") for call in told} == {None, "drivers"}
    assert len(metrics) == 4 and metrics.count("db.erase", "", error="UnknownName") == 30


def test_another_database_is_left_alone(world: World, told: Told) -> None:
    other = VectorDB()
    with other.observe(told):
        assert world.drivers.get("d-7").found is world.drivers.get(entity="d-7").found is False
        assert len(world.drivers) == 0 and world.db.as_of(offset=1).as_of_offset == 1
        with pytest.raises(TypeError):
            world.drivers.get()  # type: ignore[call-arg]
    assert told == []


def test_a_hook_that_goes_or_brings_another_during_its_call(world: World, told: Told) -> None:
    seen: list[Any] = []

    def hook(*call: Any) -> None:
        seen.pop().close()
        seen.append(world.db.observe(told))

    seen.append(world.db.observe(hook))
    world.drivers.get("a")
    assert told.names == []
    world.drivers.get("b")
    assert told.names == ["view.get"]
    seen.pop().close()


def test_an_interrupt_in_a_hook_leaves_the_next_call_told(world: World, told: Told) -> None:
    def hook(*call: Any) -> None:
        raise KeyboardInterrupt

    with world.db.observe(hook), pytest.raises(KeyboardInterrupt):
        world.drivers.get("a")
    with world.db.observe(told):
        world.drivers.get("a")
    assert told.names == ["view.get"]


def test_coroutines_of_one_thread_are_each_told(world: World, told: Told) -> None:
    async def both() -> None:
        async def one(entity: str) -> None:
            for _ in range(5):
                world.drivers.get(entity)
                await asyncio.sleep(0)

        await asyncio.gather(one("a"), one("b"), asyncio.to_thread(world.drivers.get, "c"))

    with world.db.observe(told):
        asyncio.run(both())
    assert told.names == ["view.get"] * 11
