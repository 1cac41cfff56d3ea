"""Where the stored ledgers lie, and how one is replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ledger import ManualClock, from_micros
from vectordb import VectorDB

ROOT = Path(__file__).resolve().parents[2]
V1 = ROOT / "replay_fixtures" / "v1"
INVALID = ROOT / "replay_fixtures" / "invalid"
EVENTS, EXPECTED, ERROR = "events.jsonl", "expected.json", "error.json"


def folders(place: Path) -> list[str]:
    """The names of the ledgers in a folder."""
    return sorted(path.name for path in place.iterdir() if path.is_dir())


def expected(name: str) -> dict[str, Any]:
    """What the story of that name must show."""
    found: dict[str, Any] = json.loads((V1 / name / EXPECTED).read_text("utf-8"))
    return found


def replayed(name: str) -> VectorDB:
    """A story's ledger in a fresh instance, at the clock it was recorded at."""
    clock = ManualClock(from_micros(expected(name)["clock"]))
    return VectorDB.replay(V1 / name / EVENTS, clock=clock)


def to_json(data: Any) -> str:
    """The text of an expected file."""
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
