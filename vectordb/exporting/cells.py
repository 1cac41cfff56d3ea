"""Cells in the forms of files: times as ISO 8601 with six digits, floats so that they read back bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger import InvalidInput, entity_to_json, from_micros
from vectordb.exporting.table import ENTITY, STATUS, TIME, VECTOR


def iso(micros: int) -> str:
    """An instant as text whose order is that of time; always with six digits, which pandas parses as one format.

    >>> iso(0), iso(1)
    ('1970-01-01T00:00:00.000000+00:00', '1970-01-01T00:00:00.000001+00:00')
    """
    return from_micros(micros).isoformat(timespec="microseconds")


def compact(value: Any) -> str:
    """JSON text without spaces, in UTF-8's characters; floats by ``repr``."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise InvalidInput("JSON holds finite numbers and plain data", value=value) from error


def _same(value: Any) -> Any:
    return value


def _elements(vector: memoryview) -> list[Any]:
    return vector.tolist()


PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    TIME: iso,
    ENTITY: entity_to_json,
    STATUS: str,
    VECTOR: _elements,
}


def plain(kind: str) -> Callable[[Any], Any]:
    """What makes plain JSON data of a cell that is there."""
    return PLAIN.get(kind, _same)
