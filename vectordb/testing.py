"""Stories: a ledger and what it must show, as files; for your own tests and for this project's.

``record_story(db, folder, at=[...])`` writes ``events.jsonl`` and ``expected.json``; ``assert_story(folder)``
replays the events into a fresh instance and compares. What is compared at each offset: every view (its
definition, and every entity's found, version, values, statuses and sources), the names that are defined,
and at the head the digest and every prediction with its reproduction.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from ledger import ManualClock, from_micros, to_micros
from vectordb.database import VectorDB
from vectordb.reader import Reader

EVENTS, EXPECTED = "events.jsonl", "expected.json"


class StoryMismatch(AssertionError):
    """A replay shows something else than its story says; the message names the place."""


def record_story(db: VectorDB, folder: str | os.PathLike[str], at: Iterable[int] = ()) -> None:
    """Write the log of a database and its state at the head and at some earlier offsets to a folder."""
    os.makedirs(folder, exist_ok=True)
    db.snapshot(os.path.join(folder, EVENTS))
    clock = to_micros(db.at)
    story = _tell(db, clock, sorted({*at, db.head}))
    text = json.dumps(story, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    with open(os.path.join(folder, EXPECTED), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def assert_story(folder: str | os.PathLike[str]) -> VectorDB:
    """Replay a story into a fresh instance and compare; the instance. Raises ``StoryMismatch``."""
    with open(os.path.join(folder, EXPECTED), encoding="utf-8") as file:
        expected = json.load(file)
    clock = ManualClock(from_micros(expected["clock"]))
    db = VectorDB.replay(os.path.join(folder, EVENTS), clock=clock)
    db.check()
    found = json.loads(json.dumps(_tell(db, expected["clock"], [int(offset) for offset in expected["states"]])))
    _compare(expected, found, os.fspath(folder))
    return db


def _tell(db: VectorDB, clock: int, offsets: Iterable[int]) -> dict[str, Any]:
    states = {str(offset): state_of(db.as_of(offset)) for offset in offsets}
    predictions = [_prediction(db, prediction.id) for prediction in db.predictions()]
    live = state_of(db)
    return {
        "clock": clock,
        "digest": db.digest(),
        "head": db.head,
        "live": live,
        "states": states,
        "predictions": predictions,
    }


def state_of(reader: Reader) -> dict[str, Any]:
    """Everything that a reader shows, as plain data; floats as hex, so that equal means equal bits."""
    views = {}
    for name in reader.views():
        view = reader.view(name)
        written = sorted({repr(entity): entity for entity in reader.written_entities(name)}.items())
        rows = {text: _row(view.get(entity)) for text, entity in written}
        views[name] = {"definition": view.definition.to_json(), "rows": rows, "found": len(view)}
    return {"views": views, "services": reader.services(), "models": reader.models()}


def _row(row: Any) -> dict[str, Any]:
    cells = {name: _exact(row.cell(name)) for name in row}
    return {
        "found": row.found,
        "version": row.version,
        "values": cells,
        "status": {name: str(status) for name, status in row.status.items()},
        "versions": row.versions,
    }


def _prediction(db: VectorDB, prediction_id: str) -> dict[str, Any]:
    prediction, result = db.prediction(prediction_id), db.reproduce(prediction_id)
    return {
        "id": prediction_id,
        "inputs": {name: _exact(value) for name, value in prediction.inputs.items()},
        "output": _exact(prediction.output),
        "reproduced": {"inputs": result.inputs, "output": result.output},
    }


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return value.hex()
    return [_exact(item) for item in value] if isinstance(value, list) else value


def _compare(expected: Any, found: Any, place: str) -> None:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*expected, *found]):
            if key not in expected or key not in found:
                raise StoryMismatch(f"{place}/{key}: only in {'the story' if key in expected else 'the replay'}")
            _compare(expected[key], found[key], f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (left, right) in enumerate(zip(expected, found, strict=True)):
            _compare(left, right, f"{place}/{number}")
    elif expected != found:
        raise StoryMismatch(f"{place}: the story says {expected!r}, the replay shows {found!r}")
