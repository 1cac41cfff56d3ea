"""A projection that failed is folded again before its next answer, whoever asks first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ledger import Event
from projections import Catalog, Experiments, Lineage, Predictions
from tests.contracts.tally import Tally
from tests.vectordb.world import FEATURES, FULL, START, World
from vectordb import Int, Projection, ProjectionError, UnknownName, VectorDB


class Trouble:
    """Raises at some offsets, the first ``times`` times each is met."""

    def __init__(self, *offsets: int, times: int = 1, error: type[BaseException] = MemoryError) -> None:
        self.left = dict.fromkeys(offsets, times)
        self.error = error

    def __call__(self, event: Event) -> None:
        if self.left.get(event.offset, 0) > 0:
            self.left[event.offset] -= 1
            raise self.error(event.offset)


@contextmanager
def failing(world: World, name: str, trouble: Trouble) -> Iterator[None]:
    """A built-in projection of the world raises before it folds an event."""
    projection = next(one for one in world.db.state.fold.projections if one.name == name)
    handlers = projection.handlers

    def guarded() -> Any:
        def guard(handle: Any) -> Any:
            def fold(event: Event) -> None:
                trouble(event)
                handle(event)

            return fold

        return {kind: guard(handle) for kind, handle in handlers().items()}

    projection.handlers = guarded  # type: ignore[method-assign]
    world.db.state.fold.all_behind(RuntimeError("take the guarded handlers"))
    world.db.check()
    yield


def rows_projection(world: World) -> list[str]:
    known = {Catalog.name, Lineage.name, Predictions.name, Experiments.name, "tally"}
    return [one.name for one in world.db.state.fold.projections if one.name not in known]


@pytest.fixture
def world() -> World:
    world = World()
    world.put("d", trips=1)
    return world


def test_the_event_stands_and_the_next_read_shows_it(world: World) -> None:
    for name in rows_projection(world):
        offset = world.db.head + 1
        with failing(world, name, Trouble(offset)):
            receipt = world.drivers.put("d", {"trips": offset})
            assert receipt.offset == offset == world.db.head
            assert world.get("d")["trips"] == offset
            assert world.db.as_of(offset).view("drivers").get("d")["trips"] == offset
            world.db.check()


READS: dict[str, Any] = {
    "get": lambda db: db.view("drivers").get("d")["trips"] == 3,
    "get_many": lambda db: db.view("drivers").get_many(["d"]).column("trips") == [3],
    "past": lambda db: db.as_of(3).view("drivers").get("d")["trips"] == 3,
    "history": lambda db: len(db.view("drivers").history("d")) == 2,
    "history of the past": lambda db: len(db.as_of(3).view("drivers").history("d")) == 2,
    "version": lambda db: db.version("drivers/d@3")["trips"] == 3,
    "entities": lambda db: db.view("drivers").entities() == ["d"],
    "written entities": lambda db: db.written_entities("drivers") == ["d"],
    "length": lambda db: len(db.view("drivers")) == 1,
    "expected offset": lambda db: db.view("drivers").put("d", FULL, expected_offset=3).offset == 4,
}


@pytest.mark.parametrize("name", READS)
def test_every_read_heals_first(world: World, name: str) -> None:
    with failing(world, "rows", Trouble(3)):
        world.put("d", trips=3)
        assert READS[name](world.db)
        world.db.check()


def test_new_entities_are_there_after_a_failed_fold(world: World) -> None:
    with failing(world, "rows", Trouble(3)):
        world.put("new", trips=3)
        assert world.db.written_entities("drivers") == ["d", "new"]


def test_a_definition_is_there_after_a_failed_fold(world: World) -> None:
    with failing(world, "catalog", Trouble(3, 4, 5, 6)):
        view = world.db.create_view("riders", entity="rider", features={"age": Int()})
        assert view.get("r")["age"] is None and world.db.views() == ["drivers", "riders"]
        assert world.db.create_service("s", features=["riders:age"]).features == ("age",)
        assert world.db.create_model("m", "linear", features=["age"], coefficients=[1.0]).predict({"age": 1}) == 1.0
        world.db.mark("m")
        assert world.db.as_of(mark="m").head == 6


def test_names_are_listed_after_a_failed_fold(world: World) -> None:
    with failing(world, "catalog", Trouble(3)):
        with suppress(UnknownName):  # the call itself is another test's
            world.db.create_view("riders", entity="rider", features={"age": Int()})
        assert world.db.head == 3 and world.db.views() == ["drivers", "riders"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_fold_leaves_the_event_and_sound_views(world: World, error: type[BaseException]) -> None:
    for name in ("catalog", *rows_projection(world), "lineage"):
        offset = world.db.head + 1
        with failing(world, name, Trouble(offset, error=error)):
            if name == "catalog":
                with pytest.raises(error):
                    world.db.mark(f"m{offset}")
            else:
                with pytest.raises(error):
                    world.put("d", trips=offset)
                assert world.get("d")["trips"] == offset
            assert world.db.head == offset
            world.db.check()
    assert world.drivers.put("d", FULL).offset == world.db.head


def test_predictions_are_there_after_a_failed_fold(world: World) -> None:
    service = world.db.create_service("s", features=["drivers:trips"])
    with failing(world, "predictions", Trouble(4)):
        made = world.db.record_prediction(service.get("d"), model="m@1", output=1)
        assert world.db.predictions() == [made] == world.db.predictions("s", "d")


def test_a_projection_that_cannot_fold_says_so_until_it_can(world: World) -> None:
    for name in rows_projection(world)[:1]:
        with failing(world, name, Trouble(3, times=3)):
            world.put("d", trips=3)
            for _ in range(2):
                with pytest.raises(ProjectionError) as caught:
                    world.drivers.get("d")
                assert caught.value.values["projection"] == name
            assert world.get("d")["trips"] == 3


def test_writes_go_on_while_a_projection_is_behind(world: World) -> None:
    for name in rows_projection(world)[:1]:
        with failing(world, name, Trouble(3)):
            for trips in (3, 4, 5):
                world.put("d", trips=trips)
            assert world.get("d")["trips"] == 5 and len(world.drivers.history("d")) == 4


def test_many_readers_at_once_all_get_the_answer(world: World) -> None:
    for name in rows_projection(world)[:1]:
        for round_ in range(5):
            offset = world.db.head + 1
            with failing(world, name, Trouble(offset)):
                world.put("d", trips=offset)
                answers: list[Any] = []
                barrier = threading.Barrier(8)

                def read(barrier: Any = barrier, answers: Any = answers, past: bool = bool(round_ % 2)) -> None:
                    barrier.wait(10)
                    reader = world.db.as_of(world.db.head) if past else world.db
                    answers.append(reader.view("drivers").get("d")["trips"])

                threads = [threading.Thread(target=read) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(10)
                assert answers == [offset] * 8


def test_readers_of_the_past_stay_right_while_views_are_rebuilt(world: World) -> None:
    for trips in range(2, 40):
        world.put("d", trips=trips)
    name = rows_projection(world)[0]
    trouble, fold = Trouble(), world.db.state.fold
    over = threading.Event()
    wrong: list[Any] = []

    def read() -> None:
        past = world.db.as_of(20)
        while not over.is_set():
            row = past.view("drivers").get("d")
            if (row["trips"], row.version) != (19, "drivers/d@20") or past.view("drivers").entities() != ["d"]:
                wrong.append(dict(row))

    with failing(world, name, trouble):
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for place in range(120):
            if not fold.behind:  # else the rebuild would meet the trouble
                trouble.left[world.db.head + 1] = 1
            world.put("d" if place % 2 else f"e{place}", at=-(place % 4), trips=place)
        over.set()
        for reader in readers:
            reader.join(10)
    assert not wrong
    world.db.check()


# -- a user's own projection ------------------------------------------------------------------------


def own(*projections: Projection, path: Path | None = None, **options: Any) -> World:
    return World(path=path, projections=list(projections), **options)


def tally_of(db: VectorDB) -> Tally:
    found: Any = db.projection("tally")
    return found


def test_your_projection_is_folded_again_before_its_next_answer() -> None:
    world = own(Tally(Trouble(2)))
    world.put("d", trips=1)
    world.put("d", trips=2)
    assert world.get("d")["trips"] == 2, "the others go on"
    assert tally_of(world.db).offsets == [1, 2, 3]


def test_your_broken_projection_does_not_stop_reads_and_writes() -> None:
    world = own(Tally(Trouble(2, times=10**6)))
    world.put("d", trips=1)
    assert world.get("d")["trips"] == 1 and world.put("d", trips=2) == "drivers/d@3"
    with pytest.raises(ProjectionError):
        world.db.projection("tally")
    assert world.db.predictions() == []


def test_a_broken_projection_does_not_hide_another() -> None:
    class Other(Tally):
        name = "other"

    world = own(Tally(Trouble(2, times=10**6)), Other(Trouble(2)))
    world.put("d", trips=1)
    other: Any = world.db.projection("other")
    assert other.offsets == [1, 2]
    assert world.db.projection("catalog").name == "catalog"
    with pytest.raises(ProjectionError):
        world.db.projection("tally")


def test_a_checkpoint_never_holds_a_projection_that_is_behind(tmp_path: Path) -> None:
    world = own(Tally(Trouble(2)), path=tmp_path / "ledger.jsonl")
    for trips in range(3):
        world.put("d", trips=trips)
    world.db.checkpoint(tmp_path / "checkpoint")
    world.db.close()
    options: dict[str, Any] = {"projections": [Tally()], "checkpoint": tmp_path / "checkpoint"}
    with VectorDB.open(tmp_path / "ledger.jsonl", **options) as again:
        assert tally_of(again).offsets == [1, 2, 3, 4]


def test_check_folds_your_projection_first() -> None:
    tally = Tally(Trouble(2))
    world = own(tally)
    world.put("d", trips=1)
    assert tally.offsets == [1, 2] and sum(tally.types.values()) == 1, "it failed in the middle of 2"
    world.db.check()
    assert tally.offsets == [1, 2] and sum(tally.types.values()) == 2


def test_your_projection_at_a_cold_start_and_in_a_checkpoint(tmp_path: Path) -> None:
    world = own(Tally(), path=tmp_path / "ledger.jsonl")
    world.put("d", trips=1)
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]})
    expected = tally_of(world.db).dump()
    world.db.checkpoint(tmp_path / "checkpoint")
    world.db.close()
    for checkpoint, used in ((None, 0), (tmp_path / "checkpoint", 3)):
        with VectorDB.open(tmp_path / "ledger.jsonl", projections=[Tally()], checkpoint=checkpoint) as again:
            assert tally_of(again).dump() == expected and again.opened.checkpoint == used


def test_names_of_projections_are_their_own() -> None:
    class Catalogue(Tally):
        name = "catalog"

    for projections in ([Tally(), Tally()], [Catalogue()]):
        with pytest.raises(ProjectionError):
            VectorDB(projections=projections)
    with pytest.raises(ValueError):
        VectorDB().projection("tally")


def test_a_refused_write_is_seen_by_no_projection() -> None:
    world = own(Tally())
    with pytest.raises(ValueError):
        world.drivers.put("d", {"trips": "x"})
    assert tally_of(world.db).offsets == [1] and tuple(FEATURES) == world.drivers.features
    assert world.db.at.timestamp() == START
