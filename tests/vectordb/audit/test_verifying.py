"""Verification holds for what is whole, and names the first place of damage of every kind."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from struct import pack_into
from typing import Any

import pytest

from ledger import FACTS, Erased, Event, LineTooLong
from projections import Projection
from tests.replay.fixtures import EVENTS, V1, folders, replayed
from tests.vectordb.world import World
from vectordb import Float, InvalidInput, Metric, Request, Vector, VectorDB
from vectordb.audit import Check, Deviation, Report
from vectordb.audit.checking import Checking
from vectordb.audit.checking_log import check_events, check_references
from vectordb.audit.checking_predictions import reproduced

STORIES = [name for name in folders(V1) if name != "digits"]


# -- what is whole -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_every_story_holds_now_and_as_of_its_offsets(name: str) -> None:
    db = replayed(name)
    report = db.audit.verify()
    assert report.ok and report.difference is None, str(report)
    assert (report.offset, report.digest) == (db.head, db.digest())
    assert report.check("events").count == db.head
    for offset in range(db.state.log.pruned, db.head + 1, 1 if db.head < 20 else 6):
        past = db.as_of(offset).audit.verify()
        assert past.ok and past.offset == offset, str(past)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_and_a_checkpoint_hold_too(lazy: bool, tmp_path: Path) -> None:
    path = Path(shutil.copy(V1 / "experiment" / EVENTS, tmp_path / "ledger.jsonl"))
    with VectorDB.open(path, lazy=lazy) as db:
        db.view("users").put("user-1", {"age": 99})
        assert db.audit.verify().check("file") == Check("file", db.head)
        db.checkpoint(tmp_path / "checkpoint")
    with VectorDB.open(path, lazy=lazy, checkpoint=tmp_path / "checkpoint") as db:
        report = db.audit.verify()
        assert report.ok, str(report)


def test_a_report_is_plain_data_and_text() -> None:
    report = replayed("pipeline").audit.verify()
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True
    assert str(report) == report.text()
    assert report.text().startswith("as of offset 15: everything holds\n  events: ok, 15 checked")
    notes = report.check("predictions").notes
    assert notes == ("4 x outputs not compared: the model is not data, and none was given",)
    with pytest.raises(KeyError):
        report.check("nothing")
    bad = Report(1, "00", (Check("a", 1), Check("b", 2, Deviation("there", 1, "x" * 500))))
    assert not bad.ok and bad.difference is bad.checks[1].difference
    assert len(bad.to_dict()["checks"][1]["difference"]["found"]) < 220
    assert "something differs" in str(bad) and "there: 'xxx" in str(bad)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    db = replayed("experiment")
    db.audit.verify(progress=lambda *one: told.append(one))
    last = {name: (done, total) for name, done, total in told}
    assert last["events"] == last["digests"] == last["references"] == (db.head, db.head)
    assert {"fold anew", "fold of rows", "predictions", "structure of rows"} <= set(last)
    assert all(done == total for done, total in last.values())


class Puts(Projection):
    """Counts events, wrongly when told so."""

    name = "puts"
    handles = tuple(set(FACTS))

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def reset(self) -> None:
        self.count = 0

    def apply(self, event: Event) -> None:
        self.count += self.step

    def dump(self) -> bytes:
        return b"%d" % self.count


def test_projections_of_ones_own_are_compared_by_their_dumps() -> None:
    db = VectorDB(projections=[Puts()])
    db.mark("a")
    db.mark("b")
    assert db.audit.verify(projections=[Puts()]).check("fold of puts").ok
    report = db.audit.verify(projections=[Puts(2)])
    assert report.difference == Deviation("the dump", b"4", b"2")
    assert db.as_of(1).audit.verify(projections=[Puts(2)]).ok  # they say what they are at the head only
    with pytest.raises(InvalidInput):
        VectorDB().audit.verify(projections=[Puts()])


# -- damage --------------------------------------------------------------------------------------------------------


def full() -> World:
    """Something of every kind: views, versions, late and future rows, lineage, vectors, predictions, an experiment."""
    world = World()
    db = world.db
    world.put("d-1", trips=1, rating=1.5, city="Rome")
    world.put("d-1", trips=2)
    world.put("d-2", at=50, trips=5)
    world.drivers.delete("d-3")
    raw = world.put("d-4", trips=4, rating=0.5, city="Oslo")
    world.drivers.put("d-5", {"trips": 8}, derived_from=[raw], transformation="double@1")
    songs = db.create_view("songs", entity="song", features={"e": Vector(2)})
    songs.put_many({"song": ["a", "b"], "e": [[1, 0], [0, 1]]})
    songs.put("a", {"e": [1, 1]})
    service = db.create_service("ranker", features=["drivers:trips", Request("km", Float(default=1.0))])
    linear = {"features": ["trips", "km"], "coefficients": [1.0, 2.0], "intercept": 0.0}
    db.create_model("cost", "linear", **linear)
    db.record_prediction(service.get("d-1"), model="cost")
    db.record_prediction(service.get("d-4"), model="cost")
    test = db.create_experiment("test", unit="driver", arms={"a": 0.5, "b": 0.5}, metrics={"m": Metric()})
    test.expose_many(["d-1", "d-2"])
    test.record("d-1", "m", 2.0)
    test.record("d-2", "m", 3.0)
    db.mark("end")
    return world


def forge(row: bytes, place: int, value: int) -> bytes:
    """A packed row with another word."""
    changed = bytearray(row)
    pack_into("=q", changed, 8 * place, value)
    return bytes(changed)


def table(world: World) -> Any:
    return world.db.state.rows.tables["drivers"]


def trial(world: World) -> Any:
    return world.db.state.experiments._trials["test", 1]


def current_row(world: World) -> None:
    table(world).rows["d-5"] = forge(table(world).rows["d-5"], 3, 9)


def head_row(world: World) -> None:
    table(world).rows["d-1"] = forge(table(world).rows["d-1"], 3, 9)


def one_version_less(world: World) -> None:
    held = table(world).versions["d-1"]
    held.refs.pop()
    held.ordered = (held.ordered[0][:-1], held.ordered[1][:-1])


def entity_gone(world: World) -> None:
    del table(world).rows["d-4"]


def entity_more(world: World) -> None:
    table(world).rows["d-9"] = table(world).rows["d-5"]


def view_gone(world: World) -> None:
    del world.db.state.rows.tables["drivers"]


def death_forgotten(world: World) -> None:
    table(world).dead.clear()


def ahead_forgotten(world: World) -> None:
    table(world).ahead.clear()


def definition_changed(world: World) -> None:
    shelf = world.db.state.catalog.services
    offsets, definitions = shelf._versions["ranker"]
    shelf._versions["ranker"] = (offsets, tuple(vars(one).update(owner="x") or one for one in definitions))


def mark_moved(world: World) -> None:
    world.db.state.catalog.marks["end"] = 3


def edge_gone(world: World) -> None:
    world.db.state.lineage._up.clear()


def edge_back_gone(world: World) -> None:
    world.db.state.lineage._down.clear()


def prediction_gone(world: World) -> None:
    world.db.state.predictions._all.pop()


def prediction_of_another(world: World) -> None:
    held = world.db.state.predictions._refs["ranker"]
    held["d-1"], held["d-4"] = held["d-4"], held["d-1"]


def lane_revived(world: World) -> None:
    field = world.db.state.vectors.fields["songs"][0]
    field.death_lanes.pop()
    field.death_offsets.pop()


def lane_distrusted(world: World) -> None:
    world.db.state.vectors.fields["songs"][0].disturb(1)


def arm_changed(world: World) -> None:
    trial(world).exposures.arms[0] ^= 1


def outcome_changed(world: World) -> None:
    trial(world).outcomes["m"].values[1] = 7.0


def tally_changed(world: World) -> None:
    steps = [steps for steps in trial(world).courses.popitem()[1].steps if steps]
    assert steps
    trial(world).active.clear()


DAMAGE: dict[Callable[[World], None], tuple[str, str]] = {
    current_row: ("fold of rows", "row of drivers/'d-5'"),
    head_row: ("fold of rows", "current row of drivers/'d-1'"),
    one_version_less: ("fold of rows", "versions of drivers/'d-1'"),
    entity_gone: ("fold of rows", "versions of drivers/'d-4'"),
    entity_more: ("fold of rows", "versions of drivers/'d-9'"),
    view_gone: ("fold of rows", "versions of drivers/'d-1'"),
    death_forgotten: ("fold of rows", "deleted entities of drivers"),
    ahead_forgotten: ("fold of rows", "entities of drivers dated ahead"),
    definition_changed: ("fold of catalog", "service ranker@1"),
    mark_moved: ("fold of catalog", "mark 'end'"),
    edge_gone: ("fold of lineage", "sources of event 7"),
    edge_back_gone: ("fold of lineage", "events derived from row 0 of event 6"),
    prediction_gone: ("fold of predictions", "predictions"),
    prediction_of_another: ("fold of predictions", "predictions of ranker/'d-1'"),
    lane_revived: ("fold of vectors", "vector of songs, slot 0, lane 0"),
    lane_distrusted: ("fold of vectors", "vector of songs, slot 0, lanes that filters cannot trust"),
    arm_changed: ("fold of experiments", "units of test@1"),
    outcome_changed: ("fold of experiments", "outcome of m at 18.0 in test, bucket version 1"),
    tally_changed: ("fold of experiments", "tallies of test@1, m"),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_of_a_projection_is_found_at_its_place(damage: Callable[[World], None]) -> None:
    world = full()
    assert world.db.audit.verify().ok, str(world.db.audit.verify())
    damage(world)
    report = world.db.audit.verify()
    name, place = DAMAGE[damage]
    assert not report.ok
    difference = report.check(name).difference
    assert difference is not None and (difference.place == place or place in str(difference.found)), str(report)
    others = [check for check in report.checks if not check.ok and check.name.startswith("fold")]
    assert [check.name for check in others] == [name] or damage is definition_changed, str(report)


def test_invariants_of_a_structure_are_checked_first() -> None:
    world = full()
    world.db.state.predictions._all.append(5)
    report = world.db.audit.verify()
    assert report.difference is report.check("structure of predictions").difference is not None


def test_a_past_finds_damage_of_what_it_knows_and_no_other() -> None:
    world = full()
    one_version_less(world)
    assert world.db.as_of(2).audit.verify().ok
    difference = world.db.as_of(3).audit.verify().check("fold of rows").difference
    assert difference is not None and difference.place == "versions of drivers/'d-1'"


def test_a_forged_row_of_the_log_breaks_its_digest_and_its_prediction() -> None:
    world = full()
    db = world.db
    db.digest()  # computed from the true bytes
    rows = db.state.log._segments[0].payloads
    rows[2] = forge(rows[2], 3, 40)
    report = db.audit.verify()
    assert report.check("digests").difference == report.difference
    assert report.difference is not None and report.difference.place == "digest of event 3"
    drifted = report.check("predictions").difference
    assert drifted is not None and drifted.place == "trips of prediction ranker/d-1@13"
    assert (drifted.expected, drifted.found) == (2, 40)


def test_a_forged_time_is_found() -> None:
    world = full()
    world.db.state.log._segments[0].times[3] -= 1
    difference = world.db.audit.verify().check("events").difference
    assert difference is not None and difference.place == "recorded time of event 4"


def test_a_forged_file_is_found_by_line(tmp_path: Path) -> None:
    path = Path(shutil.copy(V1 / "late_arrival" / EVENTS, tmp_path / "ledger.jsonl"))
    with VectorDB.open(path) as db:
        text = path.read_bytes()
        path.write_bytes(text.replace(b"Rome", b"Oslo", 1))
        report = db.audit.verify()
        assert report.difference is not None and report.difference.place == "line 3 of the file"
        assert db.as_of(1).audit.verify().ok
        path.write_bytes(text[: text.rstrip(b"\n").rfind(b"\n") + 1])
        report = db.audit.verify()
        assert report.difference is not None and report.difference.place == "line 7 of the file"
        assert report.difference.found is None


def test_references_to_nothing_and_to_later_rows_are_found() -> None:
    world = full()
    fact, log = world.db.event(7).fact, world.db.state.log
    origin = fact.origin

    def referring(ref: int) -> Any:
        fact.origin = origin._replace(derived_from=(ref,))
        return Event(7, log.time_of(7), fact, None, log)

    events = log.event
    for ref, place in ((6 << 24 | 3, "a row of the log"), (9 << 24, "at most 6.16777215")):
        log.event = lambda offset, ref=ref: referring(ref) if offset == 7 else events(offset)  # type: ignore[method-assign]
        difference = world.db.audit.verify().check("references").difference
        assert difference is not None
        assert (difference.place, difference.expected) == ("derived_from of event 7", place)


def test_what_is_erased_is_noted_and_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    world = full()
    log = world.db.state.log
    world.db.digest()

    def erased(answer: Any, bits: int) -> Any:
        def ask(ref: int) -> Any:
            if ref >> bits == 3:
                raise Erased("the row's values were destroyed", offset=3)
            return answer(ref)

        return ask

    for name, bits in (("row", 24), ("owner", 24), ("body", 0), ("rows_at", 0)):
        monkeypatch.setattr(log, name, erased(getattr(log, name), bits))
    report = world.db.as_of(world.db.head).audit.verify()
    assert [check.name for check in report.checks if check.ok][:3] == ["events", "digests", "rewritten lines"]
    assert report.check("digests").notes == ("1 x the row's values were destroyed",)
    predictions = report.check("predictions")
    assert predictions.ok and any(note.startswith("1 x inputs not compared") for note in predictions.notes)


def test_a_prediction_that_cannot_be_read_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    world = full()
    def broken(view: str, *rest: Any) -> Any:
        raise InvalidInput("no read today")

    monkeypatch.setattr(world.db.state.rows, "row", broken)
    difference = world.db.audit.verify().check("predictions").difference
    assert difference is not None and difference.expected == "inputs that can be read again"


def test_an_event_that_cannot_be_read_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    world = full()
    events = world.db.state.log.event

    def broken(offset: int) -> Event:
        if offset == 13:
            raise InvalidInput("no such line")
        return events(offset)

    monkeypatch.setattr(world.db.state.log, "event", broken)
    checking = Checking(world.db)
    for check in (check_events(checking), check_references(checking)):
        assert check.difference is not None and check.difference.place == "event 13"
    assert reproduced(checking, 13 << 24, Counter()).place == "prediction at offset 13"  # type: ignore[union-attr]


def test_a_file_that_cannot_be_read_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(shutil.copy(V1 / "late_arrival" / EVENTS, tmp_path / "ledger.jsonl"))
    with VectorDB.open(path) as db:

        def unreadable(position: int = 0) -> Any:
            raise LineTooLong("a line is at most so long")

        monkeypatch.setattr(db.state.journal.store, "read", unreadable)
        difference = db.audit.verify().difference
        assert difference is not None and difference.place == "the file"


def test_a_projection_that_cannot_fold_is_a_difference() -> None:
    class Broken(Puts):
        def apply(self, event: Event) -> None:
            raise ZeroDivisionError

    db = VectorDB(projections=[Puts()])
    db.mark("a")
    difference = db.audit.verify(projections=[Broken()]).check("fold of puts").difference
    assert difference is not None and difference.expected == "a projection that folds every event"


def test_many_events_are_told_on_the_way() -> None:
    world, told = World(), []
    world.drivers.load([{"driver": number, "trips": number} for number in range(5_000)], chunk_rows=1)
    world.db.audit.verify(progress=lambda name, done, total: told.append((name, done, total)))
    assert ("events", 4096, 5001) in told and ("events", 5001, 5001) in told and ("fold of rows", 4096, 0) in told


@pytest.mark.parametrize("lazy", [False, True])
def test_a_closed_file_is_verified_as_far_as_it_is_in_memory(lazy: bool, tmp_path: Path) -> None:
    path = Path(shutil.copy(V1 / "prediction" / EVENTS, tmp_path / "ledger.jsonl"))
    db = VectorDB.open(path, lazy=lazy)
    db.close()
    report = db.audit.verify()
    assert report.check("file").notes == ("a closed ledger is neither read nor written",)
    assert report.ok is not lazy
    assert lazy is (report.difference is not None and report.difference.place.startswith("event "))


def test_a_line_forged_under_a_lazy_ledger_is_found(tmp_path: Path) -> None:
    path = Path(shutil.copy(V1 / "late_arrival" / EVENTS, tmp_path / "ledger.jsonl"))
    with VectorDB.open(path, lazy=True) as db:
        path.write_bytes(path.read_bytes().replace(b"Rome", b"Oslo", 1))
        report = db.audit.verify()
        assert report.difference is not None and report.difference.place == "event 2"
        assert not report.check("digests").ok and not report.check("fold").ok
