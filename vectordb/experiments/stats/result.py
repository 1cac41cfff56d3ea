"""What every result is: immutable, and plain data on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vectordb.plain_fields import plain_fields


@dataclass(frozen=True)
class Result:
    """Fields that never change; which method gave them and what it assumes are fields too."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data: names, numbers, texts, lists."""
        return plain_fields(self)
