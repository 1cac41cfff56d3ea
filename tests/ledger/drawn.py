"""What hypothesis draws: layouts, rows, columns. Import after ``pytest.importorskip("hypothesis")``."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ledger import MISSING, Bool, Category, FeatureType, Float, Int, Layout, Text, Timestamp, Vector
from tests.ledger.making import layout_of

# The same examples on every run and machine.
few = settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
fewer = settings(few, max_examples=25)

TYPES: list[FeatureType] = [
    Int(),
    Float(),
    Bool(),
    Category(),
    Text(max_bytes=12),
    Timestamp(),
    Vector(2, metric="euclidean"),
    Vector(3, dtype="float16"),
    Vector(3, dtype="int8", metric="dot"),
    Vector(11, dtype="binary", metric="hamming"),
]
ints = st.integers(-(2**53), 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)

CELLS: dict[str, st.SearchStrategy[Any]] = {
    "int": ints,
    "float": floats,
    "bool": st.booleans(),
    "category": texts | ints,
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    "timestamp": st.integers(-(2**32), 2**32),  # seconds
}
entities = st.one_of(
    texts.filter(bool),
    st.integers(),
    st.lists(texts.filter(bool) | st.integers(), min_size=1, max_size=3).map(tuple),
)
anything = st.one_of(
    st.none(),
    st.just(MISSING),
    st.booleans(),
    ints,
    st.integers(),
    st.floats(),
    st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**53) - 1, -0.0, 5e-324, math.nan, math.inf, b"x", "\ud800", 1j]),
    texts,
    st.text(max_size=3),
    st.decimals(),
    st.fractions(),
    st.binary(max_size=12),
    st.lists(st.floats(width=16) | st.integers(0, 1), max_size=3),
    st.datetimes(),
)


@st.composite
def _layouts(draw: st.DrawFn) -> Layout:
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6))
    return layout_of(**{f"f{place}": kind for place, kind in enumerate(kinds)})


layouts = _layouts()


def values_of(kind: FeatureType) -> st.SearchStrategy[Any]:
    """Values that a type takes."""
    if not isinstance(kind, Vector):
        return CELLS[kind.name]
    if kind.dtype == "binary":
        element: st.SearchStrategy[Any] = st.integers(0, 1)
    elif kind.dtype == "int8":
        element = st.integers(-128, 127)
    else:
        element = st.floats(width=16, allow_nan=False, allow_infinity=False)
    vectors = st.lists(element, min_size=kind.dim, max_size=kind.dim)
    return vectors.filter(any) if kind.metric == "cosine" else vectors


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The values, and now and then a null or a cell that is not written."""
    return st.one_of(values, values, values, st.none(), st.just(MISSING))


@st.composite
def checked_rows(draw: st.DrawFn, layout: Layout) -> Any:
    """Cells of a row: a tuple when complete, a list with gaps."""
    gaps = draw(st.booleans())
    cells = []
    for place, kind in enumerate(layout.types):
        values = values_of(kind)
        cells.append(layout.check_cell(place, draw(maybe(values) if gaps else values)))
    if all(cell is MISSING for cell in cells):
        cells[0] = None
    return cells if any(cell is None or cell is MISSING for cell in cells) else tuple(cells)
