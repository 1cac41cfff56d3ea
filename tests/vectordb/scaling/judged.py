"""The judge of a run of many processes: no gap, no duplicate, every follower as a fresh replay."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.vectordb.scaling.worker import EVERY, TALLY, Run, told
from vectordb import VectorDB


def check_run(lines: list[bytes], run: Run, folder: Path, writers: int, events: int) -> VectorDB:
    """Compare what was written with what should have been, and the followers with a replay of the lines."""
    path = folder / "judge.jsonl"
    path.write_bytes(b"".join(lines))
    judge = VectorDB.replay(path)
    assert [event.offset for event in judge.events()] == list(range(1, 2 + writers * events))
    keys = Counter(event.fact.origin and event.fact.origin.key for event in judge.events(2))  # type: ignore[attr-defined]
    tallied = keys.pop(None)
    own = [number for number in range(events) if number % EVERY]
    assert keys == Counter({f"w{writer}-{number}": 1 for writer in range(writers) for number in own})
    assert tallied == writers * (events - len(own)) == judge.view("counters").get(TALLY)["n"]
    expected = told(judge)
    for follower in run.followers:
        assert {name: follower[name] for name in expected} == expected
        assert len(follower["lags"]) == writers * events
    return judge
