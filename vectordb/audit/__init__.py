"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders."""

from vectordb.audit.audit import Audit
from vectordb.audit.bisecting import Turn
from vectordb.audit.changes import Change
from vectordb.audit.derivation import Derivation
from vectordb.audit.explaining import ExplainedInput, Explanation
from vectordb.audit.inputs import InputState
from vectordb.audit.report import Check, Deviation, Report
from vectordb.audit.tracing import Step
from vectordb.audit.variant import Variant

__all__ = [
    "Audit",
    "Change",
    "Check",
    "Derivation",
    "Deviation",
    "ExplainedInput",
    "Explanation",
    "InputState",
    "Report",
    "Step",
    "Turn",
    "Variant",
]
