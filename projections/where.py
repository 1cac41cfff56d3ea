"""Filters as data: the ``where`` of a search, parsed into a small tree that is immutable and hashable.

The form is that of MongoDB and Chroma: ``{"city": "Rome", "trips": {"$gte": 10, "$lt": 50}}``; several keys of
one mapping are joined by *and*. ``where_tree`` holds the tree, its truth and its masks; here it is parsed.

    where  = { key: value, ... }      {} matches everything
    key    = feature                  value = operand (short for $eq), or { operator: operand, ... }
           | "$and" | "$or"           value = a list of at least one where
           | "$not"                   value = a where
    operator: $eq $ne $gt $gte $lt $lte    one value
              $in $nin                     a list, tuple or set of values, which may be empty
              $exists                      True or False
              $not                         { operator: operand, ... }

An operand is checked as a written value of its feature would be, and kept in the form of a cell
(``ledger.values.feature_types``), the one form in which values are compared:

    type        operand                                    compared as       order
    Int         int or float (9.5 and 2**60 too)           int or float      of numbers, exact
    Float       what a Float takes, rounded to float64     float             of numbers; -0.0 equals 0.0
    Bool        bool                                       bool              refused
    Category    str or int, kept apart                     str or int        of two str or two int; else False
    Text        str                                        str               of code points
    Timestamp   aware datetime, RFC 3339 text, seconds     microseconds      of time
    Vector      only $exists

None is an operand of ``$eq $ne $in $nin`` only; NaN of none; infinity (as a float) of an order on numbers.
Unknown features raise ``UnknownName``, everything else ``InvalidInput``. Because a ``where`` may come from a
stranger, its depth and size are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from operator import index
from typing import Any, Final

from ledger import Bool, FeatureType, Float, Int, InvalidInput, UnknownName, Vector
from projections.where_tree import OPERATORS, ORDERS, All, Either, Leaf, Node, Not

MAX_DEPTH: Final = 32  # levels of $and, $or and $not
MAX_TERMS: Final = 1_000  # conditions and branches of one where
MAX_VALUES: Final = 10_000  # operands of all its $in and $nin
MAX_BITS: Final = 1_024  # of a whole number; more do not fit in float64, nor, in the end, in a message

JOINS: Final = ("$and", "$or", "$not")
_LISTS = (list, tuple, set, frozenset)
_BOOL, _FLOAT = Bool(), Float()


def parse_where(where: Mapping[str, Any], kinds: Mapping[str, FeatureType], view: str) -> Node:
    """The tree of a ``where`` over features of these types; ``view`` is named in errors. 7 us a condition.

    >>> from ledger import Category
    >>> kinds = {"city": Category(), "trips": Int()}
    >>> node = parse_where({"city": "Rome", "trips": {"$gte": 9.5}}, kinds, "drivers@1")
    >>> node.test({"city": (True, "Rome"), "trips": (True, 12)}.__getitem__)
    True
    >>> parse_where({}, kinds, "drivers@1")
    All(parts=())
    >>> parse_where({"town": "Rome"}, kinds, "drivers@1")
    Traceback (most recent call last):
    ledger.errors.UnknownName: the view has no such feature at this version (...)
    """
    return _Parser(kinds, view).where(where, 0)


class _Parser:
    """One parse, and what it has used up of the bounds."""

    def __init__(self, kinds: Mapping[str, FeatureType], view: str) -> None:
        self._kinds = kinds
        self._view = view
        self._terms = 0
        self._values = 0

    def where(self, where: Any, depth: int) -> Node:
        """One mapping of features and joins."""
        self._enter(depth)
        if not isinstance(where, Mapping):
            raise InvalidInput("a where is a mapping of features and $and, $or, $not", type=type(where).__name__)
        parts: list[Node] = []
        for key, value in where.items():
            if not isinstance(key, str):
                raise InvalidInput("a key of a where is text", type=type(key).__name__)
            if key.startswith("$"):
                parts.append(self._join(key, value, depth + 1))
            else:
                parts += self._conditions(key, value, depth)
        return _all(parts)

    def _join(self, key: str, value: Any, depth: int) -> Node:
        if key not in JOINS:
            rule = "a key of a where is a feature or one of these"
            raise InvalidInput(rule, key=key, known=list(JOINS), view=self._view)
        if key == "$not":
            return Not(self.where(value, depth))
        if not isinstance(value, (list, tuple)) or not value:
            raise InvalidInput(f"{key} takes a list of at least one where", type=type(value).__name__)
        parts = [self.where(part, depth) for part in value]
        return _all(parts) if key == "$and" else parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _conditions(self, feature: str, value: Any, depth: int) -> list[Node]:
        """What one key asks of its feature."""
        if feature not in self._kinds:
            rule = "the view has no such feature at this version"
            raise UnknownName(rule, view=self._view, feature=feature, known=list(self._kinds)[:20])
        if not isinstance(value, Mapping):
            return [self._leaf(feature, "$eq", value)]
        if not value:
            raise InvalidInput("a condition names an operator", feature=feature, known=list(OPERATORS))
        return [self._condition(feature, op, operand, depth) for op, operand in value.items()]

    def _condition(self, feature: str, op: Any, operand: Any, depth: int) -> Node:
        if op != "$not":
            return self._leaf(feature, op, operand)
        self._enter(depth + 1)
        if not isinstance(operand, Mapping):
            rule = "$not within a condition takes a mapping of operators"
            raise InvalidInput(rule, feature=feature, type=type(operand).__name__)
        return Not(_all(self._conditions(feature, operand, depth + 1)))

    def _leaf(self, feature: str, op: Any, operand: Any) -> Leaf:
        self._count()
        kind, place = self._kinds[feature], {"view": self._view, "feature": feature, "operator": op}
        if not isinstance(op, str) or op not in OPERATORS:
            raise InvalidInput("an operator is one of these", **place, known=[*OPERATORS, "$not"])
        try:
            _check_fit(kind, op)
            if op in ("$in", "$nin"):
                return Leaf(feature, op, frozenset([_operand(kind, op, value) for value in self._list(operand)]))
            return Leaf(feature, op, _operand(kind, op, operand))
        except InvalidInput as error:
            raise type(error)(error.rule, **{**error.values, **place}) from None

    def _list(self, operand: Any) -> Any:
        if not isinstance(operand, _LISTS):
            raise InvalidInput("$in and $nin take a list, tuple or set", type=type(operand).__name__)
        self._values += len(operand)
        if self._values > MAX_VALUES:
            raise InvalidInput(f"a where lists at most {MAX_VALUES} values in $in and $nin", count=self._values)
        return operand

    def _enter(self, depth: int) -> None:
        self._count()
        if depth > MAX_DEPTH:
            raise InvalidInput(f"a where nests at most {MAX_DEPTH} levels of $and, $or and $not", view=self._view)

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise InvalidInput(f"a where has at most {MAX_TERMS} conditions and branches", view=self._view)


def _all(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _check_fit(kind: FeatureType, op: str) -> None:
    """Whether a type knows an operator at all."""
    if isinstance(kind, Vector) and op != "$exists":
        raise InvalidInput("a Vector is compared by search; a where asks only whether it exists", known=["$exists"])
    if isinstance(kind, Bool) and op in ORDERS:
        raise InvalidInput("a Bool has no order", known=[name for name in OPERATORS if name not in ORDERS])


def _operand(kind: FeatureType, op: str, value: Any) -> Any:
    """The cell that values are compared with."""
    if isinstance(value, (*_LISTS, Mapping)):
        raise InvalidInput("an operand is one value; $in and $nin take a list of them", type=type(value).__name__)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise InvalidInput(f"a whole number has at most {MAX_BITS} bits", bits=value.bit_length())
    if op == "$exists":
        return _BOOL.check(value)
    if value is None:
        if op in ORDERS:
            raise InvalidInput("an order operator takes a value, not None")
        return None
    return _number(kind, op, value) if isinstance(kind, (Int, Float)) else kind.check(value)


def _number(kind: Int | Float, op: str, value: Any) -> int | float:
    """An Int is compared with a float as it stands: rounding 9.5 either way would be another question."""
    if isinstance(value, float) and not isfinite(value):
        if isnan(value) or op not in ORDERS:
            raise InvalidInput("an operand is no NaN, and infinite only where numbers are ordered", value=value)
        return float(value)
    if isinstance(kind, Int) and not isinstance(value, bool):
        try:
            return int(index(value))
        except TypeError:
            pass
    return _FLOAT.check(value)
