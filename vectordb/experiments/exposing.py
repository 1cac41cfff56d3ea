"""Recording exposures: what is new of some assignments, in one event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ledger import Entity, Exposure, ExposuresRecorded, Meta
from vectordb.experiments.assignment import RECORDED, Assignment
from vectordb.experiments.exposed import recorded

if TYPE_CHECKING:
    from vectordb.database import VectorDB


def record_exposures(
    db: VectorDB, found: Sequence[Assignment], event_time: int | None, meta: Meta | None
) -> list[Assignment]:
    """The assignments as they stand in the log, those recorded that were not yet. The caller holds the lock.

    All are of one version of one experiment.
    """
    new: dict[Entity, Assignment] = {}
    answers: list[Assignment] = []
    for one in found:
        known = recorded(db.state, one) if one.reason in RECORDED and one.arm is not None else one
        if known is None:
            new.setdefault(one.unit, one)
        answers.append(known or one)
    if new:
        label = found[0].experiment
        rows = tuple(Exposure(one.unit, one.arm or "", one.reason, one.propensity) for one in new.values())

        def exposed(offset: int, time: int) -> ExposuresRecorded:
            return ExposuresRecorded(label, rows, time if event_time is None else event_time)

        db.writer.commit(exposed, meta)
    return answers
