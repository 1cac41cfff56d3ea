"""A column of cells: one feature of many rows, checked and held as machine words.

The fast paths look at a column as a whole (its set of types, one sum, one minimum), about 60 ns a
float; the slow path asks the feature type about every cell (1 us) and finds every bad one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence, Set
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from ledger.errors import InvalidEntity, InvalidInput
from ledger.identity import Entity, check_entity
from ledger.values.feature_types import MAX_INT, Bool, Category, FeatureType, Float, Int, Text, is_nan
from ledger.values.pool import Pool
from ledger.values.rows import ABSENT, MISSING, NULL
from ledger.values.vector_type import ELEMENTS, Vector

Data: TypeAlias = "array[Any] | list[str] | bytes"


class BadCell(NamedTuple):
    """A cell that breaks a rule."""

    row: int
    value: Any
    rule: str


class Column(NamedTuple):
    """``data`` holds zero, "" or zero bytes in the rows that are null or missing.

    data: array('d') of floats, array('q') of ints, codes or instants, list of str for Text, bytes for
    Vector (no byte where no row has a value: zeros of wide vectors would fill memory). ``nulls`` and ``missing`` are
    ascending row numbers.
    """

    data: Data
    nulls: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    def words(self, rows: int) -> array[int]:
        """The int64 words of the column in packed rows, sentinels in place."""
        data = self.data
        if isinstance(data, array):
            words = array("q", bytes(0))
            words.frombytes(data.tobytes())
        else:
            words = array("q", bytes(8 * rows))
        for row in self.nulls:
            words[row] = NULL
        for row in self.missing:
            words[row] = ABSENT
        return words


def check_column(kind: FeatureType, values: Any, pool: Pool, nan: str = "refuse") -> tuple[Column, list[BadCell]]:
    """The column of a caller's values, and its bad cells (each left missing in the column)."""
    fast = _FAST.get(type(kind))
    data = None if fast is None else fast(kind, values, pool)
    if data is not None:
        return Column(data), []
    if isinstance(values, (str, bytes, bytearray, Mapping, Set)):
        raise InvalidInput("a column is a sequence of values", type=type(values).__name__)
    if getattr(getattr(values, "dtype", None), "kind", "") in ("M", "m"):
        values = list(values)  # tolist() would turn nanoseconds into plain ints
    return _check_cells(kind, values.tolist() if hasattr(values, "tolist") else values, pool, nan)


def _check_cells(kind: FeatureType, values: Sequence[Any], pool: Pool, nan: str) -> tuple[Column, list[BadCell]]:
    nulls: list[int] = []
    missing: list[int] = []
    bad: list[BadCell] = []
    cells: list[Any] = []
    gap = kind.gap()
    for row, value in enumerate(values):
        cell = gap
        if value is None or (nan == "null" and is_nan(value)):
            nulls.append(row)
        elif value is MISSING:
            missing.append(row)
        else:
            try:
                cell = kind.check(value)
            except InvalidInput as error:
                bad.append(BadCell(row, value, error.rule))
                missing.append(row)
        cells.append(cell)
    return Column(pack_cells(kind, cells, {*nulls, *missing}, pool), tuple(nulls), tuple(missing)), bad


def pack_cells(kind: FeatureType, cells: list[Any], gaps: set[int], pool: Pool) -> Data:
    """The data of checked cells; ``gaps`` are the rows whose cell only fills the place."""
    if kind.name == "vector":
        return b"".join(cells) if len(gaps) < len(cells) else b""
    if kind.heavy:
        return cells
    if kind.coded:
        return array("q", [0 if row in gaps else pool[cell] for row, cell in enumerate(cells)])
    return array(kind.word, cells)


def _fast_floats(kind: FeatureType, values: Any, pool: Pool) -> array[float] | None:
    data = _from_buffer(values, "df", "d")
    if data is None and isinstance(values, (list, tuple)) and set(map(type, values)) <= {float, int}:
        try:
            data = array("d", values)
        except OverflowError:
            return None
    # A sum is finite only when every term is; the other way round the slow path decides.
    return data if data is not None and isfinite(sum(data)) else None  # ranks only


def _fast_ints(kind: FeatureType, values: Any, pool: Pool) -> array[int] | None:
    data = _from_buffer(values, "qlihbLIHB", "q")
    if data is None and isinstance(values, (list, tuple, range)) and set(map(type, values)) <= {int}:
        try:
            data = array("q", values)
        except OverflowError:
            return None
    inside = data is not None and (not data or (min(data) >= -MAX_INT and max(data) <= MAX_INT))
    return data if inside else None


def _fast_bools(kind: FeatureType, values: Any, pool: Pool) -> array[int] | None:
    if isinstance(values, (list, tuple)) and set(map(type, values)) <= {bool}:
        return array("q", values)
    return None


def _fast_categories(kind: FeatureType, values: Any, pool: Pool) -> array[int] | None:
    if not isinstance(values, (list, tuple)) or not set(map(type, values)) <= {str}:
        return None
    try:
        for value in set(values):  # set.difference of a dict's subclass would walk the whole pool
            if value not in pool:
                kind.check(value)
    except InvalidInput:
        return None
    return array("q", map(pool.__getitem__, values))


def _fast_texts(kind: Any, values: Any, pool: Pool) -> list[str] | None:
    if not isinstance(values, (list, tuple)) or not set(map(type, values)) <= {str}:
        return None
    fits = all(map(str.isascii, values)) and max(map(len, values), default=0) <= kind.max_bytes
    return list(values) if fits else None


def _fast_vectors(kind: Any, values: Any, pool: Pool) -> bytes | None:
    """A two-dimensional buffer of the stored element type: one copy, one look at the exponents."""
    try:
        view = memoryview(values)
    except TypeError:
        return None
    if view.ndim != 2 or view.format != ELEMENTS[kind.dtype] or kind.dtype == "binary" or not view.c_contiguous:
        return None
    if view.shape is None or view.shape[1] != kind.dim:
        return None
    raw = view.tobytes()
    return raw if are_good_vectors(kind, raw) else None


def are_good_vectors(kind: Vector, raw: bytes) -> bool:
    """Whether a run of stored vectors may hold no NaN or infinity, and no zero vector under cosine.

    The top byte of a non-finite float is 0x7F or 0xFF: two ``count`` calls clear a column in 1 ns an
    element, and only a column with such a byte is looked at vector by vector.
    """
    width = {"float64": 8, "float32": 4, "float16": 2}.get(kind.dtype)
    suspect = width is not None and _has_top_exponent(raw[width - 1 :: width], kind.dtype)
    padded = kind.dtype == "binary" and kind.dim % 8
    if not suspect and not padded and kind.metric != "cosine":
        return True
    size = kind.size
    zero = bytes(size)
    try:
        for start in range(0, len(raw), size):
            cell = raw[start : start + size]
            if suspect or padded or cell == zero or cell[-1] & 0x7F == 0:
                kind.check_bytes(cell)
    except InvalidInput:
        return False
    return True


def _has_top_exponent(top: bytes, dtype: str) -> bool:
    tops = (0x7C, 0x7D, 0x7E, 0x7F, 0xFC, 0xFD, 0xFE, 0xFF) if dtype == "float16" else (0x7F, 0xFF)
    return any(top.count(byte) for byte in tops)


def _from_buffer(values: Any, formats: str, code: str) -> array[Any] | None:
    """A one-dimensional buffer of one of these formats as an array of words."""
    if isinstance(values, (list, tuple, bytes, bytearray)):
        return None
    try:
        view = memoryview(values)
    except TypeError:
        return None
    if view.ndim != 1 or view.format not in set(formats):
        return None
    if view.format == code:
        data = array(code)
        data.frombytes(view.tobytes())
        return data
    try:
        return array(code, view.tolist())
    except OverflowError:
        return None


_FAST: dict[type[FeatureType], Callable[[Any, Any, Pool], Any]] = {
    Float: _fast_floats,
    Int: _fast_ints,
    Bool: _fast_bools,
    Category: _fast_categories,
    Text: _fast_texts,
    Vector: _fast_vectors,
}


def check_entities(values: Sequence[Any]) -> tuple[list[Entity], list[BadCell]]:
    """Entity ids of a batch, and the bad ones (left as they are)."""
    ids = values.tolist() if hasattr(values, "tolist") else list(values)
    kinds = set(map(type, ids))
    if kinds == {str} and all(ids) and all(map(str.isascii, ids)):
        return ids, []
    bad: list[BadCell] = []
    checked: list[Entity] = []
    for row, entity in enumerate(ids):
        try:
            checked.append(check_entity(entity))
        except InvalidEntity as error:
            bad.append(BadCell(row, entity, error.rule))
            checked.append(entity)
    return checked, bad


def constant(word: int, rows: int) -> array[int]:
    """A column of one word."""
    return array("q", (word,)) * rows
