"""What must hold after a fault: memory and file agree, and nothing was left beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ledger import ManualClock
from vectordb import VectorDB
from vectordb.testing import state_of

LATE = "2026-01-01T00:01:00Z"


def shown(db: VectorDB) -> dict[str, Any]:
    """Head, digest and everything that a database shows at its head."""
    trials = {name: (db.experiment(name).exposures(), db.experiment(name).history()) for name in db.experiments()}
    return {
        "head": db.head,
        "digest": db.digest(),
        "state": state_of(db),
        "predictions": [prediction.id for prediction in db.predictions()],
        "trials": trials,
    }


def fresh(path: Path) -> VectorDB:
    """The ledger as another process would open it to read."""
    return VectorDB.open(path, clock=ManualClock(LATE), read_only=True)


def assert_agrees(db: VectorDB, path: Path) -> None:
    """A fresh open shows the same offset, digest and state as the live database, and no torn tail."""
    with fresh(path) as other:
        assert other.opened.torn_bytes == 0
        assert shown(other) == shown(db)
    assert path.read_bytes() == b"".join(db.state.journal.line(offset) for offset in range(db.head + 1))


def beside(path: Path) -> list[str]:
    """The names in the folder of a ledger, besides its own and its lock's."""
    return sorted(found.name for found in path.parent.iterdir() if found.name not in (path.name, f"{path.name}.lock"))


def descriptors() -> int:
    """Open files of this process; 0 where the system does not tell."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
