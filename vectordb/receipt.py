"""The receipt: what every write returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger import (
    GONE,
    ROW_BITS,
    Event,
    PredictionsRecorded,
    Rejection,
    RowsPut,
    RowsRedacted,
    SingleRow,
    from_micros,
    render_version,
)


class Receipt:
    """Proof of one write: one event, all or nothing.

    ``replayed`` is True when an idempotency key met its earlier write, which this receipt then describes.
    """

    __slots__ = ("_event", "replayed")

    def __init__(self, event: Event, replayed: bool = False) -> None:
        self._event = event
        self.replayed = replayed

    @property
    def offset(self) -> int:
        """The offset of the event."""
        return self._event.offset

    @property
    def recorded_time(self) -> datetime:
        """When it was recorded."""
        return from_micros(self._event.time)

    @property
    def event(self) -> Event:
        """The event itself."""
        return self._event

    @property
    def versions(self) -> tuple[str, ...]:
        """The version id of every row written, in order."""
        return tuple(version_ids(self._event))

    @property
    def rejected(self) -> Sequence[Rejection]:
        """The rows that ``on_error="reject"`` left out, with reasons."""
        fact = self._event.fact
        return fact.rejected if isinstance(fact, (RowsPut, RowsRedacted)) else ()

    def __repr__(self) -> str:
        shown = f"offset={self.offset}, rows={self._event.rows}"
        return f"Receipt({shown}, replayed=True)" if self.replayed else f"Receipt({shown})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Receipt) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._event.offset)

    def _facts(self) -> tuple[int, int, tuple[str, ...]]:
        return self._event.offset, self._event.time, self.versions


def version_ids(event: Event) -> list[str]:
    """The version id of every row of an event that is still there; predictions count as rows of their service."""
    fact, base, rows = event.fact, event.offset << ROW_BITS, event.rows
    if isinstance(fact, SingleRow):
        return [render_version(fact.layout.view, fact.entity, base)]
    if isinstance(fact, PredictionsRecorded):
        service = fact.service.partition("@")[0]
        return [
            render_version(service, row.entity, base + place, rows)
            for place, row in enumerate(fact.predictions)
            if row is not GONE
        ]
    return [
        render_version(block.layout.view, entity, base + block.first + place, rows)
        for block in fact.blocks()
        for place, entity in enumerate(block.entities)
    ]
