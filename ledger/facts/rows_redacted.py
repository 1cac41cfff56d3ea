"""Rows were put or deleted, and some of them were taken out again: by an erasure, or by a compaction."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from ledger.errors import Erased, InvalidInput, Pruned
from ledger.facts.fact import Reading, Redaction, take
from ledger.facts.origin import Origin, take_origin
from ledger.facts.rows_put import Rejection, block_to_json, said_of, take_block, take_rejected
from ledger.facts.transaction_committed import TransactionCommitted
from ledger.identity import ROW_MASK, Entity
from ledger.values.block import Block

ERASED: Final = "erased"  # the values were destroyed, because somebody asked for it
PRUNED: Final = "pruned"  # newer rows replaced them everywhere, and a compaction let them go


class Gap(NamedTuple):
    """Rows that are gone: ``size`` of them from number ``first`` on, of one version of a view."""

    view: str
    first: int
    size: int
    why: str

    @property
    def numbers(self) -> range:
        """The numbers of the rows within their event."""
        return range(self.first, self.first + self.size)


class RowsRedacted(TransactionCommitted):
    """What is left of a write. Rows keep their numbers; those in ``gaps`` are gone.

        {"was":"rows_put@1","by":41,"writes":[{"view":"drivers@1",...block...},{"view":"drivers@1","erased":2}]}

    ``writes`` holds blocks and gaps in the order of their rows. Asked for a row that is gone it raises ``Erased`` or
    ``Pruned``, with the offset of the event that took it.
    """

    __slots__ = ("_ends", "_rows", "gaps", "redaction", "rejected")
    type = "redacted"
    redaction: Redaction

    def __init__(
        self,
        writes: Sequence[Block],
        gaps: Sequence[Gap],
        redaction: Redaction,
        origin: Origin | None = None,
        rejected: tuple[Rejection, ...] = (),
    ) -> None:
        super().__init__(tuple(writes), origin)
        self.gaps = tuple(gaps)
        self.redaction = redaction
        self.rejected = rejected
        self._ends = [gap.first for gap in self.gaps]
        self._rows = super().rows + sum(gap.size for gap in self.gaps)  # ints; once: the parts may be very many

    @property
    def rows(self) -> int:
        """Rows written, those that are gone too."""
        return self._rows

    @property
    def views(self) -> tuple[str, ...]:
        """The views written, each once."""
        gone = (gap.view.partition("@")[0] for gap in self.gaps)
        return tuple(dict.fromkeys((*super().views, *gone)))

    def check_there(self, number: int) -> None:
        """Raise where a row is gone."""
        place = bisect_right(self._ends, number) - 1
        if place >= 0 and number in self.gaps[place].numbers:
            _refuse(self.gaps[place], self.redaction, number)

    def row(self, number: int) -> bytes:
        """The packed row of that number."""
        self.check_there(number)
        return super().row(number)

    def entity(self, number: int) -> Entity:
        """The entity of a row."""
        self.check_there(number)
        return super().entity(number)

    def heavy_at(self, number: int, slot: int) -> Any:
        """The Text or Vector of a row."""
        self.check_there(number)
        return super().heavy_at(number, slot)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        parts: list[tuple[int, dict[str, Any]]] = [(block.first, block_to_json(block, time)) for block in self.writes]
        parts += [(gap.first, {"view": gap.view, gap.why: gap.size}) for gap in self.gaps]
        data: dict[str, Any] = dict(self.redaction._asdict())
        data["writes"] = [part for _, part in sorted(parts, key=lambda pair: pair[0])]
        return {**data, **said_of(self.origin, self.rejected)}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> RowsRedacted:
        """See the class."""
        redaction = take_redaction(data, reading)
        origin, rejected = take_origin(data, reading), take_rejected(data)
        blocks: list[Block] = []
        gaps: list[Gap] = []
        first = 0
        for write in take(data, "writes", list):
            if type(write) is not dict:
                raise InvalidInput("a write is an object", value=write)
            why = next((why for why in (ERASED, PRUNED) if why in write), None)
            if why is None:
                blocks.append(take_block(write, reading, first))
                first += len(blocks[-1])
            else:
                gaps.append(_take_gap(write, why, first, reading))
                first += gaps[-1].size
            if write or (why is None and not len(blocks[-1])):
                raise InvalidInput("a write has rows, and only known fields", fields=sorted(write))
        return cls(blocks, _joined(gaps), redaction, origin, rejected)


def _take_gap(write: dict[str, Any], why: str, first: int, reading: Reading) -> Gap:
    label, count = take(write, "view", str), take(write, why, int)
    reading.layout_of(label)
    if count < 1 or first + count > ROW_MASK:
        raise InvalidInput("a gap has at least one row, and an event fewer than 2**24", rows=first + count)
    return Gap(label, first, count, why)


def _joined(gaps: list[Gap]) -> list[Gap]:
    """Gaps that follow one another and could be one are refused: a state has one stored form."""
    for before, gap in itertools.pairwise(gaps):
        if (before.view, before.first + before.size, before.why) == (gap.view, gap.first, gap.why):
            raise InvalidInput("rows that are gone stand in one run", view=gap.view, row=gap.first)
    return gaps


def _refuse(gap: Gap, redaction: Redaction, number: int) -> NoReturn:
    if gap.why == ERASED:
        raise Erased("the values of this row were destroyed", view=gap.view, row=number, by=redaction.by)
    rule = "a compaction kept only what later reads can see"
    raise Pruned(rule, view=gap.view, row=number, by=redaction.by)


def take_redaction(data: dict[str, Any], reading: Reading) -> Redaction:
    """Take what was done to a fact out of its stored form."""
    was, by = take(data, "was", str), take(data, "by", int)
    if by <= reading.offset:
        raise InvalidInput("a fact is redacted by a later event", offset=reading.offset, by=by)
    return Redaction(was, by)
