"""An event whose every row is gone: only its digest is kept."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from ledger.errors import Pruned
from ledger.facts.fact import Fact


class EventPruned(Fact):
    """Stands where a compaction let a whole event go. Its line is ``{"offset":n,"digest":"..."}``, without a type."""

    __slots__ = ()
    type = "pruned"

    def row(self, number: int) -> NoReturn:
        """No row of it is kept."""
        raise Pruned("a compaction kept only what later reads can see", row=number)

    entity = row

    def heavy_at(self, number: int, slot: int) -> NoReturn:
        """No value either."""
        self.row(number)

    def to_json(self, time: int) -> dict[str, Any]:
        """Nothing is left."""
        return {}


NOTHING_LEFT: Final[Fact] = EventPruned()  # they are all alike
