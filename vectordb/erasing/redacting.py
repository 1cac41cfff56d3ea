"""Redacting: what is left of an event once some of its rows or units are gone."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from ledger import (
    ERASED,
    GONE,
    NOTHING_LEFT,
    PRUNED,
    Block,
    Entity,
    Event,
    ExperimentDefined,
    ExperimentRedacted,
    ExposuresRecorded,
    ExposuresRedacted,
    Fact,
    Gap,
    Origin,
    OutcomesRecorded,
    OutcomesRedacted,
    PredictionsRecorded,
    PredictionsRedacted,
    Redaction,
    Rejection,
    RowsRedacted,
    header_of,
    render_entity,
)

_STARTS = re.compile(r"(?<!\w)")
_END = re.compile(r"(?!\w)")


class Without:
    """Events without the rows and units of some entities. ``by`` is the offset of the event that takes them."""

    def __init__(self, entities: Collection[Entity], by: int, shown: Collection[str] = ()) -> None:
        self._entities = entities
        self._by = by
        self._shown = shown
        self._names = {name for entity in entities for name in (render_entity(entity), str(entity), json.dumps(entity))}
        self._lengths = sorted(set(map(len, self._names)))

    def left_of(self, event: Event, rows: Collection[int]) -> Event:
        """The event without some rows, and without the units. Who and why stays only where it names none of them."""
        fact = event.fact
        redaction = redaction_of(fact, self._by)
        if isinstance(fact, PredictionsRecorded):
            left: Fact = self._predictions(fact, rows, redaction)
        elif isinstance(fact, ExposuresRecorded):
            exposures = tuple(one for one in fact.exposures if one.unit not in self._entities)
            left = ExposuresRedacted(fact.experiment, exposures, fact.event_time, redaction=redaction)
        elif isinstance(fact, OutcomesRecorded):
            outcomes = tuple(one for one in fact.outcomes if one.unit not in self._entities)
            origin = self._origin(fact.origin, bool(outcomes))
            left = OutcomesRedacted(fact.experiment, outcomes, origin, redaction=redaction)
        elif isinstance(fact, ExperimentDefined):
            forced = tuple(pair for pair in fact.definition.forced if pair[0] not in self._entities)
            left = ExperimentRedacted(replace(fact.definition, forced=forced), redaction=redaction)
        else:
            left = self._rows(fact, rows, redaction)
        meta = event.meta if not self._is_empty(left) and not self.names_one(event.meta) else None
        return Event(event.offset, event.time, left, meta)

    def _predictions(self, fact: PredictionsRecorded, rows: Collection[int], redaction: Redaction) -> Fact:
        left = tuple(GONE if number in rows else row for number, row in enumerate(fact.predictions))
        origin = self._origin(fact.origin, any(row is not GONE for row in left))
        return PredictionsRedacted(
            fact.service, fact.as_of, fact.at, fact.model, left, origin, fact.pipeline, redaction=redaction
        )

    def _rows(self, fact: Any, rows: Collection[int], redaction: Redaction) -> RowsRedacted:
        left = without_rows(fact, rows, redaction, ERASED)
        rejected: tuple[Rejection, ...] = getattr(fact, "rejected", ())
        kept = tuple(rejection for rejection in rejected if rejection.entity not in self._shown)
        origin = self._origin(fact.origin, bool(left.writes) or bool(kept))
        return RowsRedacted(left.writes, left.gaps, redaction, origin, kept)

    def _origin(self, origin: Origin | None, is_left: bool) -> Origin | None:
        """What is said of a write: nothing once all of it is gone, nor what names the entity."""
        if origin is None or not is_left:
            return None
        if self.names_one(origin.key):
            origin = origin._replace(key=None, args=None)
        if self.names_one(origin.transformation):
            origin = origin._replace(transformation=None)
        return None if origin == Origin() else origin

    def names_one(self, said: Any) -> bool:
        """Whether a text, or the meta of an event, names one of the entities."""
        texts = [said] if isinstance(said, str) else [text for text in said or () if isinstance(text, str)]
        texts += [] if said is None or isinstance(said, str) else list(said.tags)
        return any(map(self._names_one, texts))

    def _names_one(self, text: str) -> bool:
        """Whether a name stands in a text, between no letters or digits; by lengths, as the names may be very many."""
        for start in _STARTS.finditer(text):
            first = start.start()
            for stop in (first + length for length in self._lengths):
                if text[first:stop] in self._names and _END.match(text, stop):
                    return True
        return False

    def _is_empty(self, fact: Any) -> bool:
        if isinstance(fact, RowsRedacted):
            return not fact.writes and not fact.rejected
        if isinstance(fact, PredictionsRedacted):
            return all(row is GONE for row in fact.predictions)
        if isinstance(fact, ExperimentRedacted):
            return False
        return not fact.rows


def redaction_of(fact: Fact, by: int) -> Redaction:
    """What is said of a fact that something is taken out of, perhaps again."""
    was = f"{fact.type}@{fact.schema}" if fact.redaction is None else fact.redaction.was
    return Redaction(was, by)


def without_rows(fact: Fact, rows: Collection[int], redaction: Redaction, why: str) -> RowsRedacted:
    """A write without some of its rows; the others keep their numbers."""
    blocks: list[Block] = []
    gaps: list[Gap] = list(getattr(fact, "gaps", ()))
    for block in fact.blocks():
        for first, stop, is_gone in _runs(len(block), lambda place, start=block.first: start + place in rows):  # type: ignore[misc]
            if is_gone:
                gaps.append(Gap(block.layout.label, block.first + first, stop - first, why))
            else:
                blocks.append(cut_block(block, first, stop))
    return RowsRedacted(blocks, joined(gaps), redaction)


def _runs(size: int, is_in: Callable[[int], bool]) -> Iterator[tuple[int, int, bool]]:
    """Runs of places that answer alike: (first, stop, answer)."""
    start = 0
    for place in range(1, size + 1):
        if place == size or is_in(place) is not is_in(start):
            yield start, place, is_in(start)
            start = place


def cut_block(block: Block, first: int, stop: int) -> Block:
    """Some consecutive rows of a block, with bytes of their own."""
    heavy: dict[int, Any] = {}
    for slot, data in block.heavy.items():
        size = len(data) // len(block) if isinstance(data, bytes) else 1
        heavy[slot] = data[first * size : stop * size]
    rows, entities = block.rows[first:stop], list(block.entities[first:stop])
    times = array("q", [header_of(row)[1] for row in rows])
    return Block(block.layout, entities, rows, heavy, block.first + first, times, block.is_complete)


def joined(gaps: Collection[Gap]) -> list[Gap]:
    """Gaps in order, those that follow one another made one."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.first):
        last = found[-1] if found else None
        if last and (last.view, last.first + last.size, last.why) == (gap.view, gap.first, gap.why):
            found[-1] = last._replace(size=last.size + gap.size)
        else:
            found.append(gap)
    return found


def is_all_pruned(fact: RowsRedacted) -> bool:
    """Whether a compaction left nothing of a write."""
    return not fact.writes and all(gap.why == PRUNED for gap in fact.gaps)


def pruned(offset: int, time: int) -> Event:
    """The event of which only the digest stays; it has the recorded time of the one before it."""
    return Event(offset, time, NOTHING_LEFT, None)
