"""A dry run: which units would move, if an experiment changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import Entity, ExperimentDefinition, entity_to_json
from vectordb.batches.entity_ids import check_ids
from vectordb.experiments.answering import make_assigner, seen_by
from vectordb.experiments.assignment import SPLIT, STICKY, Assignment
from vectordb.experiments.defining import changed, check_fits
from vectordb.experiments.exposed import exposed_units
from vectordb.experiments.selecting import units_of

if TYPE_CHECKING:
    from vectordb.experiments.experiment import Experiment


class Move(NamedTuple):
    """A unit that would get another arm (None: none), and why.

    ``why`` is the reason of the new answer; for a unit that comes in, what keeps it out now.
    """

    unit: Entity
    before: str | None
    after: str | None
    why: str


@dataclass(frozen=True)
class DryRun:
    """Who would move under a changed definition, among ``units`` units that were asked about.

    >>> run = DryRun("ranking@1", 4, (Move("u-1", None, "b", "traffic"),))
    >>> run.counts, run.share
    ({(None, 'b', 'traffic'): 1}, 0.25)
    """

    experiment: str
    units: int
    moves: tuple[Move, ...]

    @property
    def counts(self) -> dict[tuple[str | None, str | None, str], int]:
        """How many move from which arm to which, and why."""
        return dict(Counter((move.before, move.after, move.why) for move in self.moves))

    @property
    def share(self) -> float:
        """The share of the units that move."""
        return len(self.moves) / self.units if self.units else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        names = ("from", "to", "why", "units")
        counts = [dict(zip(names, (*key, number))) for key, number in self.counts.items()]
        moves = [[entity_to_json(move.unit), *move[1:]] for move in self.moves]
        return {"experiment": self.experiment, "units": self.units, "counts": counts, "moves": moves}


def dry_run(experiment: Experiment, among: str | Iterable[Entity] | None, changes: Mapping[str, Any]) -> DryRun:
    """Compares what an experiment, pinned to an offset and clock, answers with what it would answer."""
    reader, definition = experiment._reader, experiment.definition
    following = changed(definition, changes)
    reader.consistently(check_fits, reader, following)
    units = _units(experiment, definition, among)
    before = experiment.assign_many(units)
    after = reader.consistently(_assign_by, experiment, following, units)
    moves = [_move(old, new) for old, new in zip(before, after) if old.arm != new.arm]
    return DryRun(definition.label, len(units), tuple(moves))


def _units(experiment: Experiment, definition: ExperimentDefinition, among: Any) -> list[Entity]:
    if among is None:
        return experiment._reader.consistently(exposed_units, experiment._reader, definition.name)
    if isinstance(among, str):
        return units_of(experiment._reader, definition, among)
    return check_ids(among, "dry_run")


def _assign_by(experiment: Experiment, definition: ExperimentDefinition, units: list[Entity]) -> list[Assignment]:
    reader = experiment._reader
    return make_assigner(reader, definition).assign_many(units, seen_by(reader, definition))


def _move(old: Assignment, new: Assignment) -> Move:
    comes_in = old.arm is None and new.reason in (SPLIT, STICKY)
    return Move(new.unit, old.arm, new.arm, old.reason if comes_in else new.reason)
