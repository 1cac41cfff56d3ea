"""Tables of what reads give: matrices, training sets, hits, versions, events.

Categories are dictionaries of text (of int64, or JSON where they mix), instants ``timestamp[us, UTC]``, vectors
fixed-size lists, and null is what a read shows as None or NaN: also a missing or expired value without a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from json import dumps
from typing import TYPE_CHECKING, Any, Final

from ledger import MISSING, FeatureType, InvalidInput
from vectordb.interop.c_data.column import Column, bools, coded, instants, lists, mixed, numbers, texts
from vectordb.interop.table import Table, TableStream
from vectordb.interop.taking import plain_values
from vectordb.interop.typed import cell_column, number_column, split, time_column, value_column

if TYPE_CHECKING:
    from vectordb.batches.matrix import FeatureMatrix
    from vectordb.events import Events
    from vectordb.views.hits import Hits
    from vectordb.views.version import Version

STATUS: Final = "__status"  # as in exported files
CHUNK: Final = 4_096  # events a table of a stream,
CHUNK_BYTES: Final = 1 << 24  # or so many bytes of their payloads


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name itself, behind as many underscores as features of that name make necessary."""
    taken = set(taken)
    while name in taken:
        name = f"_{name}"
    return name


def matrix_table(matrix: FeatureMatrix, entity: str | Sequence[str] = "entity", statuses: bool = False) -> Table:
    """Ids, the time of a training set, the features, its labels; with ``statuses`` a column ``<name>__status`` each."""
    features = _features(matrix)
    columns = _ids(matrix.entities, entity, features)
    moments = getattr(matrix, "moments", None)
    if moments is not None:
        columns[free_name("time", {*columns, *features})] = instants(moments)
    columns.update(features)
    for name, values in getattr(matrix, "extra", {}).items():
        columns[free_name(str(name), columns)] = loose_column(str(name), values)
    if statuses:
        told = matrix.status
        for name in told[0] if told else matrix.names:
            columns[free_name(f"{name}{STATUS}", columns)] = coded([row[name].value for row in told])
    return Table(columns)


def _ids(entities: Sequence[Any], names: str | Sequence[str], taken: Iterable[str]) -> dict[str, Column]:
    if isinstance(names, str):
        return {free_name(names, taken): mixed(entities)}
    wrong = [entity for entity in entities if not isinstance(entity, tuple) or len(entity) != len(names)]
    if wrong:
        rule = "ids in several columns are tuples of so many parts"
        raise InvalidInput(rule, columns=list(names), entity=wrong[0])
    if len(set(names)) < len(names):
        raise InvalidInput("columns of ids have names of their own", columns=list(names))
    parts = zip(*entities) if entities else [()] * len(names)
    return {free_name(name, taken): mixed(part) for name, part in zip(names, parts)}


def _features(matrix: FeatureMatrix) -> dict[str, Column]:
    pieces, kinds, nan_is_null = split(matrix.numbers), matrix.kinds, not hasattr(matrix, "pipeline")
    read = (len(matrix), matrix.dtype)
    found = {name: number_column(piece, *read, kinds[name], nan_is_null) for name, piece in zip(matrix.numeric, pieces)}
    return {name: found[name] if name in found else _beside(matrix.beside[name]) for name in matrix.names}


def _beside(beside: Any) -> Column:
    kind = beside.kind
    default = None if kind.default is None else kind.check(kind.default)
    return cell_column(kind, [default if cell is MISSING else cell for cell in beside.cells])


def loose_column(name: str, values: Sequence[Any]) -> Column:
    """A column of a caller's own values: bools, ints, floats, text or aware datetimes; others are refused."""
    held = plain_values(name, values)
    kinds = {type(value) for value in held if value is not None}
    try:
        if kinds == {bool}:
            return bools(held)
        if kinds <= {int, float} and float in kinds:
            return numbers("g", "d", held)
        if kinds <= {int, str, tuple}:
            return mixed(held)
    except (OverflowError, UnicodeEncodeError) as error:
        rule = "numbers are float64, and text is what UTF-8 holds"
        raise InvalidInput(rule, column=name, error=str(error)) from error
    if all(hasattr(kind, "utcoffset") for kind in kinds):
        return time_column(held)
    known = sorted(kind.__name__ for kind in kinds)
    raise InvalidInput("a column holds bools, numbers, text or datetimes", column=name, types=known)


def hits_table(hits: Hits | Iterable[Hits]) -> Table:
    """Entity, distance, score and version of each hit; of many searches also the number of the query."""
    from vectordb.views.hits import Hits as One

    many = [hits] if isinstance(hits, One) else list(hits)
    columns = {} if many and many[0] is hits else {"query": _queries(many)}
    columns["entity"] = mixed([entity for one in many for entity in one.entities])
    columns["distance"] = numbers("g", "d", [number for one in many for number in one.distances])
    columns["score"] = numbers("g", "d", [number for one in many for number in one.scores])
    columns["version"] = texts([version for one in many for version in one.versions])
    return Table(columns)


def _queries(many: Sequence[Any]) -> Column:
    return numbers("l", "q", [place for place, one in enumerate(many) for _ in one])


def versions_table(entity: str, kinds: dict[str, FeatureType], versions: Sequence[Version]) -> Table:
    """What was written when, one row a version; null is null, or not written: ``written`` names what was."""
    told = {
        "version": texts([version.id for version in versions]),
        "offset": numbers("l", "q", [version.offset for version in versions]),
        "row": numbers("l", "q", [version.row for version in versions]),
        "event_time": time_column([version.event_time for version in versions]),
        "recorded_time": time_column([version.recorded_time for version in versions]),
        "deleted": bools([version.deleted for version in versions]),
        "written": lists([list(version.values) for version in versions]),
        "derived_from": lists([version.derived_from for version in versions]),
        "transformation": texts([version.transformation for version in versions]),
    }
    columns = {free_name(entity, kinds): mixed([version.entity for version in versions])}
    for name, column in told.items():
        columns[free_name(name, {*kinds, *columns})] = column
    for name, kind in kinds.items():
        columns[name] = value_column(kind, [version.values.get(name) for version in versions])
    return Table(columns)


def events_table(events: Events, rows: int = CHUNK, size: int = CHUNK_BYTES) -> TableStream:
    """Offset, recorded time, type, views, rows, who and why, payload as JSON: tables of at most so many ``rows``.

    The payload is what the stored line carries (vectors as base64); a table ends after ``size`` bytes of it.
    """
    return TableStream(_event_columns([], []), lambda: _event_tables(events, rows, size))


def _event_tables(events: Events, rows: int, size: int) -> Iterator[Table]:
    chunk: list[Any] = []
    payloads: list[str] = []
    held = 0
    for event in events:
        chunk.append(event)
        payloads.append(dumps(event.payload, separators=(",", ":")))
        held += len(payloads[-1])
        if len(chunk) == rows or held >= size:
            yield _event_columns(chunk, payloads)
            chunk, payloads, held = [], [], 0
    if chunk:
        yield _event_columns(chunk, payloads)


def _event_columns(events: Sequence[Any], payloads: Sequence[str]) -> Table:
    metas = [event.meta for event in events]
    said = {name: texts([meta and getattr(meta, name) for meta in metas]) for name in ("actor", "correlation")}
    return Table(
        {
            "offset": numbers("l", "q", [event.offset for event in events]),
            "recorded_time": instants([event.time for event in events]),
            "type": texts([event.type for event in events]),
            "views": lists([event.views for event in events]),
            "rows": numbers("l", "q", [event.rows for event in events]),
            **said,
            "causation": texts([meta and meta.causation for meta in metas]),
            "tags": lists([meta.tags if meta else () for meta in metas]),
            "payload": texts(payloads),
        }
    )
