"""A projection of a user: events by type, rows by view, and the offsets it saw."""

from __future__ import annotations

import json
from collections.abc import Callable

from ledger import Event, Fact
from vectordb import Projection


class Tally(Projection):
    """Counts. ``trouble`` is called with each event before it is counted, and may raise."""

    name = "tally"
    version = 1
    handles = (Fact,)

    def __init__(self, trouble: Callable[[Event], None] = lambda event: None) -> None:
        self.trouble = trouble

    def reset(self) -> None:
        self.offsets: list[int] = []
        self.types: dict[str, int] = {}
        self.rows: dict[str, int] = {}

    @property
    def events(self) -> int:
        return len(self.offsets)

    def apply(self, event: Event) -> None:
        self.offsets.append(event.offset)
        self.trouble(event)
        self.types[event.type] = self.types.get(event.type, 0) + 1
        for view in event.views:
            self.rows[view] = self.rows.get(view, 0)
        for block in event.fact.blocks():
            self.rows[block.layout.view] += len(block)

    def dump(self) -> bytes:
        return json.dumps([self.offsets, self.types, self.rows]).encode()

    def load(self, state: bytes) -> None:
        self.offsets, self.types, self.rows = json.loads(state)

    def check(self) -> None:
        assert self.offsets == sorted(set(self.offsets))
        assert sum(self.types.values()) == len(self.offsets)

    def counts(self) -> dict[str, int]:
        return {"events": len(self.offsets)}
