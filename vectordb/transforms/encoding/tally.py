"""Tallies: what is known of each category (a count, moments of a target, counts of labels), merged and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from ledger import InvalidInput
from projections import Moments
from vectordb.transforms.encoding.categories import Key, key_of, order, value_of
from vectordb.transforms.shapes import Shape, read_list, read_scalar, refuse, write_scalar


class Tally:
    """Something by category: counts (ints), ``Moments``, or tallies of labels. None of them is empty."""

    __slots__ = ("held",)

    def __init__(self, held: Mapping[Key, Any]) -> None:
        self.held = dict(held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and other.held == self.held

    def __hash__(self) -> int:
        return hash(frozenset(self.held))

    @property
    def size(self) -> int:
        """How many rows."""
        return sum(map(_size, self.held.values()))  # ints

    def merge(self, other: Tally) -> Tally:
        """That of both."""
        found = dict(self.held)
        for key, more in other.held.items():
            found[key] = _merged(found[key], more) if key in found else more
        return Tally(found)

    def retract(self, other: Tally) -> Tally:
        """Without rows that were merged before; a category of which nothing is left is gone."""
        found = dict(self.held)
        for key, less in other.held.items():
            if key not in found or _size(found[key]) < _size(less):
                raise InvalidInput("only rows that were added are taken back", category=value_of(key))
            left = found[key] - less if isinstance(less, int) else found[key].retract(less)
            _check_left(left, key)
            found[key] = left
            if not _size(left):
                del found[key]
        return Tally(found)

    def by_value(self) -> dict[Any, Any]:
        """The same by plain category: equal numbers of several types are one, NaN is ``math.nan``."""
        found: dict[Any, Any] = {}
        for key in self.held:
            value = value_of(key)
            found[value] = _merged(found[value], self.held[key]) if value in found else self.held[key]
        return found

    def whole(self) -> Any:
        """All categories together; None of none."""
        return reduce(_merged, self.held.values()) if self.held else None


def _size(item: Any) -> int:
    size: int = item if isinstance(item, int) else item.size
    return size


def _merged(one: Any, other: Any) -> Any:
    return one + other if isinstance(one, int) else one.merge(other)


def _check_left(left: Any, key: Key) -> None:
    """Sums that no numbers have show that what was taken back had not been added."""
    if isinstance(left, Moments) and (left.spread < 0 or (not left.size and (left.total or left.squares))):
        raise InvalidInput("only rows that were added are taken back", category=value_of(key))


def tally(column: Iterable[Any], label: str) -> Tally:
    """The counts of a column. 0.15 us a value."""
    column = list(column)
    try:
        counted = Counter(zip(map(type, column), column))  # by type too: 1, 1.0 and True are equal
    except TypeError:
        counted = Counter((type(value), key_of(value, label)[1]) for value in column)  # refuses what is no category
    found: dict[Key, int] = {}
    for (_, value), count in counted.items():
        key = key_of(value, label)
        found[key] = found.get(key, 0) + count
    return Tally(found)


def grouped(column: Iterable[Any], label: str, items: Iterable[Any]) -> dict[Key, list[Any]]:
    """Items by the category that stands beside them."""
    keys: dict[Any, Key] = {}
    found: dict[Key, list[Any]] = {}
    for value, item in zip(column, items):
        try:
            key = keys.get((type(value), value))
        except TypeError:
            key = None
        if key is None:
            key = key_of(value, label)
            keys[type(value), value] = key
        found.setdefault(key, []).append(item)
    return found


def _read_count(stored: Any, place: str) -> int:
    count = read_scalar(stored, place)
    if type(count) is not int or count < 1:
        raise refuse("a count of at least one", place, stored)
    return count


def tally_shape(write: Callable[[Any], Any], read: Callable[[Any, str], Any]) -> Shape:
    """The shape of a tally of things of one shape: [category, thing] pairs in order."""

    def write_tally(held: Tally) -> list[Any]:
        return [[write_scalar(value_of(key)), write(held.held[key])] for key in sorted(held.held, key=order)]

    def read_tally(stored: Any, place: str) -> Tally:
        found: dict[Key, Any] = {}
        for number, item in enumerate(read_list(stored, place)):
            here = f"{place}[{number}]"
            pair = read_list(item, here)
            if len(pair) != 2:
                raise refuse("pairs of category and what is known of it", here, item)
            key = _read_key(pair[0], here)
            if key in found:
                raise refuse("categories that differ", here, pair[0])
            found[key] = read(pair[1], f"{here}[1]")
        return Tally(found)

    return Shape(write_tally, read_tally)


def _read_key(stored: Any, place: str) -> Key:
    try:
        return key_of(read_scalar(stored, f"{place}[0]"), place)
    except InvalidInput as error:
        raise refuse(f"a category ({error})", f"{place}[0]", stored) from None


COUNTS: Final = tally_shape(write_scalar, _read_count)


def check_together(tallies: Sequence[Tally], place: str) -> None:
    """Refuse tallies that are not of the same rows."""
    wholes = [held.whole() for held in tallies]
    if any(whole != wholes[0] for whole in wholes):
        raise refuse("every feature has the same rows", place, [held.size for held in tallies])
