"""Differing: two states of a ledger compared, or two ledgers; only what can differ is looked at.

Two offsets of one log, and a fork and its parent, share a ground of events. What differs lies in the events since,
but for values that one clock shows and the other does not: dated ahead, or past their time to live in between. States
without a common ground are compared row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ledger import InvalidInput, UnknownName
from vectordb.audit.difference import Difference, NeighbourChange, PredictionChange, RowChange, made
from vectordb.audit.differing_definitions import definition_changes, tally_changes
from vectordb.audit.differing_predictions import diff_predictions, prediction_changes
from vectordb.audit.differing_rows import row_changes
from vectordb.audit.ground import Touched, common_offset, touched_since
from vectordb.hits import Hits
from vectordb.past import Past
from vectordb.prediction import Prediction

if TYPE_CHECKING:
    from vectordb.reader import Reader

Side: TypeAlias = "int | str | Prediction | Reader"  # an offset, a prediction or its id, a database or past
Query = Sequence[Any]  # (view, feature, vector, k)


def diff(
    reader: Reader, a: Side, b: Side, neighbours: Iterable[Query] | None, views: Iterable[str] | None, limit: int | None
) -> Difference:
    """What differs from a to b: see ``Audit.diff``."""
    if limit is not None and (type(limit) is not int or limit < 0):
        raise InvalidInput("a limit is a number of changes, or None", limit=limit)
    if any(isinstance(side, (str, Prediction)) for side in (a, b)):
        return diff_predictions(reader, a, b)
    before, after = _pinned(reader, a), _pinned(reader, b)
    common = common_offset(before, after)
    touched = touched_since(before, common), touched_since(after, common)
    names = _views(before, after, views)
    sections: dict[str, Iterable[Any]] = {
        "definitions": list(definition_changes(before, after)),
        "rows": _rows(before, after, names, common, touched),
        "predictions": _predictions(before, after, common),
        "neighbours": list(_neighbour_changes(before, after, neighbours or ())),
        "tallies": _tallies(before, after, touched),
    }
    return made(*_names(before, after), sections, limit)


def _pinned(reader: Reader, side: Any) -> Past:
    """A side as a past: an offset of the reader, or any reader as it is now."""
    from vectordb.reader import Reader as Readers

    if type(side) is int:
        side = reader.as_of(side)
    if not isinstance(side, Readers):
        raise InvalidInput("a side of a difference is an offset, a database or past, or a prediction", given=side)
    if isinstance(side, Past):
        return side
    return side.consistently(lambda: Past(side.state, side.as_of_offset, side.clock()))


def _names(before: Past, after: Past) -> tuple[str, str]:
    """The offsets; of two ledgers their ids too."""
    if before.state is after.state:
        return str(before.as_of_offset), str(after.as_of_offset)
    one, other = (f"{past.header.ledger_id[:8]}@{past.as_of_offset}" for past in (before, after))
    return one, other


def _views(before: Past, after: Past, asked: Iterable[str] | None) -> list[str]:
    known = list(dict.fromkeys([*before.views(), *after.views()]))
    names = known if asked is None else [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if name not in known:
            raise UnknownName("no view of that name is defined", view=name, known=known[:20])
    return names


def _rows(
    before: Past, after: Past, names: list[str], common: int | None, touched: tuple[Touched, Touched]
) -> list[RowChange]:
    def changes(name: str) -> list[RowChange]:
        return before.consistently(after.consistently, row_changes, before, after, name, common, touched)

    return [change for name in names for change in changes(name)]


def _predictions(before: Past, after: Past, common: int | None) -> list[PredictionChange]:
    def changes() -> list[PredictionChange]:
        return list(prediction_changes(before, after, common))

    return before.consistently(after.consistently, changes)


def _tallies(before: Past, after: Past, touched: tuple[Touched, Touched]) -> list[Any]:
    whole = any(side.whole for side in touched)
    moved = touched[0].experiments | touched[1].experiments

    def changes() -> list[Any]:
        return list(tally_changes(before, after, lambda name: whole or name in moved))

    return before.consistently(after.consistently, changes)


def _neighbour_changes(before: Past, after: Past, queries: Iterable[Query]) -> Iterator[NeighbourChange]:
    for number, query in enumerate(queries):
        if not isinstance(query, Sequence) or len(query) != 4:
            raise InvalidInput("a query of a difference is view, feature, vector and k", query=query)
        view, feature, vector, k = query
        was, now = ({hit.entity: hit.distance for hit in _hits(past, view, feature, vector, k)}
                    for past in (before, after))  # fmt: skip
        entered = tuple((entity, distance) for entity, distance in now.items() if entity not in was)
        left = tuple((entity, distance) for entity, distance in was.items() if entity not in now)
        both = ((entity, was[entity], now[entity]) for entity in was if entity in now)
        moved = tuple(pair for pair in both if pair[1] != pair[2])
        if entered or left or moved:
            yield NeighbourChange(number, view, feature, entered, left, moved)


def _hits(past: Past, view: str, feature: str, vector: Any, k: int) -> Hits | tuple[()]:
    """The exact hits; none where the side does not define the view or feature."""
    try:
        known = past.view(view).features
    except UnknownName:
        return ()
    return past.view(view).search(feature, vector, k, exact=True) if feature in known else ()
