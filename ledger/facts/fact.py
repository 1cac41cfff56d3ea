"""What every fact has: a past-tense type, a schema version, and a stored form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

from ledger.errors import InvalidInput
from ledger.identity import ROW_BITS, ROW_MASK
from ledger.times import MAX_MICROS
from ledger.values.block import Block
from ledger.values.layout import Layout

_DIGEST = re.compile("[0-9a-f]{64}")


class Reading(NamedTuple):
    """What a stored form is read against: its offset and time, and the layouts defined before it."""

    offset: int
    time: int
    layout_of: Callable[[str], Layout]

    @property
    def ref(self) -> int:
        """The reference of the event's first row."""
        return self.offset << ROW_BITS


class Redaction(NamedTuple):
    """What was taken out of a fact after it was written: ``was`` its ``type@schema`` then, ``by`` the offset of the
    event that says so (the last one, where there were several)."""

    was: str
    by: int


class Fact:
    """Base of all facts. A fact is immutable and says what happened, never what to do.

    ``type`` and ``schema`` stand in the event's line as ``type@schema``. When a stored form changes, the
    schema goes up and an upcaster from the older form joins the vocabulary: lines are never rewritten.
    """

    __slots__ = ()
    type: ClassVar[str]
    schema: ClassVar[int] = 1
    redaction: Redaction | None = None  # where something was taken out of it

    @property
    def rows(self) -> int:
        """How many rows the event wrote."""
        return 0

    @property
    def views(self) -> tuple[str, ...]:
        """The views it wrote to or defined."""
        return ()

    def blocks(self) -> Iterable[Block]:
        """The rows it wrote, block by block."""
        return ()

    def to_json(self, time: int) -> dict[str, Any]:
        """The stored form, without the envelope. ``time`` is the event's recorded time."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> Fact:
        """The fact of a stored form; takes every key out of ``data`` that it knows."""
        raise NotImplementedError


def refs_to_json(refs: Iterable[int]) -> list[list[int]]:
    """References as pairs [offset, row]."""
    return [[ref >> ROW_BITS, ref & ROW_MASK] for ref in refs]


def ref_from_json(pair: Any) -> int:
    """The reference of a pair [offset, row]."""
    if type(pair) is not list or [type(number) for number in pair] != [int, int]:
        raise InvalidInput("a reference is a pair of offset and row", value=pair)
    offset, row = pair
    if not (1 <= offset < 1 << 39 and 0 <= row <= ROW_MASK):
        raise InvalidInput("a reference lies in the log", value=pair)
    return int(offset) << ROW_BITS | int(row)


def take(data: dict[str, Any], key: str, kind: type, rule: str = "a stored field has its own JSON type") -> Any:
    """Take a required field of exactly this JSON type."""
    value = data.pop(key, None)
    if type(value) is not kind:
        raise InvalidInput(rule, field=key, value=value)
    return value


def take_text(data: dict[str, Any], key: str) -> str | None:
    """Take an optional text field."""
    return take(data, key, str) if key in data else None


def take_digest(data: dict[str, Any], key: str) -> str:
    """Take a required digest in hex."""
    digest: str = take(data, key, str)
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput("a digest is 64 hexadecimal digits", field=key, value=digest)
    return digest


def take_event_time(data: dict[str, Any], reading: Reading) -> int:
    """Take the event time, which is left out where it equals the recorded time."""
    if "event_time" not in data:
        return reading.time
    return check_event_time(data.pop("event_time"))


def check_event_time(value: Any) -> int:
    """A stored instant: whole microseconds in range."""
    if type(value) is not int or not -MAX_MICROS <= value <= MAX_MICROS:
        raise InvalidInput("a stored event time is whole microseconds in range", value=value)
    return int(value)
