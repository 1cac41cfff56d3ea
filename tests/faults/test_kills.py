"""SIGKILL at random moments: every acknowledged write is there, no half event, the lock is free.

Some kills here; ``python -m tests.bench.crash --kills 300`` for hundreds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.killing import Killer, table
from vectordb import Int, VectorDB

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def test_killed_writers_leave_every_acknowledged_write(tmp_path: Path) -> None:
    with Killer(tmp_path, seed=7) as killer:
        killer.kill_many(10)
    total = {name: sum(found[name] for found in killer.counts.values()) for name in ("kills", "acknowledged", "found")}
    assert total["kills"] == 10
    assert total["found"] == total["acknowledged"] > 20
    assert table(killer.counts).count("\n") == len(killer.counts) + 2


def test_a_killed_follower_leaves_the_writer_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Killer(tmp_path, seed=8) as killer, VectorDB.open(path) as db:
        view = db.create_view("numbers", entity="number", features={"n": Int()})
        for number in range(3):
            pid = killer.start({"path": str(path), "mode": "follow"})
            for place in range(20):
                view.put(f"e{place}", {"n": number})
            acks, _ = killer.finish(pid, [killer._hear()])
            assert all(db.digest(offset) == digest for offset, digest in acks)
            view.put("after", {"n": number})
        assert db.head == 1 + 3 * 21
    with VectorDB.open(path) as again:
        assert again.head == db.head
