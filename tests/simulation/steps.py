"""Steps: a run of the simulation as plain data, so that it can be told again, in part too.

A step is an operation and the seed of every choice that it makes, the checks after it included. What a choice falls on
also depends on the history before it, so a step that stays while others are dropped does something alike, not the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """One operation of a workload, by its name."""

    operation: str
    seed: int


class History(NamedTuple):
    """The seed of a workload (its views, its ledger), and what it did."""

    seed: int
    steps: tuple[Step, ...]

    def keep(self, steps: Sequence[Step]) -> History:
        """The same workload with other steps."""
        return self._replace(steps=tuple(steps))

    def save(self, path: Path, error: BaseException) -> None:
        """Write it as JSON, with what it led to."""
        plain = {"seed": self.seed, "error": repr(error)[:1_000], "steps": [list(step) for step in self.steps]}
        path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def load(path: Path) -> History:
        """Read what ``save`` wrote."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        return History(plain["seed"], tuple(Step(*step) for step in plain["steps"]))
