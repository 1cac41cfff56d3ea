"""Tree heads and proofs of a database, however its log is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.proofs.trees import naive_root
from tests.vectordb.audit.cases import small, tell
from vectordb import (
    InvalidProof,
    OffsetOutOfRange,
    VectorDB,
    parse_tree_head,
    verify_consistency,
    verify_inclusion,
)

HELD = ["memory", "file", "reopened", "lazy", "fork", "snapshot", "replayed", "fork of lazy"]


@pytest.fixture(params=HELD)
def db(request: Any, tmp_path: Path) -> Iterator[VectorDB]:
    """The same events, held in one of the ways there are; all of them can be written to."""
    name, path = request.param, tmp_path / "ledger.jsonl"
    opened = [tell(path if name in {"file", "reopened", "lazy", "fork of lazy"} else None)]
    if name in {"reopened", "lazy", "fork of lazy"}:
        opened[0].close()
        opened.append(VectorDB.open(path, lazy="lazy" in name))
    elif name == "snapshot":
        opened[0].snapshot(path)
        opened.append(VectorDB.open(path))
    elif name == "replayed":
        opened.append(VectorDB.replay(opened[0].events()))
    if "fork" in name:
        opened.append(opened[-1].fork())
    yield opened[-1]
    for one in opened:
        one.close()


def leaves(db: VectorDB) -> list[bytes]:
    return [bytes.fromhex(event.digest) for event in db.events()]


def test_the_root_is_that_of_the_digests_at_every_size(db: VectorDB) -> None:
    own = leaves(db)
    assert [db.audit.root(size) for size in range(db.head + 1)] == [
        naive_root(own[:size]).hex() for size in range(db.head + 1)
    ]
    assert db.audit.root() == db.audit.root(db.head) == db.as_of(db.head).audit.root()
    assert db.as_of(3).audit.root() == db.audit.root(3)


def test_every_event_is_proven_at_every_later_size(db: VectorDB) -> None:
    for size in (1, 2, db.head // 2, db.head):
        for offset in range(1, size + 1):
            proof = db.audit.proof(offset, size)
            assert proof.verify() and proof.root == db.audit.root(size) and proof.digest == db.event(offset).digest
            assert verify_inclusion(**proof.to_dict())
    assert db.as_of(5).audit.proof(2) == db.audit.proof(2, 5)


def test_an_old_tree_head_is_consistent_after_more_was_appended(db: VectorDB) -> None:
    old = parse_tree_head(db.audit.tree_head())
    assert (old.origin, old.size, old.root.hex()) == (f"vectordb/{db.header.ledger_id}", db.head, db.audit.root())
    for number in range(40):
        db.view("other").put(f"o-{number}", {"x": number})
    proof = db.audit.consistency(old.size)
    assert proof.first_root == old.root.hex() and proof.second_root == db.audit.root() and proof.verify()
    assert verify_consistency(**proof.to_dict())
    for first in range(0, db.head + 1, 7):
        assert db.audit.consistency(first).verify() and db.audit.consistency(first, db.head - 1 or 1) if first else True
    other = tell()
    other.view("other").put("o-0", {"x": -1})
    with pytest.raises(InvalidProof):
        verify_consistency(**{**proof.to_dict(), "first": other.head, "first_root": other.audit.root()})


def test_a_fork_has_the_tree_of_its_parent_and_then_its_own(tmp_path: Path) -> None:
    db, _ = small(tmp_path / "ledger.jsonl")
    branch = db.fork(8)
    assert branch.audit.root() == db.audit.root(8) and branch.audit.proof(3) == db.audit.proof(3, 8)
    branch.view("drivers").put("d-1", {"trips": 5})
    db_root = db.audit.root(9)
    assert branch.audit.root() != db_root and branch.audit.consistency(8).verify()
    assert branch.audit.consistency(8).first_root == db.audit.root(8)
    assert branch.audit.tree_head().split("\n")[0] != db.audit.tree_head().split("\n")[0]
    db.close()


def test_nothing_is_hashed_before_it_is_asked_for(tmp_path: Path) -> None:
    db, _ = small()
    db.audit.root(3)
    assert db.state.log.chain.known == 3
    db.audit.proof(2)
    assert db.state.log.chain.known == db.head


@pytest.mark.parametrize("size", [-1, 99, 1.0, True, "3"])
def test_a_size_that_the_log_never_had_is_refused(size: Any) -> None:
    db, _ = small()
    audit = db.audit
    asks = [audit.root, audit.tree_head, lambda size: audit.proof(1, size), lambda size: audit.consistency(1, size)]
    for ask in asks:
        with pytest.raises(OffsetOutOfRange):
            ask(size)
    for ask in (audit.proof, audit.consistency):
        with pytest.raises(OffsetOutOfRange):
            ask(size)
    with pytest.raises(OffsetOutOfRange):
        audit.proof(0)
    with pytest.raises(OffsetOutOfRange):
        db.as_of(3).audit.root(4)
