"""What an export wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Exported:
    """``rows`` and ``nbytes`` of the file at ``path``, its ``format`` and the names of its ``columns``.

    ``what`` says what is in it: ``events``, ``lineage``, ``tallies``, ``training set``, or of a view ``drivers`` or
    ``drivers history``. Of ``everything`` all have the ``nbytes`` of their one file. ``as_of`` is the offset that it is
    of. ``left_out`` counts what can no longer be told, by why and what: ``{"erased rows": 3, "pruned events": 12}`` (a
    pruned event keeps nothing, so nobody knows whether it had a part in this).
    """

    what: str
    path: str
    format: str
    as_of: int
    rows: int
    nbytes: int
    columns: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "columns": list(self.columns), "left_out": dict(self.left_out)}
