"""Stamps: of the values of a view, for many entities, statuses and event times in Feast's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ledger import ABSENT, NO_SOURCE, NULL, PLAIN, SLOTS_SHIFT, from_micros, header_of, sources_of, words_of
from vectordb.serving.strict_json import rfc_3339
from vectordb.views.plan import Plan

PRESENT: Final = "PRESENT"
NULL_VALUE: Final = "NULL_VALUE"
NOT_FOUND: Final = "NOT_FOUND"
OUTSIDE_MAX_AGE: Final = "OUTSIDE_MAX_AGE"
NEVER: Final[int] = NO_SOURCE[1]  # microseconds, before every event time


class Stamp(NamedTuple):
    """The status of a value, and when it was true in microseconds (``NEVER``: never written)."""

    status: str
    micros: int


class Stamped(NamedTuple):
    """Statuses of a feature, and RFC 3339 event times (1970 where it was never written), in order of the entities."""

    statuses: list[str]
    times: list[str]


UNWRITTEN: Final = Stamp(NOT_FOUND, NEVER)


@lru_cache(4_096)
def time_text(micros: int) -> str:
    """An instant as RFC 3339; rows of one write share it."""
    return rfc_3339(from_micros(0 if micros == NEVER else micros))


class Stamps:
    """Those of every feature of a view, of its packed rows.

    Where each row is one write of every feature, all features share one pair of lists: 1 us a row, however many
    features; otherwise 5 us a row of ten.
    """

    def __init__(self, plan: Plan, rows: Sequence[bytes | None], at: int) -> None:
        """``at`` is the clock of the read, in microseconds."""
        oldest = NEVER if plan.ttl is None else at - plan.ttl
        self._plan = plan
        self._rows = [_stamp(plan, packed, oldest) for packed in rows]
        self._whole: Stamped | None = None
        if all(type(row) is Stamp for row in self._rows):
            self._whole = stamped(self._rows)  # type: ignore[arg-type]

    def of(self, feature: str) -> Stamped:
        """Those of one feature; equal lists are the same ones, so that they are written once."""
        return self._whole or stamped(self.each(feature))

    def each(self, feature: str) -> list[Stamp]:
        """The same as pairs."""
        place = self._plan.slot(feature).place
        return [row if type(row) is Stamp else _at(row, place) for row in self._rows]  # type: ignore[arg-type]


def stamped(stamps: Sequence[Stamp]) -> Stamped:
    """Pairs as two lists."""
    return Stamped([one.status for one in stamps], [time_text(one.micros) for one in stamps])


def _stamp(plan: Plan, packed: bytes | None, oldest: int) -> Stamp | list[Stamp]:
    """One stamp where all values of a row share it, else one for each slot."""
    if packed is None:
        return UNWRITTEN
    _, time, flags = header_of(packed)
    if flags & PLAIN and flags >> SLOTS_SHIFT == len(plan.layout.slot_words):
        return Stamp(OUTSIDE_MAX_AGE if time < oldest else PRESENT, time)
    return [_value(word, time, oldest) for word, (_, time) in zip(words_of(packed), sources_of(packed))]


def _value(word: int, time: int, oldest: int) -> Stamp:
    if word == ABSENT:
        return UNWRITTEN
    return Stamp(OUTSIDE_MAX_AGE if time < oldest else NULL_VALUE if word == NULL else PRESENT, time)


def _at(row: list[Stamp], place: int) -> Stamp:
    return row[place] if place < len(row) else UNWRITTEN
