"""Targets beside categories: labels, which are counted, and numbers, of which there are exact moments."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from math import isinf
from typing import Any, Final

from ledger import InvalidInput
from projections import Moments, moments
from vectordb.transforms.encoding.categories import Key, categories_of
from vectordb.transforms.encoding.tally import COUNTS, Tally, grouped, tally, tally_shape
from vectordb.transforms.exact import MOMENTS
from vectordb.transforms.shapes import Shape, each, read_object, refuse
from vectordb.transforms.table import Table, read_target, to_floats

LABELS: Final = "labels"
NUMBERS: Final = "numbers"


def target_of(y: Any, rows: int) -> list[Any]:
    """The target, one plain value a row; a missing one is refused."""
    if hasattr(y, "__array__") and not hasattr(y, "tolist"):
        y = sys.modules["numpy"].asarray(y)
    values = read_target(y, rows)
    for value in values:
        if isinstance(value, (list, tuple)):
            raise InvalidInput("Unknown label type: the target is one label a row", value=value)
        if value is None or value != value:
            raise InvalidInput("Input y contains NaN.")
        if isinstance(value, float) and isinf(value):
            raise InvalidInput("Input y contains infinity or a value too large for dtype('float64').")
    return values


def sort_of(values: Sequence[Any]) -> str:
    """Whether a target is of numbers (some is not whole), as scikit-learn tells it, or of labels."""
    return NUMBERS if any(isinstance(value, float) and not value.is_integer() for value in values) else LABELS


def by_category(table: Table, values: Sequence[Any], sort: str) -> list[Tally]:
    """What is known of the target beside each category of each feature."""
    if sort == NUMBERS:
        values = to_floats(values, "y")
    return [
        Tally(_known(grouped(column, label, values), sort)) for column, label in zip(table.columns, table.labels)
    ]


def _known(found: Mapping[Key, Iterable[Any]], sort: str) -> dict[Key, Any]:
    return {key: moments(own) if sort == NUMBERS else tally(own, "y") for key, own in found.items()}


def classes_of(whole: Tally | None) -> tuple[Any, ...]:
    """The labels of a target in order."""
    return () if whole is None else categories_of(whole.held)


def moments_of(known: Any, classes: Sequence[Any] | None, binary: bool) -> list[Moments]:
    """The moments of a target, or of each of its classes as 1 against 0; of the second alone where it is binary."""
    if classes is None:
        return [Moments(0, 0, 0, 1) if known is None else known]
    counts = {} if known is None else known.by_value()
    size = 0 if known is None else known.size
    wanted = (classes[1:] or (None,)) if binary else classes
    return [Moments(size, counts.get(label, 0), counts.get(label, 0), 1) for label in wanted]


_LABEL_TALLY: Final = tally_shape(COUNTS.write, COUNTS.read)


def _read_moments(stored: Any, place: str) -> Moments:
    (found,) = MOMENTS.read([stored], place)
    if found.size < 1:
        raise refuse("a category of at least one row", place, stored)
    return found  # type: ignore[no-any-return]


_MOMENTS_TALLY: Final = tally_shape(lambda held: MOMENTS.write([held])[0], _read_moments)
_SHAPES: Final = {LABELS: _LABEL_TALLY, NUMBERS: _MOMENTS_TALLY}


def sort_held(tallies: Sequence[Tally]) -> str | None:
    """The sort of target that tallies know; None of no rows."""
    for held in tallies:
        for known in held.held.values():
            return NUMBERS if isinstance(known, Moments) else LABELS
    return None


def _write_tallies(tallies: Sequence[Tally]) -> dict[str, Any]:
    sort = sort_held(tallies) or LABELS
    return {"target": sort, "features": [_SHAPES[sort].write(held) for held in tallies]}


def _read_tallies(stored: Any, place: str) -> tuple[Tally, ...]:
    held = read_object(stored, place, ["target", "features"])
    shape = _SHAPES.get(held["target"]) if isinstance(held["target"], str) else None
    if shape is None:
        raise refuse("a target of labels or numbers", f"{place}.target", held["target"])
    found: tuple[Tally, ...] = each(shape).read(held["features"], f"{place}.features")
    _check_labels(found, held["target"], place)
    return found


def _check_labels(found: Sequence[Tally], sort: str, place: str) -> None:
    if sort == LABELS and any(not known.held for held in found for known in held.held.values()):
        raise refuse("a category of at least one row", place, "none")


TALLIES: Final = Shape(_write_tallies, _read_tallies)
