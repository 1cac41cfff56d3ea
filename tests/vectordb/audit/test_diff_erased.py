"""diff: what was erased or pruned is a difference only where one side still holds it, and makes nothing fail."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.vectordb.audit.tales import ENTITIES, Tale
from tests.vectordb.audit.test_diff import naive, served, told
from tests.vectordb.world import FULL, World
from vectordb import Erased, Prediction, Pruned, Reader, VectorDB
from vectordb.audit import Difference, differing_predictions
from vectordb.audit import ground as ground_of_two
from vectordb.row import Row

PINNED = ("service", "model", "pipeline", "output", "assignment", "inputs", "states")


def keyed(reader: Reader) -> dict[Any, Prediction]:
    """Every prediction by service, entity, clock of the read, and its turn among these."""
    found: dict[Any, Prediction] = {}
    for one in reader.predictions():
        key, turn = (one.definition.name, repr(one.entity), one.at), 1
        while (*key, turn) in found:
            turn += 1
        found[*key, turn] = one
    return found


def naive_predictions(before: Reader, after: Reader) -> set[tuple[str | None, str | None]]:
    """The ids on either side of predictions of one side only, or that differ: all are compared."""
    was, now = keyed(before), keyed(after)
    found: set[tuple[str | None, str | None]] = set()
    for key in {*was, *now}:
        one, other = was.get(key), now.get(key)
        if any(repr(getattr(one, name, None)) != repr(getattr(other, name, None)) for name in PINNED):
            found.add((one and one.id, other and other.id))
    return found


def assert_told(before: Reader, after: Reader, what: str) -> Difference:
    found, back = before.audit.diff(before, after), after.audit.diff(after, before)
    assert told(found) == naive(before, after), what
    assert {(one.before, one.after) for one in found.predictions} == naive_predictions(before, after), what
    assert {(one.after, one.before) for one in back.predictions} == naive_predictions(before, after), what
    assert {(row.view, repr(row.entity)) for row in back.rows} == {(row.view, repr(row.entity)) for row in found.rows}
    assert back.counts == found.counts and found.text() and found.to_dict()
    return found


@pytest.mark.parametrize("seed", range(8))
def test_two_states_differ_as_a_comparison_of_everything_says(seed: int) -> None:
    """Two offsets around an erasure or a compaction; a fork, its fork and a later one against the erased parent."""
    random, tale, own = Random(seed), Tale(seed, 45, rich=True), Tale(seed + 1000, 0, rich=True)
    db, at = tale.db, random.randrange(10, tale.db.head)
    fork = db.fork(at)
    deeper = fork.fork(random.randrange(8, at + 1))
    own.clock, own.db = tale.clock, fork
    for _ in range(5):
        tale.step()
        own.step()
    if seed % 4 == 3:
        fork.erase("riders", "b", reason="asked")
    if seed % 4 in (0, 2):
        db.erase("riders", "b", reason="asked")
        db.erase("drivers", [one for one in ENTITIES if db.view("drivers").history(one)][:2], reason="asked")
    if seed % 4 in (1, 2):
        db.compact(below=random.randrange(at - 5, db.head))
    later, tale.rich = db.fork(), False  # a model refuses what is missing now
    for _ in range(4):
        tale.step()
    low = db.state.log.pruned
    for _ in range(4):
        one, other = random.randrange(low, db.head + 1), random.randrange(low, db.head + 1)
        assert_told(db.as_of(one), db.as_of(other), f"{one} {other}")
    past = db.as_of(random.randrange(low, db.head + 1))
    for before, after in ((fork, db), (deeper, db), (deeper, fork), (fork, past), (later, db), (later, fork)):
        assert_told(before, after, f"{before} {after}")
    assert not db.audit.diff(db, db)
    if low:
        with pytest.raises(Pruned):
            db.audit.diff(low - 1, db.head)


def test_a_fork_that_still_holds_a_value_differs_from_its_erased_parent() -> None:
    world = World()
    world.put("d", **FULL)
    world.put("e", **FULL)
    world.db.create_service("ranker", features=["drivers:trips"])
    world.db.record_prediction(world.db.service("ranker").get("d"), model="m", output=1)
    fork, head = world.db.fork(), world.db.head
    sibling = world.db.fork(head - 1)
    assert not fork.audit.diff(fork, world.db)
    world.db.erase("drivers", "d", reason="asked")
    for before, after in ((fork, world.db), (fork, world.db.as_of(head)), (fork, world.db.fork())):
        found = assert_told(before, after, repr(after))
        assert [(row.entity, row.change) for row in found.rows] == [("d", "removed")]
        assert [one.before for one in found.predictions] == [f"ranker/d@{head}"]
    assert not world.db.audit.diff(head - 1, world.db.head), "the past is erased too"
    assert assert_told(sibling, fork, "both hold it").counts["rows"] == 0


def test_a_prediction_from_before_the_ground_is_no_difference() -> None:
    """An event whose values are gone says that any row may differ, and nothing of earlier predictions."""
    world = World()
    world.put("d", **FULL)
    world.db.create_service("ranker", features=["drivers:trips"])
    world.db.record_prediction(world.db.service("ranker").get("d"), model="m", output=1)
    at = world.db.head
    world.put("e", **FULL)
    world.db.erase("drivers", "e", reason="asked")
    assert not world.db.audit.diff(at, world.db.head)


def test_a_kit_differs_by_what_it_leaves_out(tmp_path: Path) -> None:
    world = World(ttl=100)
    world.put("d", **FULL)
    world.put("e", **FULL)
    world.db.create_service("ranker", features=["drivers:trips"])
    world.db.record_prediction(world.db.service("ranker").get("e"), model="m", output=1)
    world.db.audit.kit(world.db.predictions()[0].id, tmp_path / "kit.jsonl")
    kit = VectorDB.replay(tmp_path / "kit.jsonl", clock=world.clock)
    found = world.db.audit.diff(kit, world.db)
    assert [(row.entity, row.change) for row in found.rows] == [("d", "added")] and not found.predictions
    assert not kit.audit.diff(kit, kit) and kit.audit.diff(0, kit.head).counts["predictions"] == 1


def test_what_an_erased_event_wrote_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ttl=100)
    world.put("d", **FULL)
    world.put("e", **FULL)
    world.tick(90)
    world.put("f", **FULL)
    world.db.erase("drivers", "e", reason="asked")
    world.tick(50)
    past = world.db.as_of(4)
    assert ground_of_two.touched_since(past, 2).whole and not ground_of_two.touched_since(past, 3).whole
    assert ground_of_two.aged_between(past, "drivers", 4, 0, 2**60) is None
    assert_told(world.db.as_of(4), world.db, "d has expired since")

    def unreadable(offset: int) -> Any:
        raise Erased("its values were destroyed", offset=offset)

    monkeypatch.setattr(world.db.state.log, "event", unreadable)
    assert ground_of_two.touched_since(past, 2).whole
    assert ground_of_two.aged_between(past, "drivers", 4, 0, 2**60) is None


def test_a_value_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = Tale(1, 0, rich=True)
    at = tale.db.head
    served(tale)
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

    monkeypatch.setattr(differing_predictions, "read_again", gone)
    (change,) = tale.db.audit.diff(one, other).predictions
    assert "transformed" in {field.field for field in change.fields}
