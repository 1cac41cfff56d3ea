"""A service batch: the inputs of many, from the gathers of every kind of entity and the columns of the request."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import NULL_FLOAT, CannotTransform, Entity, FeatureType, InvalidEntity, InvalidInput
from vectordb.batches.dense import Dense, weave
from vectordb.batches.executors import PIECE, Sharing
from vectordb.batches.gather import Gather
from vectordb.batches.matrix import Column, FeatureMatrix
from vectordb.batches.packing import NUMBERS
from vectordb.pipelines.applied_pipeline import Task, transform
from vectordb.pipelines.transformed_gather import TransformedGather
from vectordb.pipelines.transformed_matrix import TransformedMatrix
from vectordb.pipelines.transformed_row import TransformedRow
from vectordb.services.plan import ServicePlan
from vectordb.services.row import joined_entity

if TYPE_CHECKING:
    from vectordb.reader import Reader


class Asked(NamedTuple):
    """What a batch asks: ids by kind (of one kind, alone), request columns, clock (None: the reader's)."""

    columns: dict[str, list[Entity]] | list[Entity]
    request: Mapping[str, Sequence[Any]]
    at: int | None
    shared: Sharing
    raw: bool = False  # without the service's pipeline


class Woven(NamedTuple):
    """Numbers of a part of the inputs: their keys and types, and their words row by row."""

    kinds: dict[str, FeatureType]
    data: bytes


def read_batch(reader: Reader, plan: ServicePlan, asked: Asked) -> FeatureMatrix:
    """The matrix of a batch; to be called through ``consistently``."""
    columns = _by_kind(plan, asked.columns)
    gather = plan.transformed_gather(reader.live) if plan.transforms and not asked.raw else None
    if gather is not None:
        return _read_transformed(reader, plan, gather, columns[plan.kinds[0]], asked)
    raw = _read_raw(reader, plan, columns, asked)
    return transform_matrix(plan, raw, asked.shared) if plan.transforms and not asked.raw else raw


def _read_transformed(
    reader: Reader, plan: ServicePlan, gather: TransformedGather, ids: list[Entity], asked: Asked
) -> FeatureMatrix:
    """Of one kind of entity: read and transformed together, and held so."""
    check_request(plan, asked.request, len(ids))
    offset, clock = reader.as_of_offset, reader.clock() if asked.at is None else asked.at
    shared = asked.shared.part(0, 1, len(ids))
    data, _ = reader.gathered(gather, ids, clock, asked.at is None, shared)
    shared.tell(1, 1)
    pinned, kind = reader.pinned(offset, clock), plan.kinds[0]

    def row_of(place: int) -> Any:
        return pinned.transformed_row(plan, {kind: ids[place]}, {})

    return TransformedMatrix(plan.applied, ids, plan.applied.block(data), row_of, offset, clock, plan.label)


def transform_matrix(plan: ServicePlan, raw: FeatureMatrix, shared: Sharing) -> TransformedMatrix:
    """The inputs of many through the pipeline, piece by piece."""
    applied = plan.applied

    def task_of(piece: FeatureMatrix) -> Task:
        others = {name: piece.column(name) for name in piece.names if name not in piece.numeric}
        return applied.task(piece.numbers.raw.tobytes(), others)

    pieces = raw.chunks(PIECE)
    try:
        found = list(shared.each(transform, map(task_of, pieces), len(raw)))
    except CannotTransform as error:
        for piece in raw.chunks(PIECE):
            located = applied.locate(task_of(piece), piece.entities, error)
            if located is not error:
                raise located from error
        raise

    def row_of(place: int) -> Any:
        row = raw[place]
        return TransformedRow(row, applied, applied.pack_row(row))

    read = (raw.as_of, raw.at_micros, raw.label)
    return TransformedMatrix(applied, raw.entities, applied.block(b"".join(found)), row_of, *read)


def _read_raw(reader: Reader, plan: ServicePlan, columns: dict[str, list[Entity]], asked: Asked) -> FeatureMatrix:
    rows = len(next(iter(columns.values())))
    offset, clock = reader.as_of_offset, reader.clock() if asked.at is None else asked.at
    packed: list[tuple[Gather, bytes, bytes]] = []
    requested = request_columns(plan, asked.request, rows)
    for kind, ids in columns.items():
        gather, shared = plan.gather(kind), asked.shared.part(len(packed), len(columns), rows)
        packed.append((gather, *reader.gathered(gather, ids, clock, asked.at is None, shared)))
        shared.tell(1, 1)
    kinds, numbers, beside = matrix_parts(plan, packed, requested, rows)
    entities: list[Any] = columns[plan.kinds[0]]
    if len(columns) > 1:
        entities = list(map(joined_entity, zip(*columns.values())))
    pinned = reader.pinned(offset, clock)

    def row_of(place: int) -> Any:
        ids = {kind: column[place] for kind, column in columns.items()}
        cells = {name: column.cells[place] for name, column in requested.items()}
        return pinned.service_row(plan, ids, cells)

    return FeatureMatrix(plan.keys, entities, kinds, numbers, beside, row_of, offset, clock, plan.label)


def matrix_parts(
    plan: ServicePlan, packed: Sequence[tuple[Gather, bytes, bytes]], requested: Mapping[str, Column], rows: int
) -> tuple[dict[str, FeatureType], Dense, dict[str, Column]]:
    """From numbers and words of every kind: the type of each column of the block of numbers, it, and the others."""
    woven = [Woven(gather.kinds, data) for gather, data, _ in packed]
    woven.append(_request_numbers(requested))
    beside: dict[str, Column] = {}
    for gather, _, words in packed:
        beside |= gather.columns(words)
    beside |= {name: column for name, column in requested.items() if column.kind.name not in NUMBERS}
    kinds, numbers = _numbers(plan, woven, rows)
    return kinds, numbers, beside


def _by_kind(
    plan: ServicePlan, columns: dict[str, list[Entity]] | list[Entity]
) -> dict[str, list[Entity]]:
    kinds = plan.kinds
    if isinstance(columns, list):
        if len(kinds) != 1:
            raise InvalidEntity("a service of several kinds of entity is asked by kind", expected=list(kinds))
        return {kinds[0]: columns}
    if set(columns) != set(kinds):
        raise InvalidEntity("a read names one column of each kind", expected=list(kinds), given=sorted(columns))
    if len({len(column) for column in columns.values()}) > 1:
        sizes = {kind: len(column) for kind, column in columns.items()}
        raise InvalidEntity("columns of entities are equally long", **sizes)
    return {kind: columns[kind] for kind in kinds}


def request_columns(plan: ServicePlan, request: Mapping[str, Sequence[Any]], rows: int) -> dict[str, Column]:
    """The checked cells of every request input."""
    check_request(plan, request, rows)
    found = {}
    for name, item in plan.requests.items():
        given = request[name] if name in request else [plan.default_of(item)] * rows
        cells = [plan.check_cell(item, value) for value in given]
        found[name] = Column(item.type, None, cells)
    return found


def check_request(plan: ServicePlan, request: Mapping[str, Sequence[Any]], rows: int) -> None:
    """Refuse request columns that the service does not have, or of another length."""
    plan.check_names(request)
    uneven = {name: len(column) for name, column in request.items() if len(column) != rows}
    if uneven:
        raise InvalidInput("a request column has one value for each row", rows=rows, columns=uneven)


def _request_numbers(requested: Mapping[str, Column]) -> Woven:
    kinds = {name: column.kind for name, column in requested.items() if column.kind.name in NUMBERS}
    cells = [[NULL_FLOAT if cell is None else cell for cell in requested[name].cells] for name in kinds]
    flat = array("d", [float(cell) for row in zip(*cells) for cell in row])
    return Woven(kinds, flat.tobytes())


def _numbers(plan: ServicePlan, woven: Sequence[Woven], rows: int) -> tuple[dict[str, FeatureType], Dense]:
    """One block of all numbers in the model's order; where one part has them all, its own."""
    all_kinds = {key: kind for part in woven for key, kind in part.kinds.items()}
    kinds = {key: all_kinds[key] for key in plan.keys if key in all_kinds}
    shape = (rows, len(kinds))
    if len(woven[0].kinds) == len(kinds):
        return kinds, Dense(woven[0].data, shape, "float64")
    order = list(kinds)
    places = [[order.index(key) for key in part.kinds] for part in woven]
    parts = [(memoryview(part.data).cast("q"), len(part.kinds), own) for part, own in zip(woven, places)]
    return kinds, Dense(weave(parts, rows, len(kinds)), shape, "float64")
