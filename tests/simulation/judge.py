"""The judge of searches: what the model says is visible, ranked by plain distances."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.simulation.model import PRESENT, Answer
from tests.simulation.search_workload import SearchWorkload
from tests.simulation.wheres import Where, holds


class Question(NamedTuple):
    """One search of one view: ``at`` in microseconds."""

    view: str
    feature: str
    query: tuple[float, ...]
    where: Where | None
    offset: int
    at: int


class Match(NamedTuple):
    """What a hit must be; matches sort by distance, then by entity."""

    distance: float
    order: tuple[Any, ...]
    entity: Any
    source: tuple[int, int]


class Judge:
    """Answers questions by reading every entity of the model. Keeps the reads of a few (view, offset, clock)."""

    def __init__(self, work: SearchWorkload) -> None:
        self.work = work
        self._reads: dict[tuple[str, int, int], dict[Any, Answer]] = {}

    def reads(self, view: str, offset: int, at: int) -> dict[Any, Answer]:
        key = view, offset, at
        if key not in self._reads:
            if len(self._reads) > 8:
                self._reads.clear()
            model = self.work.model
            self._reads[key] = {entity: model.read(view, entity, offset, at) for entity in model.entities(view, offset)}
        return self._reads[key]

    def matches(self, asked: Question) -> list[Match]:
        """Every match, nearest first."""
        space, found = self.work.spaces[asked.feature], []
        for entity, answer in self.reads(asked.view, asked.offset, asked.at).items():
            if answer.status[asked.feature] != PRESENT or (asked.where is not None and not holds(asked.where, answer)):
                continue
            distance, source = space.distance(asked.query, answer.values[asked.feature]), answer.sources[asked.feature]
            assert source is not None
            found.append(Match(distance, order(entity), entity, source))
        return sorted(found)


def order(entity: Any) -> tuple[Any, ...]:
    """Ints before text before tuples."""
    if isinstance(entity, tuple):
        return (2, *map(order, entity))
    return (1, entity) if isinstance(entity, str) else (0, entity)
