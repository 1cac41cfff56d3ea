"""A training set: what a service would have served at each of many labelled moments."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ABSENT,
    MIXED,
    ROW_BITS,
    FeatureRef,
    UnknownName,
    from_micros,
    header_of,
    render_version,
    source_at,
    word_at,
)
from vectordb.batches.dense import Dense
from vectordb.batches.executors import PIECE, Sharing, pieces_of
from vectordb.batches.gather import ALONE, Gather
from vectordb.batches.matrix import Column, FeatureMatrix
from vectordb.batches.packing import Raw, pack_moments
from vectordb.services.batch import matrix_parts, request_columns
from vectordb.services.plan import ServicePlan
from vectordb.services.row import ServiceRow, joined_entity
from vectordb.training.join import join
from vectordb.training.spine import Spine, known_limits, read_spine, recorded_limits
from vectordb.views.plan import Status

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.state import State

EXAMPLES = 10
SAMPLE = 64  # rows looked at to tell whether packing them is worth sharing


class FeatureLeakage(NamedTuple):
    """Of one input: rows that differ from what was known at their own time, their share, and the first of them."""

    rows: int
    share: float
    examples: tuple[int, ...]  # numbers of rows


class Leakage(NamedTuple):
    """What a training set owes to values that were learnt after the moment that they are joined to."""

    rows: int  # with at least one such value
    share: float
    features: dict[str, FeatureLeakage]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        features = {name: {**one._asdict(), "examples": list(one.examples)} for name, one in self.features.items()}
        return {"rows": self.rows, "share": self.share, "features": features}


class TrainingSet(FeatureMatrix):
    """The inputs of a service at each moment of a spine, one row a moment, in its order.

    A value is the newest with ``time - ttl <= event time <= time`` (both ends count; ties by offset, then row) that
    was known by ``known_at``; unmatched ones are missing. ``times`` are the moments, ``extra`` the columns of the
    spine that are no inputs (labels). Everything of ``FeatureMatrix`` is here; ``event_times``, ``version_ids``
    and ``statuses`` tell of one input where its values come from, ``leakage`` what was learnt too late.

    >>> from vectordb import Int, ManualClock, VectorDB
    >>> clock = ManualClock("2026-01-01T00:00:00Z")
    >>> db = VectorDB(clock=clock)
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> ranker = db.create_service("ranker", features=["drivers:trips"])
    >>> for trips in (11, 12):
    ...     receipt = drivers.put("d-7", {"trips": trips})
    ...     now = clock.advance(60)
    >>> made = ranker.training_set({"driver": ["d-7"], "time": ["2026-01-01T00:00:30Z"], "late": [True]})
    >>> made.column("trips"), made.extra, made.version_ids("trips"), made.leakage().rows
    ([11], {'late': [True]}, ['drivers/d-7@3'], 0)
    """

    __slots__ = ("_parts", "_plan", "_raws", "_reader", "_spine", "extra", "given", "limits")

    def __init__(
        self,
        reader: Reader,
        plan: ServicePlan,
        spine: Spine,
        raws: Sequence[Sequence[Raw]],
        limits: Sequence[int],
        shared: Sharing = ALONE,
    ) -> None:
        """``raws`` has a column of packed rows for every view of the plan; ``limits`` what was known of each row."""
        self.limits = limits
        self._reader = reader
        self._plan = plan
        self._spine = spine
        self._raws = raws
        given = {name: column for name, column in spine.extra.items() if name in plan.requests}
        requested = request_columns(plan, given, len(spine.times))
        self.extra = {name: column for name, column in spine.extra.items() if name not in plan.requests}
        kinds, numbers, columns = self._read(requested, shared)
        entities = [joined_entity(row) for row in zip(*(spine.entities[kind] for kind in plan.kinds))]
        cells = {name: column.cells for name, column in requested.items()}
        self.given = list(cells.values())  # the request inputs, column by column

        def row_of(place: int) -> ServiceRow:
            ids = tuple(spine.entities[kind][place] for kind in plan.kinds)
            request = {name: own[place] for name, own in cells.items()}
            own = tuple(column[place] for column in raws)
            return ServiceRow(plan, ids, own, request, reader.as_of_offset, spine.times[place])

        read = (reader.as_of_offset, reader.clock(), plan.label)
        super().__init__(plan.keys, entities, kinds, numbers, columns, row_of, *read)

    def __repr__(self) -> str:
        return f"TrainingSet({self.label}, shape={self.shape}, as_of={self.as_of})"

    def _read(self, requested: dict[str, Column], shared: Sharing) -> tuple[dict[str, Any], Dense, dict[str, Column]]:
        """The block of numbers, the type of each of its columns, and the other columns."""
        plan, times, packed = self._plan, self._spine.times, []
        for number, kind in enumerate(plan.kinds):
            gather = plan.gather(kind)
            own = [self._raws[plan.place_of(view)] for view in gather.plans]
            packed.append((gather, *_packed(gather, own, times, shared.part(number, len(plan.kinds), len(times)))))
        return matrix_parts(plan, packed, requested, len(times))

    @property
    def spine(self) -> Spine:
        """The moments as they were given: entities by kind, times, and all other columns."""
        return self._spine

    @property
    def moments(self) -> Sequence[int]:
        """The moments in microseconds."""
        return self._spine.times

    @property
    def times(self) -> list[datetime]:
        """The moments."""
        return list(map(from_micros, self._spine.times))

    def _ref(self, name: str) -> tuple[FeatureRef | None, int]:
        """A stored input and its slot; None for one that came with the spine."""
        item = self._plan.inputs.get(name)
        if item is None:
            raise UnknownName("the service has no such input", input=name, known=list(self.names)[:20])
        if not isinstance(item, FeatureRef):
            return None, 0
        return item, self._plan.parts[self._plan.place_of(item.view)].plan.slot(item.feature).place

    def event_times(self, name: str) -> list[datetime | None]:
        """When each value of an input was true; None for missing ones, and for what came with the spine. 1 us a row."""
        return [None if source is None else from_micros(source[1]) for source in self._sources(name)]

    def version_ids(self, name: str) -> list[str | None]:
        """The version that wrote each value of an input. 2 us a row."""
        item, _ = self._ref(name)
        if item is None:
            return [None] * len(self)
        ids, rows_at = self._spine.entities[self._plan.kind_of(item.view)], self._reader.state.log.rows_at
        return [
            None if source is None else render_version(item.view, entity, source[0], rows_at(source[0] >> ROW_BITS))
            for entity, source in zip(ids, self._sources(name))
        ]

    def statuses(self, name: str) -> list[Status]:
        """The status of each value of an input."""
        item, slot = self._ref(name)
        if item is None:
            return [Status.NULL if value is None else Status.PRESENT for value in self.column(name)]
        place = self._plan.place_of(item.view)
        status = self._plan.parts[place].plan.status
        return [status(raw, slot, at) for raw, at in zip(self._raws[place], self._spine.times)]

    def _sources(self, name: str) -> list[tuple[int, int] | None]:
        """(reference, event time) of each value; None for missing ones."""
        item, slot = self._ref(name)
        if item is None:
            return [None] * len(self)
        return [_origin(raw, slot) for raw in self._raws[self._plan.place_of(item.view)]]

    def refs(self) -> array[int]:
        """The reference of every version that gave a value, each once, rising. 1 us a row and input."""
        given = (source[0] for name in self.names for source in self._sources(name) if source is not None)
        return array("q", sorted(set(given)))

    def is_of(self, state: State) -> bool:
        """Whether the set was read from this state, a past of it, or one whose place it took."""
        return self._reader.state.database is state.database

    def leakage(self) -> Leakage:
        """How far the set differs from one of what was known at each row's own time. As dear as the join."""
        limits = recorded_limits(self._reader, self._spine.times)
        honest = self._reader.consistently(lambda: join_views(self._reader, self._plan, self._spine, limits))
        leaked: set[int] = set()
        features = {}
        for name in self.names:
            rows = self._differing(name, honest)
            leaked.update(rows)
            features[name] = FeatureLeakage(len(rows), len(rows) / (len(self) or 1), tuple(rows[:EXAMPLES]))
        return Leakage(len(leaked), len(leaked) / (len(self) or 1), features)

    def _differing(self, name: str, honest: Sequence[Sequence[Raw]]) -> list[int]:
        item, slot = self._ref(name)
        if item is None:
            return []
        place = self._plan.place_of(item.view)
        pairs = enumerate(zip(self._raws[place], honest[place]))
        return [row for row, (own, other) in pairs if own is not other and _origin(own, slot) != _origin(other, slot)]


def _packed(
    gather: Gather, columns: Sequence[Sequence[Raw]], times: Sequence[int], shared: Sharing
) -> tuple[bytes, bytes]:
    """Numbers and words of every moment, piece by piece."""
    if len(columns) == 1 and not _is_dear(columns[0]):
        shared = shared._replace(executor=None)
    pieces = zip(*map(pieces_of, [*columns, times]))
    tasks = ((gather.packing, own, moments, bool(gather.others)) for *own, moments in pieces)
    numbers, words = [], []
    for place, (rows, beside) in enumerate(shared.each(pack_moments, tasks, len(times)), 1):
        numbers.append(rows)
        words.append(beside)
        shared.tell(min(place * PIECE, len(times)), len(times))
    return b"".join(numbers), b"".join(words)


def _is_dear(column: Sequence[Raw]) -> bool:
    """Whether packing rows costs more than sending them: those that are made of several (5 us for ten features)."""
    sample = [header_of(raw)[2] & MIXED for raw in column[:: 1 + len(column) // SAMPLE] if raw is not None]
    return 2 * sample.count(0) < len(sample)


def _origin(raw: Raw, slot: int) -> tuple[int, int] | None:
    """Which write a slot shows; None for none."""
    return None if raw is None or word_at(raw, slot) == ABSENT else source_at(raw, slot)


def join_views(
    reader: Reader, plan: ServicePlan, spine: Spine, limits: Sequence[int], shared: Sharing = ALONE
) -> list[list[Raw]]:
    """A column of packed rows for every view of a service; to be called through ``consistently``."""
    found = []
    for view, part in zip(plan.views, plan.parts):
        slots = [part.plan.slot(name).place for name in part.features]
        ids = spine.entities[part.plan.definition.entity]
        found.append(join(reader.state, view, slots, ids, spine.times, limits, shared))
    return found


def make_training_set(
    reader: Reader, plan: ServicePlan, rows: Any, known_at: Any, shared: Sharing = ALONE
) -> TrainingSet:
    """The training set of a pinned reader."""
    spine = read_spine(rows, plan.kinds)
    limits = known_limits(reader, known_at, len(spine.times))
    raws = reader.consistently(lambda: join_views(reader, plan, spine, limits, shared))
    return TrainingSet(reader, plan, spine, raws, limits, shared)
