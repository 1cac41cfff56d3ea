"""Replaying a kit: a database of the events that one prediction rests on, which can be asked and not written to."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from ledger import (
    KIT_START,
    Clock,
    DamagedLog,
    KitJournal,
    KitLog,
    OffsetOutOfRange,
    PredictionsRecorded,
    read_kit,
)
from projections import Projection
from vectordb.state import State


def is_kit(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a kit does. A pipe or a device is none: to read it might wait for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return False
    with open(path, "rb") as file:
        return file.read(len(KIT_START)) == KIT_START


def replay_kit(
    path: str | os.PathLike[str], as_of: int | None, clock: Clock, projections: Sequence[Projection]
) -> State:
    """The state of a kit, once all of its bytes and proofs were checked, whole or up to an offset."""
    with open(path, "rb") as file:
        kit = read_kit(file.read())
    last = kit.lines[-1].offset
    if as_of is not None and (type(as_of) is not int or not 0 <= as_of <= last):
        raise OffsetOutOfRange("as_of is an offset of the log", offset=as_of, first=0, last=last)
    log = KitLog(kit)
    state = State(KitJournal(log), clock, projections)
    state.fold.run(log.events_of(as_of))
    if as_of is None:
        _check_predictions(log)
    return state


def _check_predictions(log: KitLog) -> None:
    for offset, row in log.kit.title.predictions:
        fact = log.event(offset).fact
        if not isinstance(fact, PredictionsRecorded) or row >= fact.rows:
            raise DamagedLog("the title of a kit names predictions that are in it", line=1, offset=offset, row=row)
