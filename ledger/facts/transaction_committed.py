"""A transaction was committed: rows of several views in one event."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, take
from ledger.facts.origin import Origin, take_origin
from ledger.facts.rows_put import block_to_json, take_block
from ledger.identity import Entity
from ledger.values.block import Block


class TransactionCommitted(Fact):
    """Several blocks, all or nothing; rows are numbered on through the blocks.

    {"writes":[{"view":"drivers@1",...block...},{"view":"riders@1",...}]}
    """

    __slots__ = ("_firsts", "origin", "writes")
    type = "transaction_committed"

    def __init__(self, writes: tuple[Block, ...], origin: Origin | None = None) -> None:
        self.writes = writes
        self.origin = origin
        self._firsts = [block.first for block in writes]

    @property
    def rows(self) -> int:
        """Rows written, all views together."""
        return sum(map(len, self.writes))  # ints

    @property
    def views(self) -> tuple[str, ...]:
        """The views written, each once."""
        return tuple(dict.fromkeys(block.layout.view for block in self.writes))

    def blocks(self) -> tuple[Block, ...]:
        """Its blocks in the order they were written."""
        return self.writes

    def _locate(self, number: int) -> tuple[Block, int]:
        block = self.writes[bisect_right(self._firsts, number) - 1]
        return block, number - block.first

    def row(self, number: int) -> bytes:
        """The packed row of that number."""
        block, place = self._locate(number)
        return block.rows[place]

    def entity(self, number: int) -> Entity:
        """The entity of a row."""
        block, place = self._locate(number)
        return block.entities[place]

    def heavy_at(self, number: int, slot: int) -> Any:
        """The Text or Vector of a row."""
        block, place = self._locate(number)
        return block.heavy_at(place, slot)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        data: dict[str, Any] = {"writes": [block_to_json(block, time) for block in self.writes]}
        return data if self.origin is None else {**data, **self.origin.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> TransactionCommitted:
        """See the class."""
        origin = take_origin(data, reading)
        blocks: list[Block] = []
        first = 0
        for write in take(data, "writes", list):
            if type(write) is not dict:
                raise InvalidInput("a write of a transaction is an object", value=write)
            blocks.append(take_block(write, reading, first))
            if write or not len(blocks[-1]):
                raise InvalidInput("a write of a transaction has rows, and only known fields", fields=sorted(write))
            first += len(blocks[-1])
        if not blocks:
            raise InvalidInput("a transaction has at least one write", offset=reading.offset)
        return cls(tuple(blocks), origin)
