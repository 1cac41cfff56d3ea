"""Targeting: whether the features of an entity match a filter, as a reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger import Entity, check_plain, from_micros, to_micros
from projections import Node, parse_where
from vectordb.views.plan import Plan
from vectordb.views.searching import Cells

if TYPE_CHECKING:
    from vectordb.reader import Reader


def matcher(reader: Reader, view: str, where: Any) -> Callable[[Entity], bool]:
    """Whether an entity matches at the reader's offset and clock; to be made, and used, through ``consistently``.

    An entity that is unknown, or deleted, shows the defaults, as it does to ``get``. 3 us.
    """
    plan, at = reader.plan(view), reader.clock()
    node = parse_for(plan, where)
    cells = Cells(reader.state, plan, node.features)
    oldest = None if plan.ttl is None else at - plan.ttl

    def matches(entity: Entity) -> bool:
        packed = reader.packed(view, entity, at)
        return node.test(cells.unwritten if packed is None else cells.reader(packed, oldest))

    return matches


def parse_for(plan: Plan, where: Any) -> Node:
    """The tree of a filter over the features of a version of a view."""
    return parse_where(where, dict(zip(plan.names, plan.layout.types)), plan.label)


def plain_where(where: Any) -> Any:
    """A filter as plain data, the form in which a definition keeps it: times as text, sets as lists.

    >>> plain_where({"city": {"$in": {"Rome"}}, "trips": {"$gte": 10}})
    {'city': {'$in': ['Rome']}, 'trips': {'$gte': 10}}
    """
    return check_plain(_plain(where, 0), "where")


def _plain(where: Any, depth: int) -> Any:
    if isinstance(where, datetime):
        return from_micros(to_micros(where)).isoformat()
    if depth > 100:  # far deeper than any filter; check_plain says so
        return where
    if isinstance(where, Mapping):
        return {key: _plain(value, depth + 1) for key, value in where.items()}
    if isinstance(where, (set, frozenset)):
        return sorted((_plain(value, depth + 1) for value in where), key=repr)
    if isinstance(where, (list, tuple)):
        return [_plain(value, depth + 1) for value in where]
    return where
