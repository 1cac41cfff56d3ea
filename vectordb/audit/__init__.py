"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders."""

from vectordb.audit.audit import Audit
from vectordb.audit.difference import (
    CellChange,
    DefinitionChange,
    Difference,
    FieldChange,
    NeighbourChange,
    PredictionChange,
    RowChange,
    Tally,
    TallyChange,
)

__all__ = [
    "Audit",
    "CellChange",
    "DefinitionChange",
    "Difference",
    "FieldChange",
    "NeighbourChange",
    "PredictionChange",
    "RowChange",
    "Tally",
    "TallyChange",
]
