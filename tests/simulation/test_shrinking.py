"""The shrinker, on models that are wrong on purpose: what is left is what the mistake needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulation.checks import check_now, replay, run
from tests.simulation.model import Model
from tests.simulation.shrinking import kind_of, shrink
from tests.simulation.steps import History, Step
from tests.simulation.test_simulation import keep_shrunk
from tests.simulation.workload import Workload
from vectordb import VectorDB


def deaf_to_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model forgets what a delete does."""
    write = Model.write

    def told(self: Model, rows: list[Any], time: int) -> None:
        write(self, rows, time)
        for found in (*self.writes.values(), *self.stories.values()):
            found[:] = [one for one in found if one.values is not None]

    monkeypatch.setattr(Model, "write", told)


def failure(seed: int, path: Path) -> tuple[History, BaseException]:
    """A run of a model that fails."""
    work = Workload(seed, str(path))
    try:
        with pytest.raises(AssertionError) as caught:
            run(work, 60)
    finally:
        work.release()
    return work.history, caught.value


def test_a_failure_is_told_again_by_its_seeds_and_shrunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf_to_deletes(monkeypatch)
    history, error = failure(1, tmp_path / "whole.jsonl")
    again = replay(history, tmp_path / "again.jsonl")
    assert again is not None and kind_of(again) == kind_of(error)
    path = tmp_path / "short.jsonl"
    found = replay(history, path, check_now)
    assert found is not None
    short = shrink(history, found, lambda trial: replay(trial, path, check_now))
    assert 2 <= len(short.steps) <= 4, short
    assert {"delete", "transaction"} & {step.operation for step in short.steps}
    for number in range(len(short.steps)):
        fewer = short.keep(short.steps[:number] + short.steps[number + 1 :])
        assert replay(fewer, path, check_now) is None


def test_what_is_left_is_kept_as_a_ledger_and_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf_to_deletes(monkeypatch)
    monkeypatch.setattr("tests.simulation.shrinking.SECONDS", 0.0)  # the time is over: the history stays as it is
    history, error = failure(2, tmp_path / "whole.jsonl")
    keep_shrunk(history, error, tmp_path / "kept")
    [_, note] = error.__notes__
    assert str(tmp_path / "kept" / "steps.json") in note and f"{len(history.steps)} of" in note
    kept = History.load(tmp_path / "kept" / "steps.json")
    assert kept == history
    with VectorDB.open(tmp_path / "kept" / "events.jsonl", read_only=True) as db:
        assert db.head >= 2
    assert replay(kept, tmp_path / "again.jsonl") is not None


def test_only_what_the_failure_needs_is_left() -> None:
    steps = tuple(Step(f"op{number}", number) for number in range(40))
    needed = {3, 17, 18, 39}

    def trial(history: History) -> BaseException | None:
        there = {step.seed for step in history.steps}
        return ValueError("all there") if needed <= there else KeyError("another") if 3 in there else None

    error = trial(History(1, steps))
    assert error is not None
    assert {step.seed for step in shrink(History(1, steps), error, trial).steps} == needed
