"""An event was left out of a kit: something happened at its offset, and what is not in the file."""

from __future__ import annotations

from typing import Any, NoReturn

from ledger.errors import Omitted
from ledger.facts.fact import Fact


class EventOmitted(Fact):
    """Fills the offset of an event that a kit leaves out. It has no stored form: no line of a ledger says this."""

    __slots__ = ()
    type = "event_omitted"

    def to_json(self, time: int) -> dict[str, Any]:
        """Refused."""
        return refuse()

    def row(self, number: int) -> bytes:
        """Refused."""
        return refuse()

    def entity(self, number: int) -> Any:
        """Refused."""
        return refuse()

    def heavy_at(self, number: int, slot: int) -> Any:
        """Refused."""
        return refuse()


def refuse(**where: Any) -> NoReturn:
    """Raise ``Omitted``."""
    raise Omitted("a kit holds only the events that its prediction rests on", **where)


OMITTED = EventOmitted()
