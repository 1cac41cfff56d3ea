"""Forgetting in lanes, segments and dumps, and beside readers, builds and forks."""

from __future__ import annotations

import random
import threading
from array import array
from pathlib import Path
from typing import Any

import pytest

from ledger import ROW_BITS, UnknownVersion
from projections.vectors.blocks import column_of, runs_of
from projections.vectors.lanes import Lanes
from projections.vectors.segment import Segment
from tests.projections.vectors.canonical import canonical
from tests.projections.vectors.erasing import erase, fresh_fold, recut, redact, reloaded
from tests.projections.vectors.making import code_rows, codes_of, make_room
from tests.projections.vectors.world import START, World, shrink
from tests.vectordb.reachable import find_bytes
from vectordb import Int, ManualClock, Vector, VectorDB

SIZE = 4


class FakeLog:
    """Heavy cells by reference, and blocks by offset."""

    def __init__(self) -> None:
        self.cells: dict[int, bytes] = {}
        self.batches: dict[int, Any] = {}

    def heavy(self, ref: int, slot: int) -> bytes:
        return self.cells[ref]


class FakeBlock:
    """The rows and one heavy column of a batch."""

    def __init__(self, refs: list[int], cells: list[bytes]) -> None:
        self.rows = [ref.to_bytes(8, "little") + bytes(16) for ref in refs]
        self.heavy = {2: b"".join(cells)}

    def __len__(self) -> int:
        return len(self.rows)


@pytest.mark.parametrize("seed", range(30))
def test_lanes_keep_their_numbers_and_lose_their_bytes(seed: int) -> None:
    rng = random.Random(seed)
    log: Any = FakeLog()
    lanes, model, offset = Lanes(log, 2, SIZE), [], 0
    kept: dict[int, list[tuple[int, bytes]]] = {}
    for _ in range(rng.randint(1, 25)):
        offset += rng.randint(1, 2)
        count, first = (1, 0) if rng.random() < 0.5 else (rng.randint(1, 6), rng.randint(0, 3))
        single = count == 1 and rng.random() < 0.7
        refs = [(offset << ROW_BITS) + first + place for place in range(count)]
        cells = [rng.randbytes(SIZE) for _ in refs]
        log.cells.update(zip(refs, cells))
        if single:
            lanes.add(refs[0])
        else:
            lanes.add_block(refs[0], b"".join(cells))
            kept[offset] = list(zip(refs, cells))
        model += zip(refs, cells)
    gone: set[int] = set()
    for _ in range(3):
        more = sorted(rng.sample(range(len(model)), rng.randint(0, len(model) // 3)))
        fresh = [lane for lane in more if lane not in gone]
        gone.update(fresh)
        dropped = {model[lane][0] for lane in gone}
        for ref in dropped:
            log.cells.pop(ref, None)

        def blocks_of(at: int, dropped: set[int] = dropped) -> list[Any]:
            left = [item for item in kept[at] if item[0] not in dropped]
            return [FakeBlock([ref for ref, _ in left], [cell for _, cell in left])] if left else []

        lanes = lanes.without(fresh, blocks_of)
        lanes.check()
        wanted = [bytes(SIZE) if lane in gone else cell for lane, (_, cell) in enumerate(model)]
        assert lanes.raw(0, len(model)) == b"".join(wanted) and len(lanes) == len(model)
        assert [lanes.ref(lane) for lane in range(len(model))] == [ref for ref, _ in model]
        assert [lanes.lane(ref) for ref, _ in model] == list(range(len(model)))
        assert lanes.pick(range(len(model))[::-1]) == b"".join(wanted[::-1])
        assert lanes.forgotten() == sorted(gone)
        assert list(lanes.present(len(model))) == [lane for lane in range(len(model)) if lane not in gone]
        starts, refs_of_runs, forms = lanes.runs()
        again = Lanes(log, 2, SIZE)
        log.event = lambda at, blocks_of=blocks_of: Told(blocks_of(at))
        again.load(array("q", starts), array("q", refs_of_runs), forms.tobytes(), len(lanes))
        assert again.raw(0, len(model)) == b"".join(wanted) and again.forgotten() == sorted(gone)
        offset += 1
        assert again.add(offset << ROW_BITS) == len(model)


class Told:
    """An event, as far as lanes read it."""

    def __init__(self, blocks: list[Any]) -> None:
        self.fact = self
        self._blocks = blocks

    def blocks(self) -> list[Any]:
        return self._blocks


def test_runs_of_a_block_with_gaps() -> None:
    refs = [70, 71, 74, 75, 76, 80]
    cells = [bytes([number] * SIZE) for number in range(6)]
    block: Any = FakeBlock(refs, cells)
    assert [tuple(run) for run in runs_of(block)] == [(70, 0, 2), (74, 2, 5), (80, 5, 6)]
    assert [tuple(run) for run in runs_of(FakeBlock(refs[2:5], cells[2:5]))] == [(74, 0, 3)]  # type: ignore[arg-type]
    whole: Any = FakeBlock(refs[2:5], cells[2:5])
    assert column_of([block, whole], 2, SIZE, 74, 3) == b"".join(cells[2:5])
    assert column_of([whole], 2, SIZE, 74, 3) is whole.heavy[2], "the column itself, not a copy"
    assert bytes(column_of([block], 2, SIZE, 75, 2)) == b"".join(cells[3:5])
    assert column_of([block], 1, SIZE, 70, 1) == bytes(SIZE), "a column that the rows left do not have"
    for ref, count, slot in ((72, 1, 2), (90, 1, 2), (70, 3, 2), (76, 2, 2), (80, 2, 2)):
        with pytest.raises(UnknownVersion, match="kept is in the log"):
            column_of([block], slot, SIZE, ref, count)


def test_a_kept_vector_must_be_in_the_log() -> None:
    """An erasure that names too few rows is told, and nothing has changed."""
    db = VectorDB(seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(2)})
    view.put_many({"e": ["a", "b", "c"], "v": [[1, 2], [3, 4], [5, 6]]})
    refs = redact(db, "v", "a")
    before = db.state.vectors.dump
    redact(db, "v", "c")
    with pytest.raises(UnknownVersion):
        db.state.vectors.forget_rows("v", refs)
    assert before() == db.state.vectors.dump()


@pytest.mark.parametrize("tail", [0, 5])
def test_a_segment_without_some_lanes(tail: int) -> None:
    room = make_room(60, 6, 1)
    rng = random.Random(tail)
    segment = Segment(0, room.quantiser.offsets(room.centres.points[0]))
    origin = [middle + part for middle, part in zip(room.centres.mean, room.centres.points[0])]
    coded = code_rows(room.quantiser, room.rows, origin)
    segment.extend(room.quantiser, list(range(0, 120, 2)), coded)
    for number in range(tail):
        segment.add(room.quantiser, 200 + number, bytes(column[number] for column in coded.columns))
    lanes = list(segment.ids)
    deaths = {lane: 5 + place for place, lane in enumerate(sorted(rng.sample(lanes, 20)))}
    for lane, offset in deaths.items():
        segment.kill(lane, offset)
    for lane in lanes[::3]:
        segment.disturb(lane)
    segment.filtered["asked"], segment.columns[1] = (1, 1), "held"
    gone = sorted(rng.sample(lanes, 15) + [1, 999])  # two that it does not have
    fresh = segment.without(gone)
    fresh.check()
    assert segment.filtered and segment.columns and not fresh.filtered and not fresh.columns
    for offset in (None, 0, 4, 12, 30):
        late = {lane for lane, died in deaths.items() if offset is not None and died <= offset}
        wanted = sum(1 << place for place, lane in enumerate(lanes) if lane in late | set(gone))
        assert fresh.dead(offset) == wanted, offset
    size = segment.sealed.size
    for place, lane in enumerate(lanes[:size]):
        codes = codes_of(room.quantiser, fresh.sealed.planes, place)
        assert codes == ([0] * len(codes) if lane in gone else codes_of(room.quantiser, segment.sealed.planes, place))
        assert fresh.restless >> place & 1 == (lane in lanes[::3] and lane not in gone)
    for place, lane in enumerate(lanes[size:]):
        assert fresh.pending[place] == (
            bytes([128]) * len(segment.pending[place]) if lane in gone else segment.pending[place]
        )
    bare = segment.without(gone, with_deaths=False)
    assert (bare.dead(10**6), bare.restless, len(bare.death_offsets)) == (0, 0, 0)
    twice = fresh.without(gone)
    assert (list(twice.death_places), twice.sealed) == (list(fresh.death_places), fresh.sealed)


def test_a_fork_keeps_what_it_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lanes read its own log, whose segments and blocks were not touched."""
    shrink(monkeypatch)
    world = World(31)
    for _ in range(40):
        world.step()
    world.view.index("v").build()
    fork = world.db.fork(seed=1)
    fork.view("v").index("v").build()
    before, dumped = canonical(fork.state.vectors), fork.state.vectors.dump()
    entity = next(iter(world.view.search("v", [0.0, 0.0, 1.0], 1))).entity
    assert erase(world.db, "v", entity).vectors
    assert canonical(fork.state.vectors) == before and fork.state.vectors.dump() == dumped
    assert fork.view("v").search("v", [0.0, 0.0, 1.0], 1).entities == [entity]
    assert erase(fork, "v", entity).vectors
    assert canonical(fork.state.vectors) == canonical(world.db.state.vectors)


@pytest.mark.parametrize("when", ["before it is adopted", "while it reads", "with later writes"])
def test_a_build_at_work_is_mended(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 1)
    rng = random.Random(4)
    db = VectorDB(clock=ManualClock(START), seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(3, metric="euclidean"), "n": Int()})
    vectors = [[rng.random() for _ in range(3)] for _ in range(80)]
    for entity, vector in enumerate(vectors[:30]):
        view.put(entity, {"v": vector, "n": 1})
    view.put_many({"e": list(range(30, 80)), "v": vectors[30:], "n": [1] * 50})
    view.put(11, {"v": [9.0, 9.0, 9.0], "n": 1})
    view.put(12, {"n": 4})
    field = db.state.vectors.fields["v"][0]
    begun: list[str] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        if when == "while it reads" and stage == "assign" and not begun:
            begun.append(stage)
            erase(db, "v", 10)
            erase(db, "v", 40)

    built = field.build(progress=interrupt)
    if when != "while it reads":
        erase(db, "v", 10)
        erase(db, "v", 40)
    if when == "with later writes":
        view.put(5, {"v": [8.0, 8.0, 8.0]})
        view.delete(6)
    with db.state.lock:
        assert field.adopt(built) is field.index is not None
    db.state.vectors.check()
    query = vectors[10]
    truth = [hit.entity for hit in view.search("v", query, 100, exact=True)]
    assert {10, 40}.isdisjoint(truth) and len(truth) == (77 if when == "with later writes" else 78)
    assert set(view.search("v", query, 100).entities) == set(truth)
    assert set(db.as_of(31).view("v").search("v", query, 100).entities) == set(range(30)) - {10}
    for lane in (10, 40) if when != "while it reads" else ():  # there it began anew, and they are coded as zeros
        segment = field.index.find(lane)
        assert not any(plane >> list(segment.ids).index(lane) & 1 for plane in segment.sealed.planes)


def test_a_failing_log_still_fails_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    db = VectorDB(seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put("a", {"v": [1, 2]})

    def fails(*_: Any) -> bytes:
        raise LookupError("no such row")

    monkeypatch.setattr(db.state.log, "heavy", fails)
    with pytest.raises(LookupError, match="no such row"):
        view.index("v").build()


def test_searches_beside_it_never_fail_and_end_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 1)
    rng = random.Random(8)
    db = VectorDB(clock=ManualClock(START), seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(3, metric="euclidean"), "n": Int()})
    points = [[rng.random() for _ in range(3)] for _ in range(120)]
    view.put_many({"e": list(range(100)), "v": points[:100], "n": [place % 4 for place in range(100)]})
    for entity in range(100, 120):
        view.put(entity, {"v": points[entity], "n": 1})
    view.index("v").build()
    offset, errors, seen, done = db.head, [], [0], threading.Event()
    erased: set[int] = set()

    def read(own: random.Random) -> None:
        try:
            while not done.is_set():
                before = set(erased)
                where = own.choice([None, {"n": 1}, {"n": {"$lt": 3}}])
                reader = own.choice([view, db.as_of(offset).view("v")])
                hits = reader.search("v", points[own.randrange(120)], 20, where=where, exact=own.random() < 0.3)
                assert before.isdisjoint(hits.entities)
                seen[0] += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=(random.Random(number),)) for number in range(3)]
    for thread in threads:
        thread.start()
    for entity in rng.sample(range(120), 30):
        wanted = seen[0] + 2
        erase(db, "v", entity)
        erased.add(entity)
        while seen[0] < wanted and not errors:
            done.wait(0.001)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors and len(view.search("v", points[0], 200).entities) == 90


def test_a_checkpoint_holds_nothing_and_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 1)
    world = World(77)
    for _ in range(50):
        world.step()
    world.view.index("v").build()
    erased = [hit.entity for hit in world.view.search("v", [0.0, 0.0, 1.0], 3)]
    for entity in erased:
        erase(world.db, "v", entity)
    for _ in range(10):
        world.step()
    world.db.checkpoint(tmp_path / "checkpoint")
    loaded = reloaded(world.db)
    loaded.check()
    mine, field = world.db.state.vectors.fields["v"][0], loaded.fields["v"][0]
    assert field.lanes.forgotten() == mine.lanes.forgotten() and canonical(loaded) == canonical(fresh_fold(world.db))
    assert field.index is not None and mine.index is not None
    for a, b in zip(field.index.segments, mine.index.segments):
        assert [a.dead(offset) for offset in (None, 0, 9, 99)] == [b.dead(offset) for offset in (None, 0, 9, 99)]


def test_the_blocks_may_come_from_elsewhere() -> None:
    """``blocks_of`` stands for the log: what it gives is what the lanes hold."""
    db = VectorDB(seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(3, metric="euclidean")})
    secret = [0.123, 4.567, 8.901]
    view.put_many({"e": ["a", "b", "c"], "v": [[1.5, 2.5, 3.5], secret, [4.5, 5.5, 6.5]]})
    refs = list(db.state.rows.tables["v"].refs("b"))
    block = recut(next(iter(db.state.log.event(2).fact.blocks())), {1})
    asked: list[int] = []

    def blocks_of(offset: int) -> Any:
        asked.append(offset)
        return [block]

    assert db.state.vectors.forget_rows("v", refs, blocks_of) == (1, ())
    assert set(asked) == {2} and find_bytes(db.state.vectors.fields, [secret], skip=[db.state.log]) == []
    assert db.state.vectors.fields["v"][0].elements(2) == (4.5, 5.5, 6.5)
