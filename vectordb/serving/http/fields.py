"""Fields: what a JSON body or a query says, each taken with its type, nothing overlooked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger import Entity, entity_from_json
from vectordb.serving.http.refusal import BadRequest

ABSENT: Final = object()


class Fields:
    """Takes fields out of an object; ``done`` refuses what is left, so that a misspelt option is never ignored.

    >>> fields = Fields({"k": 3})
    >>> fields.whole("k", 10, 1, 100)
    3
    >>> fields.done()
    """

    def __init__(self, body: Any, what: str = "a body") -> None:
        if not isinstance(body, dict):
            raise BadRequest(f"{what} is a JSON object", type=type(body).__name__)
        self._left: dict[str, Any] = dict(body)
        self._what = what

    def take(self, name: str, default: Any = ABSENT) -> Any:
        """A field as it is; null counts as absent where there is a default."""
        found = self._left.pop(name, ABSENT)
        if found is ABSENT or (found is None and default is not ABSENT):
            if default is ABSENT:
                raise BadRequest(f"{self._what} has the field {name!r}", given=sorted(self._left)[:20])
            return default
        return found

    def text(self, name: str, default: Any = ABSENT) -> Any:
        """A text."""
        return self._typed(name, default, str, "text")

    def flag(self, name: str, default: Any = ABSENT) -> Any:
        """True or false."""
        return self._typed(name, default, bool, "true or false")

    def items(self, name: str, limit: int, default: Any = ABSENT) -> Any:
        """A list of at least one and at most ``limit`` items."""
        found = self._typed(name, default, list, "a list")
        return found if found is default else check_length(found, name, limit)

    def object(self, name: str, default: Any = ABSENT) -> Any:
        """An object."""
        return self._typed(name, default, dict, "an object")

    def whole(self, name: str, default: Any = ABSENT, low: int = 0, high: int = 1 << 53) -> Any:
        """A whole number within bounds."""
        found = self._typed(name, default, int, "a whole number")
        if found is not default and not low <= found <= high:
            raise BadRequest(f"{name} is a whole number from {low} to {high}", given=str(found)[:40])
        return found

    def instant(self, name: str) -> Any:
        """RFC 3339 text or seconds, or None."""
        found = self.take(name, None)
        if found is not None and type(found) not in (str, int, float):
            raise BadRequest(f"{name} is RFC 3339 text, or seconds", type=type(found).__name__)
        return found

    def done(self) -> None:
        """Refuse what was not taken."""
        if self._left:
            raise BadRequest(f"{self._what} has only known fields", unknown=sorted(self._left)[:20])

    def _typed(self, name: str, default: Any, kind: type, shown: str) -> Any:
        found = self.take(name, default)
        if found is default or type(found) is kind:
            return found
        raise BadRequest(f"{name} is {shown}", type=type(found).__name__)


def check_length(items: list[Any], name: str, limit: int) -> list[Any]:
    """The list itself; refuses none and too many."""
    if not 0 < len(items) <= limit:
        status = 413 if items else 400
        raise BadRequest(f"{name} has from 1 to {limit} items", status=status, given=len(items))
    return items


def entity_lists(columns: Mapping[str, Any], limit: int) -> dict[str, list[Any]]:
    """Columns of equal length, as given."""
    for name, column in columns.items():
        if type(column) is not list:
            raise BadRequest(f"{name} is a list", type=type(column).__name__)
        check_length(column, name, limit)
    if len({len(column) for column in columns.values()}) != 1:
        sizes = {name: len(column) for name, column in list(columns.items())[:20]}
        raise BadRequest("columns are equally long, and at least one", columns=sizes)
    return dict(columns)


def entities_of(items: Iterable[Any]) -> list[Entity]:
    """Entity ids of their JSON forms: text, whole numbers, arrays of these."""
    return [entity_from_json(item) for item in items]
