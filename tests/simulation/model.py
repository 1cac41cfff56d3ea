"""The model: the rules of reading written down as plainly as possible, over plain lists.

It keeps every write for ever and answers a read by looking at all of them. Slow on purpose: it is the
judge of everything clever.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRESENT, NULL, MISSING, EXPIRED = "present", "null", "missing", "expired"


@dataclass
class Definition:
    """One version of a view: feature -> (type name, default), and a time to live in microseconds."""

    offset: int
    features: dict[str, tuple[str, Any]]
    ttl: int | None


@dataclass
class Write:
    """One row of one event; ``values`` is None for a delete."""

    offset: int
    row: int
    entity: Any
    event_time: int
    values: dict[str, Any] | None


@dataclass
class Answer:
    """What a read of one entity must show."""

    found: bool
    version: tuple[int, int] | None
    values: dict[str, Any]
    status: dict[str, str]
    sources: dict[str, tuple[int, int] | None]


@dataclass
class Model:
    """All views of a ledger."""

    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    writes: dict[str, list[Write]] = field(default_factory=dict)
    stories: dict[tuple[str, Any], list[Write]] = field(default_factory=dict)  # the writes of one entity
    times: list[int] = field(default_factory=lambda: [0])  # recorded time by offset
    gone: dict[tuple[str, Any], list[tuple[int, Write]]] = field(default_factory=dict)  # with the erasure's offset
    edges: set[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=set)  # (source, derived) rows
    erased: set[tuple[int, int]] = field(default_factory=set)  # rows

    @property
    def head(self) -> int:
        return len(self.times) - 1

    def define(self, view: str, features: dict[str, tuple[str, Any]], ttl: int | None, time: int) -> None:
        self.times.append(time)
        self.definitions.setdefault(view, []).append(Definition(self.head, features, ttl))
        self.writes.setdefault(view, [])

    def write(self, rows: list[tuple[str, Any, int | None, dict[str, Any] | None]], time: int) -> None:
        """One event: rows of (view, entity, event time or None for now, values or None for a delete)."""
        self.times.append(time)
        for row, (view, entity, event_time, values) in enumerate(rows):
            when = time if event_time is None else event_time
            made = Write(self.head, row, entity, when, values)
            self.writes[view].append(made)
            self.stories.setdefault((view, entity), []).append(made)

    def erase(self, view: str, entities: list[Any], time: int) -> None:
        """Everything that was written of some entities never was; that it was erased is an event.

        Who does not know of the erasure yet (a follower) still shows it: ``gone``.
        """
        self.times.append(time)
        self.writes[view] = [write for write in self.writes[view] if write.entity not in entities]
        for entity in entities:
            lost = self.stories.pop((view, entity), [])
            self.gone.setdefault((view, entity), []).extend((self.head, write) for write in lost)
            gone = {(write.offset, write.row) for write in lost}
            self.erased |= gone
            self.edges = {edge for edge in self.edges if edge[1] not in gone}  # who is gone says no more where from

    def let_go(self, places: set[tuple[int, int]]) -> None:
        """Rows that a compaction took say no more what they were derived from."""
        self.edges = {edge for edge in self.edges if edge[1] not in places}

    def other(self, time: int) -> None:
        """An event that no view shows."""
        self.times.append(time)

    def definition(self, view: str, offset: int) -> Definition | None:
        known = [found for found in self.definitions.get(view, []) if found.offset <= offset]
        return known[-1] if known else None

    def entities(self, view: str, offset: int) -> list[Any]:
        return list(dict.fromkeys(write.entity for write in self.writes[view] if write.offset <= offset))

    def last_offset(self, view: str, entity: Any) -> int:
        """What ``expected_offset`` must be: 0 where the entity does not exist."""
        mine = [write for write in self.writes[view] if write.entity == entity]
        if not mine or max(mine, key=_rank).values is None:
            return 0
        return max(write.offset for write in mine)

    def branch(self, offset: int) -> Model:
        """The model of a fork: what was known at an offset, less what was erased since."""
        return Model(
            {view: [one for one in found if one.offset <= offset] for view, found in self.definitions.items()},
            {view: [write for write in found if write.offset <= offset] for view, found in self.writes.items()},
            {key: [write for write in found if write.offset <= offset] for key, found in self.stories.items()},
            self.times[: offset + 1],
            {},
            {(source, derived) for source, derived in self.edges if max(source, derived) < (offset + 1, 0)},
            {place for place in self.erased if place[0] <= offset},
        )

    def read(self, view: str, entity: Any, offset: int, at: int, known: int | None = None) -> Answer:
        """The four rules: visible, newest wins, deletes cover everything, the winner ages.

        ``known``: the head of an instance, which knows of no later erasure (None: it knows of all).
        """
        definition = self.definition(view, offset)
        assert definition is not None
        mine = self.stories.get((view, entity), [])
        if known is not None:
            mine = mine + [write for by, write in self.gone.get((view, entity), []) if by > known]
        visible = [write for write in mine if write.offset <= offset and write.event_time <= at]
        visible.sort(key=_rank, reverse=True)
        found = bool(visible) and visible[0].values is not None
        last = max(visible, key=_place, default=None)
        answer = Answer(found, _place(last) if found and last else None, {}, {}, {})
        for name, (_, default) in definition.features.items():
            carrying = (write for write in visible if write.values is None or name in write.values)
            self._show(answer, name, default, next(carrying, None), definition.ttl, at)
        return answer

    @staticmethod
    def _show(answer: Answer, name: str, default: Any, winner: Write | None, ttl: int | None, at: int) -> None:
        if winner is None or winner.values is None:
            status, value, source = MISSING, default, None
        elif ttl is not None and winner.event_time < at - ttl:
            status, value, source = EXPIRED, default, (winner.offset, winner.row)
        elif winner.values[name] is None:
            status, value, source = NULL, None, (winner.offset, winner.row)
        else:
            status, value, source = PRESENT, winner.values[name], (winner.offset, winner.row)
        answer.values[name], answer.status[name], answer.sources[name] = value, status, source


def _rank(write: Write) -> tuple[int, int, int]:
    """The order in which values win."""
    return (write.event_time, write.offset, write.row)


def _place(write: Write) -> tuple[int, int]:
    return (write.offset, write.row)
