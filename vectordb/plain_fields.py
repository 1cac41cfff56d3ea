"""Results as plain data: dataclasses of numbers, texts, instants and others of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any


def plain_fields(result: Any) -> dict[str, Any]:
    """A result as plain data, field by field."""
    return {item.name: _plain(getattr(result, item.name)) for item in fields(result)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return plain_fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return _plain(value._asdict()) if hasattr(value, "_asdict") else [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
