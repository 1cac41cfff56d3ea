"""The simulation: random histories, compared with the model after every step, now and at any past.

``--sim-seeds N --sim-steps M --sim-first-seed S`` run more; a failure names its seed and step, and is told again with
ever fewer steps. What is left of it is kept in a folder that the error names: ``--sim-history FOLDER/steps.json`` tells
it once more.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.checks import replay, run
from tests.simulation.rules import RULES, required_pairs
from tests.simulation.shrinking import shrink
from tests.simulation.steps import History
from tests.simulation.workload import Workload


def test_every_reader_agrees_with_the_model(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    seeds, steps, first = (request.config.getoption(f"--sim-{name}") for name in ("seeds", "steps", "first-seed"))
    pairs: Counter[frozenset[str]] = Counter()
    operations: Counter[str] = Counter()
    for seed in range(first, first + seeds):
        work = Workload(seed, str(tmp_path / f"{seed}.jsonl"))
        try:
            run(work, steps)
        except Exception as error:
            keep_shrunk(work.history, error, tmp_path / f"shrunk-{seed}")
            raise
        pairs.update(work.pairs)
        operations.update(step.operation for step in work.steps)
    never = sorted(map(sorted, required_pairs() - set(pairs)))
    print(f"\nsimulation: {dict(operations)}, {len(pairs)} pairs of rules, the rarest {pairs.most_common()[-3:]}")
    assert not never or seeds * steps < 600, f"pairs of rules never met: {never}"
    assert {rule for pair in pairs for rule in pair} == set(RULES) or seeds * steps < 600


def keep_shrunk(history: History, error: BaseException, folder: Path) -> None:
    """The shortest history found that fails alike, with its ledger; the error says where."""
    folder.mkdir()
    path = folder / "events.jsonl"
    short = shrink(history, error, lambda trial: replay(trial, path))
    replay(short, path)  # leaves its ledger there
    short.save(folder / "steps.json", error)
    error.add_note(f"simulation: {len(short.steps)} of {len(history.steps)} steps are left: {folder / 'steps.json'}")


def test_a_history_that_was_kept(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = request.config.getoption("--sim-history")
    if path is None:
        pytest.skip("no --sim-history was given")
    error = replay(History.load(Path(path)), tmp_path / "events.jsonl")
    if error is not None:
        raise error
