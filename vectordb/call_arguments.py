"""The arguments of a call as given, in a form that two calls of one idempotency key can be compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger import MISSING, InvalidTime, to_micros


def said(value: Any) -> Any:
    """Plain JSON data of arguments; equal for equal arguments, before any default or definition is applied.

    Numbers are told by their value (2 and 2.0 are one), other libraries' numbers and arrays by the Python
    values they hold, and what is none of these by its type and ``repr``.

    >>> said({"x": 1.5, "y": None}) == said({"y": None, "x": 1.5}), said(1) == said("1")
    (True, False)
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and (value or value.hex() == "0x0.0p+0") else ["float", value.hex()]
    if isinstance(value, str):
        return ["str", value.encode("utf-8", "surrogatepass").hex() if not value.isascii() else value]
    if value is MISSING:
        return ["missing"]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return ["time", to_micros(value)]
    if isinstance(value, Mapping):
        return ["map", sorted(([str(key), said(item)] for key, item in value.items()), key=lambda pair: pair[0])]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", bytes(value).hex()]
    if hasattr(value, "tolist"):
        return said(value.tolist())
    if isinstance(value, Sequence):
        return [said(item) for item in value]
    return [type(value).__name__, repr(value)]


def said_time(event_time: Any) -> Any:
    """Event times by the instant that they name, whatever their form; one, or one a row."""
    if event_time is None:
        return None
    if isinstance(event_time, Sequence) and not isinstance(event_time, str):
        return [said_time(item) for item in event_time]
    try:
        return to_micros(event_time)
    except InvalidTime:
        return said(event_time)  # it will be refused; until then it is what was said
