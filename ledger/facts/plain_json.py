"""Plain JSON data: what may stand in an event without a type of its own."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ledger.errors import InvalidInput


def check_plain(value: Any, what: str, depth: int = 0) -> Any:
    """Plain JSON data: finite numbers, text, bools, None, lists and objects of these, 32 deep at most.

    Numbers of other libraries become Python's; tuples become lists.
    """
    if value is None or isinstance(value, (bool, str)):
        return check_plain_text(value, what) if isinstance(value, str) else value
    if depth > 32:
        raise InvalidInput(f"{what} is at most 32 levels deep")
    if isinstance(value, dict):
        return {_key(key, what): check_plain(item, what, depth + 1) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return check_plain(value.tolist(), what, depth + 1)
    if isinstance(value, (list, tuple)):
        return [check_plain(item, what, depth + 1) for item in value]
    if isinstance(value, int) and value.bit_length() <= 1024:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    raise InvalidInput(f"{what} is plain data: finite numbers, text, bools, None, lists and objects", value=value)


def check_plain_text(value: str, what: str) -> str:
    """Text that UTF-8 can hold."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} is encodable as UTF-8", value=value) from error
    return str.__str__(value)  # an Enum member of str is the text that it is


def _key(key: Any, what: str) -> str:
    if not isinstance(key, str):
        raise InvalidInput(f"{what} has text keys", key=key)
    return check_plain_text(key, what)
