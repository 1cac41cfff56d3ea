"""A line in other words than a writer's, its digest right: refused, or kept byte by byte; never rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.broken_ledger import Sealed
from tests.replay.fixtures import EVENTS
from vectordb import DamagedLog, VectorDB

TIME = Sealed().time + 1
WORDINGS = {
    "space": '"view":"users@1", "entity":"cid","features":[0],"values":[1]',
    "order of keys": '"entity":"cid","view":"users@1","features":[0],"values":[1]',
    "longer float": '"view":"users@1","entity":"cid","features":[1],"values":[0.50]',
    "exponent": '"view":"users@1","entity":"cid","features":[1],"values":[5E-1]',
    "escape": '"view":"users@1","entity":"\\u0063id","features":[0],"values":[1]',
    "minus zero": '"view":"users@1","entity":"cid","features":[0],"values":[-0]',
    "needless event time": f'"view":"users@1","entity":"cid","event_time":{TIME},"features":[0],"values":[1]',
    "no sources": '"view":"users@1","entity":"cid","features":[0],"values":[1],"derived_from":[]',
    "no tags": '"view":"users@1","entity":"cid","features":[0],"values":[1],"meta":{"tags":[]}',
}


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_snapshot_is_never_a_damaged_ledger(wording: str, tmp_path: Path) -> None:
    lines = Sealed().text(WORDINGS[wording]).lines
    (tmp_path / EVENTS).write_bytes(b"".join(lines))
    try:
        db = VectorDB.replay(tmp_path / EVENTS)
        db.snapshot(tmp_path / "copy.jsonl")
    except DamagedLog as error:
        assert (error.values["line"], error.values["offset"]) == (5, 4)
    else:
        assert (tmp_path / "copy.jsonl").read_bytes() == b"".join(lines)
        assert VectorDB.replay(tmp_path / "copy.jsonl").digest() == db.digest()
