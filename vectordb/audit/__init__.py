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
from vectordb.audit.kit import ReproductionKit
from vectordb.audit.proving import ConsistencyProof, InclusionProof

__all__ = [
    "Audit",
    "CellChange",
    "ConsistencyProof",
    "InclusionProof",
    "ReproductionKit",
    "DefinitionChange",
    "Difference",
    "FieldChange",
    "NeighbourChange",
    "PredictionChange",
    "RowChange",
    "Tally",
    "TallyChange",
]
