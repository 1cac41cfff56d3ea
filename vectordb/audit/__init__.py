"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders."""

from vectordb.audit.audit import Audit
from vectordb.audit.bisecting import Turn
from vectordb.audit.changes import Change
from vectordb.audit.derivation import Derivation
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
from vectordb.audit.explaining import ExplainedInput, Explanation
from vectordb.audit.inputs import InputState
from vectordb.audit.kit import ReproductionKit
from vectordb.audit.proving import ConsistencyProof, InclusionProof
from vectordb.audit.report import Check, Deviation, Report
from vectordb.audit.tracing import Step
from vectordb.audit.variant import Variant

__all__ = [
    "Audit",
    "CellChange",
    "Change",
    "Check",
    "ConsistencyProof",
    "DefinitionChange",
    "Derivation",
    "Deviation",
    "Difference",
    "ExplainedInput",
    "Explanation",
    "FieldChange",
    "InclusionProof",
    "InputState",
    "NeighbourChange",
    "PredictionChange",
    "Report",
    "ReproductionKit",
    "RowChange",
    "Step",
    "Tally",
    "TallyChange",
    "Turn",
    "Variant",
]
