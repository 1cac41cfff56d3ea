"""The tree of a filter: what it means for a row, and for a set of rows as a bit mask.

Values are **cells** (``ledger.values.feature_types``; an instant is its microseconds), or None for null and for a
missing value without default. As in MongoDB: ``$eq`` None holds for None, an order holds for no None, and
``$ne``, ``$nin`` and Not are plain negations, so they hold where ``$eq``, ``$in`` or their part does not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Read: TypeAlias = Callable[[str], "tuple[bool, Any]"]  # feature -> (written and not expired, the cell a read shows)


class Node:
    """A filter: a Leaf, or All, Either and Not of filters. Immutable and hashable.

    Equal when written alike, in one order; within one version of a view, for types are not part of it.
    """

    __slots__ = ()

    @property
    def features(self) -> frozenset[str]:
        """The features that the filter reads."""
        raise NotImplementedError

    def test(self, read: Read) -> bool:
        """Whether a row matches; ``read(feature)`` is asked only for what decides."""
        raise NotImplementedError

    def masks(self, leaf_mask: Callable[[Leaf], int], full: int) -> int:
        """The rows that match, one bit a row: the mask of every leaf joined by ``& | ~``; ``full`` has all rows.

        Exact where the leaves' masks are. Where these may hold too much, ask ``negation_free(node)``: its answer
        grows with its leaves' masks, while ``~`` of a mask that is too large is one that is too small.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """One condition: ``value`` is a cell or None; of ``$in`` and ``$nin`` a frozenset of these.

    >>> Leaf("trips", "$gt", 3).matches(4, True), Leaf("trips", "$gt", 3, negated=True).matches(None, True)
    (True, True)
    """

    feature: str
    op: str
    value: Any
    negated: bool = False

    @property
    def features(self) -> frozenset[str]:
        """Its one feature."""
        return frozenset((self.feature,))

    def test(self, read: Read) -> bool:
        """Whether a row matches. 0.4 us and a read."""
        exists, value = read(self.feature)
        return self.matches(value, exists)

    def matches(self, value: Any, exists: bool) -> bool:
        """Whether the condition holds for a cell (None: nothing to show); ``exists`` = written and not expired."""
        found = exists == self.value if self.op == "$exists" else OPERATORS[self.op](value, self.value)
        return found is not self.negated

    def masks(self, leaf_mask: Callable[[Leaf], int], full: int) -> int:
        """What ``leaf_mask`` says; it heeds ``negated``."""
        return leaf_mask(self)


@dataclass(frozen=True, slots=True)
class All(Node):
    """Every part holds; of no parts: always."""

    parts: tuple[Node, ...]

    @property
    def features(self) -> frozenset[str]:
        """Those of all parts."""
        return frozenset().union(*[part.features for part in self.parts])

    def test(self, read: Read) -> bool:
        """Whether every part holds, in order."""
        return all(part.test(read) for part in self.parts)

    def masks(self, leaf_mask: Callable[[Leaf], int], full: int) -> int:
        """The intersection; no further part is asked once it is empty."""
        found = full
        for part in self.parts:
            found &= part.masks(leaf_mask, full)
            if not found:
                break
        return found


@dataclass(frozen=True, slots=True)
class Either(Node):
    """At least one part holds; of no parts: never."""

    parts: tuple[Node, ...]

    @property
    def features(self) -> frozenset[str]:
        """Those of all parts."""
        return frozenset().union(*[part.features for part in self.parts])

    def test(self, read: Read) -> bool:
        """Whether some part holds, in order."""
        return any(part.test(read) for part in self.parts)

    def masks(self, leaf_mask: Callable[[Leaf], int], full: int) -> int:
        """The union; no further part is asked once it is full."""
        found = 0
        for part in self.parts:
            found |= part.masks(leaf_mask, full)
            if found == full:
                break
        return found


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The part does not hold."""

    part: Node

    @property
    def features(self) -> frozenset[str]:
        """Those of the part."""
        return self.part.features

    def test(self, read: Read) -> bool:
        """Whether the part does not hold."""
        return not self.part.test(read)

    def masks(self, leaf_mask: Callable[[Leaf], int], full: int) -> int:
        """The rows that are not in the part's mask, which must be exact."""
        return full & ~self.part.masks(leaf_mask, full)


def negation_free(node: Node) -> Node:
    """The same filter without Not: pushed down to the leaves by De Morgan's laws.

    A negated leaf takes the opposite operator where there is one; a negated order is flagged ``negated``, for it
    holds for None too, as the opposite order does not.

    >>> negation_free(Not(All((Leaf("a", "$eq", 1), Leaf("b", "$lt", 2)))))  # doctest: +NORMALIZE_WHITESPACE
    Either(parts=(Leaf(feature='a', op='$ne', value=1, negated=False),
                  Leaf(feature='b', op='$lt', value=2, negated=True)))
    """
    return _push(node, False)


def _push(node: Node, negate: bool) -> Node:
    if isinstance(node, Leaf):
        return _negated(node) if negate is not node.negated else Leaf(node.feature, node.op, node.value)
    if isinstance(node, (All, Either)):
        parts = tuple([_push(part, negate) for part in node.parts])
        return All(parts) if isinstance(node, All) is not negate else Either(parts)
    assert isinstance(node, Not)
    return _push(node.part, not negate)


def _negated(leaf: Leaf) -> Leaf:
    """The negation of a leaf whose own flag is taken as unset."""
    if leaf.op in ORDERS:
        return Leaf(leaf.feature, leaf.op, leaf.value, negated=True)
    return Leaf(leaf.feature, _OPPOSITE[leaf.op], not leaf.value if leaf.op == "$exists" else leaf.value)


_OPPOSITE = {"$eq": "$ne", "$ne": "$eq", "$in": "$nin", "$nin": "$in", "$exists": "$exists"}


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An order of two numbers or two texts; a category may hold both kinds, which have no order between them."""

    def holds(value: Any, operand: Any) -> bool:
        return value is not None and isinstance(value, str) is isinstance(operand, str) and compare(value, operand)

    return holds


OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": _order(operator.gt),
    "$gte": _order(operator.ge),
    "$lt": _order(operator.lt),
    "$lte": _order(operator.le),
    "$in": lambda value, operand: value in operand,
    "$nin": lambda value, operand: value not in operand,
    "$exists": lambda exists, operand: exists == operand,
}
ORDERS: Final = frozenset({"$gt", "$gte", "$lt", "$lte"})
