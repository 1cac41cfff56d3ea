"""Verification after erasures and compactions: what is whole holds, and damage in a rewritten line is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import chain_digest
from ledger.facts.event_pruned import NOTHING_LEFT
from ledger.header import seal_redacted
from tests.vectordb.audit.cases import lineage, small, wide
from tests.vectordb.erasing.history import ENTITIES, _write, opened, random_history, secretive
from vectordb import DigestMismatch, Int, InvalidInput, VectorDB


def holds(db: Any) -> None:
    report = db.audit.verify()
    assert report.ok, str(report)


def rewritten(db: VectorDB, random: Random, times: int) -> VectorDB:
    """Erasures and compactions, with writes between them."""
    clock: Any = db.state.clock
    for _ in range(times):
        if random.random() < 0.5:
            try:
                db.erase(random.choice(["one", "two"]), random.sample(ENTITIES, random.randint(1, 2)), reason="asked")
            except InvalidInput:
                continue  # nothing is known of them
        elif db.head > db.state.log.pruned + 1:
            db.compact(below=random.randint(db.state.log.pruned + 1, db.head))
        for _ in range(random.randint(0, 4)):
            clock.advance(1)
            _write(db, random)
    return db


@pytest.mark.parametrize("seed", range(12))
def test_a_healthy_database_holds_in_every_form(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    path = tmp_path / "ledger.jsonl" if seed % 2 else None
    db = random_history(opened(path, **({"lazy": seed % 4 == 1} if path else {})), random, 25)
    early = db.fork(random.randint(1, db.head))
    rewritten(db, random, 4)
    holds(db)
    holds(early)
    holds(db.as_of(random.randint(db.state.log.pruned, db.head)))
    db.snapshot(tmp_path / "copy.jsonl")
    holds(VectorDB.replay(tmp_path / "copy.jsonl"))
    if path is not None:
        db.checkpoint(tmp_path / "checkpoint")
        db.close()
        for options in ({}, {"lazy": True}, {"checkpoint": tmp_path / "checkpoint"}):
            with VectorDB.open(path, **options) as again:
                holds(again)


@pytest.mark.parametrize("seed", range(6))
def test_forks_of_forks_settle_what_they_inherited(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    db = random_history(opened(None), random, 25)
    db.erase("one", "a" if "a" in db.view("one").entities() else db.view("one").entities()[0], reason="asked")
    for offset in (random.randint(1, db.head), db.head):
        fork = rewritten(db.fork(offset), random, 2) if db.as_of(offset).views() == ["one", "two"] else db.fork(offset)
        fork.mark("grown")
        for branch in (fork, fork.fork(fork.head), fork.fork(fork.head - 1)):
            holds(branch)
            if branch.state.log.pruned <= branch.state.log.registry.compacted:
                branch.snapshot(tmp_path / "fork.jsonl")
                holds(VectorDB.replay(tmp_path / "fork.jsonl"))


def test_a_forks_header_vouches_for_what_its_parent_redacted_later(tmp_path: Path) -> None:
    db = opened(None)
    view = db.create_view("people", entity="person", features={"n": Int()})
    for entity in ("a", "b"):
        view.put(entity, {"n": 1})
    db.erase("people", "a", reason="asked")
    fork = db.fork(3)
    assert fork.header.parent is not None
    assert fork.header.parent.redacted == ((2, db.state.log.chain.redacted[2].hex()),)
    whole = db.fork(4)
    assert whole.header.parent is not None and whole.header.parent.redacted == ()
    holds(fork)
    fork.view("people").put("c", {"n": 2})
    twig = fork.fork(4)  # at the number of the erasure, which is another event here
    assert twig.header.parent is not None and twig.header.parent.redacted == fork.header.parent.redacted
    fork.erase("people", "b", reason="asked")
    for number, branch in enumerate((fork, twig)):
        path = tmp_path / f"{number}.jsonl"
        branch.snapshot(path)
        holds(VectorDB.replay(path))
        lines = path.read_bytes().splitlines(keepends=True)
        left = b'"was":"row_put@1","by":99,"writes":[{"view":"people@1","erased":1}]'
        forged = b'{"offset":2,"time":%d,"type":"redacted@1",%b' % (db.event(2).time, left)
        now = chain_digest(bytes.fromhex(db.header.ledger_id), bytes.fromhex(db.digest(1)), forged)
        lines[2] = seal_redacted(forged, now, bytes.fromhex(db.digest(2)))
        path.write_bytes(b"".join(lines))
        with pytest.raises(DigestMismatch, match="what became of a line"):
            VectorDB.replay(path)


def test_what_cannot_be_compared_is_noted() -> None:
    db = secretive(opened(None))
    db.compact(below=db.head - 2)
    db.erase("people", "p1", reason="asked")
    report = db.audit.verify()
    assert report.ok, str(report)
    notes = report.check("digests").notes
    assert any("of a line that was pruned only the digest is kept" in note for note in notes)
    assert any("of a line that was redacted the digest of what is left is checked" in note for note in notes)
    assert any("inputs not compared" in note for note in report.check("predictions").notes)
    assert report.check("rewritten lines").count > 2


# -- damage --------------------------------------------------------------------------------------------------------


def batch() -> VectorDB:
    """Offset 2 is redacted, 3 and 4 are pruned, 5 is whole."""
    db = opened(None)
    people = db.create_view("people", entity="person", features={"n": Int()})
    people.put_many({"person": ["a", "b"], "n": [1, 2]})
    for number in (3, 4, 5):
        people.put("c", {"n": number})
    db.erase("people", "a", reason="asked")
    db.compact(below=5)
    log = db.state.log
    assert [log.event(offset).type for offset in (2, 3, 4, 5)] == ["redacted", "pruned", "pruned", "row_put"]
    holds(db)
    return db


def _payloads(db: VectorDB) -> Any:
    return db.state.log._segments[0]


def no_second_digest(db: VectorDB) -> None:
    del db.state.log.chain.redacted[2]


def other_second_digest(db: VectorDB) -> None:
    db.state.log.chain.redacted[2] = bytes(32)


def other_first_digest(db: VectorDB) -> None:
    db.state.log.chain._digests[2 * 32] ^= 1


def pruned_too_much(db: VectorDB) -> None:
    segment = _payloads(db)
    segment.payloads[1], segment.shapes[1], segment.entities[1] = NOTHING_LEFT, type(NOTHING_LEFT), None
    db.state.log.chain.redacted.pop(2)


DAMAGE: dict[Callable[[VectorDB], None], str] = {
    no_second_digest: "digests",
    other_second_digest: "digests",
    other_first_digest: "rewritten lines",
    pruned_too_much: "rewritten lines",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_in_a_rewritten_line_is_found(damage: Callable[[VectorDB], None]) -> None:
    db = batch()
    damage(db)
    report = db.audit.verify()
    assert not report.check(DAMAGE[damage]).ok, str(report)


def test_a_rest_that_was_changed_with_its_digest_is_vouched_for_by_nobody() -> None:
    db = batch()
    log = db.state.log
    segment = _payloads(db)
    fact = segment.payloads[1]
    fact.gaps = (fact.gaps[0]._replace(size=fact.gaps[0].size + 1),)
    log.chain.redacted[2] = log.chain.now(2, log.body(2))
    report = db.audit.verify()
    assert report.check("digests").ok and not report.check("rewritten lines").ok, str(report)
    assert "names what is left of it" in str(report.check("rewritten lines").difference)


def compacted(path: Path) -> VectorDB:
    """A file whose first put is pruned; the others are there."""
    db = opened(path)
    view = db.create_view("people", entity="person", features={"n": Int()})
    for entity in ("a", "a", "b", "c"):
        view.put(entity, {"n": 1})
    db.compact(below=db.head)
    return db


def test_a_line_that_a_compaction_kept_cannot_be_taken_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    db = compacted(path)
    db.close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[2].startswith(b'{"offset":2,"digest"') and b'"b"' in lines[4]
    lines[4] = b'{"offset":4' + lines[4][-len(b',"digest":""}\n') - 64 :]
    path.write_bytes(b"".join(lines))
    with pytest.raises(DigestMismatch, match="count the lines that they pruned"):
        VectorDB.open(path)


def test_an_erased_line_does_not_come_back_below_a_compaction_either(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    db = compacted(path)
    before = path.read_bytes().splitlines(keepends=True)
    db.erase("people", "b", reason="asked")
    db.compact(below=db.head)
    db.close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"b"' in before[4] and before[4] != lines[4]
    path.write_bytes(b"".join([*lines[:4], before[4], *lines[5:]]))
    with pytest.raises(DigestMismatch):
        VectorDB.open(path)


# -- kits ----------------------------------------------------------------------------------------------------------


def test_a_kit_is_verified_as_far_as_it_goes(tmp_path: Path) -> None:
    for db, prediction in (small(), lineage(), (wide()[0], wide()[1][0])):
        db.audit.kit(prediction, tmp_path / "kit.jsonl")
        kit = VectorDB.replay(tmp_path / "kit.jsonl")
        holds(kit)
        assert any("a kit holds only" in note for note in kit.audit.verify().check("digests").notes)
        for offset in range(kit.head):
            holds(kit.as_of(offset))


def test_damage_of_a_kit_in_memory_is_found(tmp_path: Path) -> None:
    db, prediction = small()
    db.audit.kit(prediction, tmp_path / "kit.jsonl")
    kit = VectorDB.replay(tmp_path / "kit.jsonl")
    kit.state.log.chain._held[kit.head] = bytes(32)
    assert not kit.audit.verify().check("digests").ok
