"""The log was marked: an offset got a name."""

from __future__ import annotations

from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, take
from ledger.facts.plain_json import check_plain_text


class LogMarked(Fact):
    """``name`` stands for the offset of this event, for ever.

    {"name":"release-7"}
    """

    __slots__ = ("name",)
    type = "log_marked"

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InvalidInput("a mark is a non-empty text", mark=name)
        self.name = check_plain_text(name, "a mark")

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"name": self.name}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> LogMarked:
        """See the class."""
        return cls(take(data, "name", str))
