"""Categories: plain values, their one order, and what counts as the same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isinf, nan
from typing import Any, Final

from ledger import InvalidInput, NotANumber
from vectordb.transforms.shapes import EXACT, Shape, read_list, read_scalar, refuse, write_scalar

Key = tuple[int, Any]  # the rank of the type and the value: 1, 1.0 and True are told apart, NaN equals itself
BOOL, INT, FLOAT, TEXT, NONE, NAN = range(6)
RANKS: Final[dict[type, int]] = {bool: BOOL, int: INT, float: FLOAT, str: TEXT, type(None): NONE}
NUMBERS: Final = frozenset({BOOL, INT, FLOAT, NAN})


def plain(value: Any, label: str) -> Any:
    """A category as a plain value; what is none is refused. NaN is always the one object ``math.nan``."""
    rank = RANKS.get(type(value))
    if rank is None:
        return plain(_of_subtype(value, label), label)
    if rank == FLOAT:
        if value != value:
            return nan
        if isinf(value):
            raise InvalidInput("Input X contains infinity or a value too large for dtype('float64').", feature=label)
        return value + 0.0  # no -0.0
    return value


def _of_subtype(value: Any, label: str) -> Any:
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    found = value.item() if hasattr(value, "item") else None
    if type(found) not in (bool, int, float, str):
        raise NotANumber("a category's argument must be a string or a number, or None", feature=label, value=value)
    return found


def is_nan(value: Any) -> bool:
    """Whether a plain value is NaN."""
    return type(value) is float and value != value


def key_of(value: Any, label: str) -> Key:
    """What a category is held under."""
    value = plain(value, label)
    return (NAN, None) if is_nan(value) else (RANKS[type(value)], value)


def value_of(key: Key) -> Any:
    """See ``key_of``."""
    return nan if key[0] == NAN else key[1]


def order(key: Key) -> tuple[Any, ...]:
    """Numbers first, then text, None, and NaN last; of equal numbers the narrower type first."""
    rank, value = key
    return (NONE if rank == NONE else NAN, 0) if rank >= NONE else (TEXT if rank == TEXT else 0, value, rank)


def categories_of(keys: Iterable[Key]) -> tuple[Any, ...]:
    """The distinct categories in order; equal numbers are one, of the widest type.

    As in an array, numbers alone are of one type: floats if any is one.
    """
    ordered = sorted(keys, key=order)
    found = list({value_of(key): value_of(key) for key in ordered}.values())  # the last of equal ones
    ranks = {key[0] for key in ordered}
    if ranks <= NUMBERS and len(ranks) > 1:
        return tuple(map(_as_float if ranks & {FLOAT, NAN} else int, found))
    return tuple(found)


def _as_float(value: Any) -> Any:
    return float(value) if -EXACT <= value <= EXACT else value


def given_categories(given: Any, label: str, numbers: bool) -> tuple[Any, ...]:
    """Categories that a caller lists for one feature, in the caller's order; ``numbers``: of a column of numbers."""
    listed = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(listed, (str, bytes)) or not hasattr(listed, "__iter__"):
        raise InvalidInput("categories are listed for each feature", feature=label, categories=given)
    found = tuple(plain(value, label) for value in listed)
    if any(map(is_nan, found[:-1])):
        raise InvalidInput("Nan should be the last element in user provided categories", feature=label)
    if len(set(found)) != len(found):
        raise InvalidInput("the predefined categories contain duplicate elements", feature=label)
    if numbers:
        _check_sorted(found, label)
    return found


def _check_sorted(found: Sequence[Any], label: str) -> None:
    keys = [key_of(value, label) for value in found]
    if {rank for rank, _ in keys} <= NUMBERS and keys != sorted(keys, key=order):
        raise InvalidInput("Unsorted categories are not supported for numerical categories", feature=label)


def _read_categories(stored: Any, place: str) -> tuple[Any, ...]:
    found = []
    for number, item in enumerate(read_list(stored, place)):
        value = read_scalar(item, f"{place}[{number}]")
        if type(value) is float and isinf(value):
            raise refuse("a category is finite", f"{place}[{number}]", item)
        found.append(plain(value, place))
    if len(set(found)) != len(found) or any(map(is_nan, found[:-1])):
        raise refuse("categories that differ, NaN last", place, stored)
    return tuple(found)


CATEGORIES: Final = Shape(lambda held: [write_scalar(value) for value in held], _read_categories)
