"""Every answer under load is the answer at an offset that was the head at some moment of its call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.concurrency.judging import Judge
from tests.concurrency.load import Load

SECONDS = 0.7
KINDS = {"rows", "batch", "past", "history", "entities", "hits", "served", "assigned", "tallied"}


def judged(load: Load, seconds: float) -> Judge:
    """Run a load, and have everything that it was shown judged."""
    load.run(seconds)
    judge = Judge(load)
    for seen in load.seen:
        judge.check(seen)
    load.close()
    return judge


@pytest.mark.parametrize("kind", ["memory", "file", "lazy"])
def test_every_answer_is_of_one_offset_within_its_call(kind: str, tmp_path: Path) -> None:
    path = None if kind == "memory" else tmp_path / "events.jsonl"
    judge = judged(Load(1, path, lazy=kind == "lazy"), SECONDS)
    assert set(judge.met) >= KINDS or judge.met.total() < 500, judge.met
