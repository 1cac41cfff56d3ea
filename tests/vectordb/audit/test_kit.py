"""A reproduction kit gives the same prediction to the last bit, proves itself, and takes no write."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import Fact, KitTitle, ManualClock, RowPut, omitted_line, read_kit, seal_line
from ledger.proofs.kit_file import runs_between
from projections import Projection
from tests.vectordb.audit.cases import START, STORIES, lineage, replayed, small, tell, wide
from vectordb import (
    Category,
    DamagedLog,
    Erased,
    Float,
    Int,
    InvalidInput,
    OffsetOutOfRange,
    Omitted,
    Pruned,
    ReadOnlyLedger,
    UnknownVersion,
    VectorDB,
    verify_bundle,
)
from vectordb.__main__ import main
from vectordb.audit.kit import _lines
from vectordb.pipelines.transformed_row import inputs_of


def bits(row: Any) -> list[Any]:
    """What a row shows, to the last bit: NaN is itself, a vector its bytes."""
    return [value.tobytes() if isinstance(value, memoryview) else repr(value) for value in row.values()]


def same_again(db: VectorDB, prediction_id: str, path: Path) -> VectorDB:
    """The database of a kit, once it was seen to give the prediction, its inputs and its rows as the original does."""
    kit = db.audit.kit(prediction_id, path)
    assert path.read_bytes() == kit.raw and kit.root == db.audit.root() and kit.size == db.head
    copy = VectorDB.replay(path)
    mine, theirs = db.prediction(prediction_id), copy.prediction(prediction_id)
    assert (mine, mine.row, mine.versions) == (theirs, theirs.row, theirs.versions)
    assert copy.head == mine.offset and copy.digest() == db.digest(mine.offset)
    one, other = db.reproduce(prediction_id), copy.reproduce(prediction_id)
    assert replace(one, row=None) == replace(other, row=None) and other.matches and bits(one.row) == bits(other.row)
    past, again = db.as_of(prediction=prediction_id), copy.as_of(prediction=prediction_id)
    assert (past.as_of_offset, past.at) == (again.as_of_offset, again.at)
    for item, part in inputs_of(one.row).rows.items():
        row, its = past.view(item).get(part.entity), again.view(item).get(part.entity)
        assert row == its and (row.versions, row.status, row.version) == (its.versions, its.status, its.version)
    copy.check()
    copy.state.journal.check_wording()
    return copy


@pytest.mark.parametrize("name", STORIES)
def test_every_prediction_of_the_stories(name: str, tmp_path: Path) -> None:
    db = replayed(name)
    predictions = db.predictions()
    for prediction in predictions[:: max(1, len(predictions) // 4)]:
        if prediction.as_of < db.state.log.pruned:
            with pytest.raises((Erased, Pruned)):
                db.audit.kit(prediction.id)
            continue
        same_again(db, prediction.id, tmp_path / "kit.jsonl")


def test_partial_writes_deletes_derivations_and_predictions_behind_rows(tmp_path: Path) -> None:
    db, prediction_id = lineage()
    copy = same_again(db, prediction_id, tmp_path / "kit.jsonl")
    kit = db.audit.kit(prediction_id)
    left_out = {offset: db.event(offset).type for offset in range(1, db.head + 1) if offset not in kit.offsets}
    assert left_out == {2: "view_defined", 9: "row_put", 12: "log_marked"}
    assert [one.id for one in copy.predictions()] == ["first/d@8", prediction_id]  # its batch has two more
    assert copy.as_of(prediction=prediction_id).view("drivers").get("d")["city"] is None  # the delete hides it
    assert copy.lineage is not None and len(copy.view("drivers").history("d")) == 4
    with pytest.raises(Omitted):
        copy.prediction(db.predictions()[-1].id)


def test_batches_transactions_pipelines_experiments_and_kinds_of_entity(tmp_path: Path) -> None:
    db, ids = wide()
    for prediction_id in ids:
        copy = same_again(db, prediction_id, tmp_path / "kit.jsonl")
        assert [one.id for one in copy.predictions()] == [prediction_id]
    kit = VectorDB.replay(_written(db, ids[0], tmp_path))
    assert kit.experiment("ranking").assign("u1") == db.experiment("ranking").assign("u1")
    assert kit.experiments() == ["ranking"] and len(kit.view("items")) == 1
    pipeline = VectorDB.replay(_written(db, ids[1], tmp_path))
    assert pipeline.reproduce(ids[1]).row.pipeline == "numbers#2" and pipeline.experiments() == []


def _written(db: VectorDB, prediction_id: str, folder: Path) -> Path:
    path = folder / "kit.jsonl"
    db.audit.kit(prediction_id, path)
    return path


def test_every_prediction_of_the_saga_from_every_kind_of_log(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    tell(path).close()
    with VectorDB.open(path, lazy=True) as db:
        for prediction in db.predictions():
            same_again(db, prediction.id, tmp_path / "kit.jsonl")
            same_again(db.fork(), prediction.id, tmp_path / "kit.jsonl")


def test_a_fork_of_a_fork_is_proven_across_its_joints(tmp_path: Path) -> None:
    db, _ = small()
    branch = db.fork(12)
    for number in range(9):
        branch.view("drivers").put(f"x-{number}", {"trips": number})
    twig = branch.fork(18)
    twig.view("drivers").put("d-7", {"trips": 70})
    for number in range(5):
        twig.view("drivers").put(f"y-{number}", {"trips": number})
    found = twig.record_prediction(twig.service("ranker").get("d-7", request={"km": 1.5}), model="risk")
    same_again(twig, found.id, tmp_path / "kit.jsonl")
    kit = read_kit(twig.audit.kit(found.id).raw)
    assert {12, 18} <= {*kit.edges, *(line.offset for line in kit.lines)}
    wrong = kit.header._replace(parent=kit.header.parent._replace(digest=bytes(32).hex()))  # type: ignore[union-attr]
    with pytest.raises(DamagedLog):
        read_kit(_sealed(twig.audit.kit(found.id).raw.replace(kit.header.line(), wrong.line())))


def _sealed(raw: bytes) -> bytes:
    """The same lines under a fresh seal."""
    body = b"".join(raw.splitlines(keepends=True)[:-1])
    return body + seal_line(body)


def test_damage_to_any_byte_is_refused() -> None:
    db, prediction_id = small()
    raw = db.audit.kit(prediction_id).raw
    assert read_kit(raw).title.size == db.head
    for place in range(len(raw)):
        for bit in (0, 5):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedLog):
                read_kit(bytes(damaged))
    for place in range(0, len(raw), 11):
        start, end = raw[:place], raw[place:]
        for other in (start, start + end[1:], start + b"0" + end, raw + b"\n"):
            with pytest.raises(DamagedLog):
                read_kit(other)


def test_damage_under_a_fresh_seal_is_refused(tmp_path: Path) -> None:
    db, prediction_id = small()
    raw, path = db.audit.kit(prediction_id).raw, tmp_path / "kit.jsonl"
    end = len(raw) - len(raw.splitlines(keepends=True)[-1])
    for place in range(0, end, 7):
        damaged = bytearray(raw)
        damaged[place] ^= 1
        path.write_bytes(_sealed(bytes(damaged)))
        with pytest.raises(DamagedLog):
            VectorDB.replay(path)
    lines = raw.splitlines(keepends=True)
    for number in range(len(lines) - 1):
        path.write_bytes(_sealed(b"".join(lines[:number] + lines[number + 1 :])))
        with pytest.raises(DamagedLog):
            VectorDB.replay(path)
        path.write_bytes(_sealed(b"".join([*lines[: number + 1], *lines[number:]])))
        with pytest.raises(DamagedLog):
            VectorDB.replay(path)


def test_a_kit_without_a_line_that_is_needed_is_refused_though_its_proofs_hold(tmp_path: Path) -> None:
    db, prediction_id = small()
    kit = db.audit.kit(prediction_id)
    assert kit.offsets == (1, 9, 11, 12, 13) and omitted_line(1, 2, [], None).startswith(b'{"after":[1,2]')
    title = KitTitle((13, 0), ((13, 0),), db.head, kit.root)
    for gone in (1, 9, 11):
        kept = tuple(offset for offset in kit.offsets if offset != gone)
        body = b"".join([title.line(), db.header.line(), *_lines(db.state, kept, db.head)])
        path = tmp_path / "kit.jsonl"
        path.write_bytes(body + seal_line(body))
        read_kit(path.read_bytes())
        with pytest.raises(DamagedLog):
            VectorDB.replay(path)
    body = b"".join([KitTitle((13, 0), ((12, 0), (13, 0)), db.head, kit.root).line(), db.header.line(),
                     *_lines(db.state, kit.offsets, db.head)])  # fmt: skip
    path.write_bytes(body + seal_line(body))
    with pytest.raises(DamagedLog, match="names predictions"):
        VectorDB.replay(path)


FEATURES: dict[str, Any] = {"a": Int(default=5), "b": Float(), "c": Category()}


def history(random: Random) -> tuple[VectorDB, list[str]]:
    """Writes of every shape to few entities: partial, late, ahead, deletes, batches, derived; predictions between."""
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=1)
    view = db.create_view("v", entity="e", features=FEATURES, ttl=random.choice([None, 30]))
    other = db.create_view("w", entity="e", features={"z": Int()})
    service = db.create_service("s", features=["v:a", "w:z", "v:b", "v:c"])
    versions: list[str] = []
    predictions: list[str] = []
    for _ in range(random.randint(5, 40)):
        clock.advance(random.choice([0, 0, 1, 7]))
        entity, event_time = random.choice("xyz"), START + random.choice([0, 3, 10, 60])
        cells = {"a": random.randint(0, 9), "b": random.choice([None, 0.5]), "c": random.choice(["p", None])}
        part = {name: cells[name] for name in random.sample("abc", random.randint(1, 3))}
        behind = random.sample([*versions, *predictions], min(len(versions), random.choice([0, 0, 1, 2])))
        kind = random.randrange(6)
        if kind == 0:
            receipt = view.delete(entity, event_time=random.choice([None, event_time]))
        elif kind == 1:
            receipt = other.put(entity, {"z": random.randint(0, 9)}, derived_from=behind)
        elif kind == 2:
            receipt = view.put_many({"e": ["x", "y", "x"], "a": [1, 2, 3]}, derived_from=behind)
        elif kind == 3:
            rows = service.get_many(random.sample("xyz", random.randint(1, 3)))
            predictions += [one.id for one in db.record_predictions(rows, model="m", outputs=list(range(len(rows))))]
            continue
        else:
            receipt = view.put(entity, part, event_time=random.choice([None, event_time]), derived_from=behind)
        versions += receipt.versions
    if random.random() < 0.5:
        db.create_view("v", entity="e", features={"a": Int(default=5), "d": Int(), "b": Float(), "c": Category()},
                       replace=True)  # fmt: skip
    return db, predictions


@pytest.mark.parametrize("seed", range(25))
def test_any_history(seed: int, tmp_path: Path) -> None:
    db, predictions = history(Random(seed))
    for prediction_id in predictions[:4] + predictions[4:][-2:]:
        same_again(db, prediction_id, tmp_path / "kit.jsonl")
        assert verify_bundle(db.audit.bundle(prediction_id), root=db.audit.root())


@pytest.mark.parametrize("before", [4090, 8195])
def test_whole_segments_are_left_out(before: int, tmp_path: Path) -> None:
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=3)
    view = db.create_view("v", entity="e", features={"a": Int(), "b": Int()})
    view.put("x", {"a": 1})
    for number in range(before):
        clock.advance(1)
        view.put("y", {"a": number})
    view.put("x", {"b": 2})
    for number in range(200):
        view.put("y", {"a": number})
    service = db.create_service("s", features=["v:a", "v:b"])
    found = db.record_prediction(service.get("x"), model="m", output=0)
    copy = same_again(db, found.id, tmp_path / "kit.jsonl")
    assert len((tmp_path / "kit.jsonl").read_bytes()) < 6000
    log = copy.state.log
    assert [event.offset for event in copy.events() if event.type != "event_omitted"] == [
        1, 2, before + 3, before + 204, before + 205]  # fmt: skip
    assert log.time_of(before + 2) == log.time_of(2) and log.time_of(before + 4) == db.state.log.time_of(before + 3)
    assert log.offset_at(log.last_time) == copy.head and log.offset_at(log.time_of(2)) == before + 2
    with pytest.raises(ReadOnlyLedger):
        copy.view("v").put("x", {"a": 1})
    assert copy.head == db.head and copy.reproduce(found.id).matches
    for as_of in (3, 4092, before + 2):
        assert VectorDB.replay(tmp_path / "kit.jsonl", as_of=as_of).view("v").get("x")["a"] == 1


def test_what_was_destroyed_is_in_no_kit_and_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    db, prediction_id = small()
    monkeypatch.setattr(RowPut, "type", "redacted")
    for ask in (db.audit.kit, db.audit.bundle):
        with pytest.raises(Erased):
            ask(prediction_id)
    monkeypatch.setattr(RowPut, "type", "pruned")
    for ask in (db.audit.kit, db.audit.bundle):
        with pytest.raises(Pruned):
            ask(prediction_id)


def test_it_takes_no_write(tmp_path: Path) -> None:
    db, prediction_id = small()
    copy = VectorDB.replay(_written(db, prediction_id, tmp_path))
    view, before = copy.view("drivers"), copy.digest()
    row = copy.service("ranker").get("d-7", request={"km": 2.0})
    writes: list[Any] = [
        lambda: view.put("d-1", {"trips": 1}),
        lambda: view.put_many({"driver": ["a"], "trips": [1]}),
        lambda: view.delete("d-7"),
        lambda: copy.mark("m"),
        lambda: copy.create_view("more", entity="driver", features={"x": Float()}),
        lambda: copy.record_prediction(row, model="risk"),
        copy.fork,
    ]
    for write in writes:
        with pytest.raises(ReadOnlyLedger):
            write()
    assert copy.head == 13 and copy.digest() == before and copy.reproduce(prediction_id).matches
    copy.check()


def test_what_is_left_out_says_so(tmp_path: Path) -> None:
    db, prediction_id = small()
    copy = VectorDB.replay(_written(db, prediction_id, tmp_path))
    assert [event.type for event in copy.events()].count("event_omitted") == 8
    assert not copy.view("drivers").get("d-3").found and copy.view("drivers").entities() == ["d-7"]
    questions: list[Any] = [
        lambda: copy.event(2).payload, lambda: copy.event(2).digest, lambda: copy.digest(3), copy.audit.root,
        lambda: copy.version("drivers/d-3@5"), lambda: copy.snapshot(tmp_path / "no.jsonl"),
        lambda: copy.state.log.row(5 << 24), lambda: copy.state.log.entity(5 << 24),
        lambda: copy.state.log.heavy(5 << 24, 0), lambda: copy.state.journal.line(5), lambda: copy.audit.proof(2),
    ]  # fmt: skip
    for ask in questions:
        with pytest.raises(Omitted):
            ask()
    assert copy.digest(8) == db.digest(8) and copy.digest(0) == db.digest(0)  # the next line binds it
    with pytest.raises(Omitted):
        VectorDB.replay(copy.events())
    assert copy.version("drivers/d-7@9") == db.version("drivers/d-7@9")


def test_it_replays_up_to_an_offset_and_into_own_projections(tmp_path: Path) -> None:
    class Seen(Projection):
        name, handles = "seen", ()

        def reset(self) -> None:
            self.offsets: list[int] = []

        def handlers(self) -> dict[Any, Any]:
            return {Fact: lambda event: self.offsets.append(event.offset)}

    db, prediction_id = small()
    path, seen = _written(db, prediction_id, tmp_path), Seen()
    for as_of in range(14):
        copy = VectorDB.replay(path, as_of=as_of)
        assert copy.head == as_of and copy.views() == ["drivers"][: as_of and 1]
        assert as_of == 0 or copy.view("drivers").get("d-7").found is (as_of >= 9)
    copy = VectorDB.replay(path, projections=[seen])
    assert seen.offsets == [1, 9, 11, 12, 13] and copy.projection("seen") is seen
    for wrong in (-1, 14, 2.0):
        with pytest.raises(OffsetOutOfRange):
            VectorDB.replay(path, as_of=wrong)  # type: ignore[arg-type]
    with pytest.raises(DamagedLog):
        VectorDB.open(path)


def test_the_tree_may_be_of_any_later_size(tmp_path: Path) -> None:
    db, prediction_id = small()
    for size in range(13, db.head + 1):
        kit = db.audit.kit(prediction_id, size=size)
        assert kit.root == db.audit.root(size) and read_kit(kit.raw).title.root == kit.root
        assert kit == db.as_of(size).audit.kit(prediction_id)
    assert kit.to_dict() == {"prediction": prediction_id, "offsets": [1, 9, 11, 12, 13], "size": 15,
                             "root": kit.root, "bytes": len(kit.raw)}  # fmt: skip
    with pytest.raises(InvalidInput):
        db.audit.kit(prediction_id, size=12)
    with pytest.raises(OffsetOutOfRange):
        db.audit.kit(prediction_id, size=16)
    with pytest.raises(UnknownVersion):
        db.audit.kit("drivers/d-7@9")


def test_the_main_job_takes_a_kit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db, prediction_id = lineage()
    path = _written(db, prediction_id, tmp_path)
    assert main([str(path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and report["predictions"]["recorded"] == report["predictions"]["inputs_reproduced"] == 2
    assert report["kit"]["prediction"] == [15, 0] and report["kit"]["root"] == db.audit.root()
    path.write_bytes(path.read_bytes().replace(b'"score"', b'"Score"'))
    assert main([str(path)]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "DigestMismatch"


def test_runs_between_are_cut_at_joints() -> None:
    assert list(runs_between([1, 2, 3], [])) == []
    assert list(runs_between([3, 9], [5, 8, 9, 1])) == [(1, 1), (2, 2), (4, 5), (6, 8)]
