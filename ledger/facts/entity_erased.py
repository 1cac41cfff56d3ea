"""An entity was erased: its values are gone from every event before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Reading, take
from ledger.facts.plain import check_plain_text
from ledger.facts.vouched import Vouching, take_lines


class EntityErased(Vouching):
    """Entities of a view were erased, ``entities`` of them; it never says which.

    {"view":"drivers","entities":1,"reason":"request 4711","lines":[41,57],"digests":"<base64>"}
    """

    __slots__ = ("entities", "reason", "view")
    type = "entity_erased"

    def __init__(self, view: str, entities: int, reason: str, lines: Mapping[int, bytes]) -> None:
        super().__init__(lines)
        self.view = view
        self.entities = entities
        self.reason = reason

    @property
    def views(self) -> tuple[str, ...]:
        """Its view."""
        return (self.view,)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"view": self.view, "entities": self.entities, "reason": self.reason, **self.lines_to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> EntityErased:
        """See the class."""
        view, entities = take(data, "view", str), take(data, "entities", int)
        reason = check_plain_text(take(data, "reason", str), "a reason")
        if entities < 1 or not reason:
            raise InvalidInput("at least one entity is erased, for a reason", entities=entities, reason=reason)
        return cls(view, entities, reason, take_lines(data, reading))
