"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders.

``audit.py`` is the page of doors. Behind them:

- explain: ``explaining.py`` (``inputs.py``, ``tracing.py``, ``variant.py``, ``derivation.py``; ``account.py`` its text)
- changes, bisect: ``changes.py``, ``bisecting.py``
- diff: ``differing.py`` (``ground.py``, ``differing_*.py``); ``difference.py`` is the answer, ``difference_text.py``
  its text
- verify: ``verifying.py`` (``checking*.py``, ``vouching.py``); ``report.py`` is the answer
- proofs: ``proving.py``, ``bundle.py``, ``kit.py`` (``kit_events.py``; ``kit_reading.py`` replays one)
- what_if: ``vectordb.what_if``; blast_radius, unfounded: ``vectordb.erasing``
"""

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
from vectordb.erasing.compacting import Compaction
from vectordb.erasing.erasure import BlastRadius, Erasure
from vectordb.erasing.unfounded import Unfounded

__all__ = [
    "Audit",
    "BlastRadius",
    "CellChange",
    "Change",
    "Check",
    "Compaction",
    "ConsistencyProof",
    "DefinitionChange",
    "Derivation",
    "Deviation",
    "Difference",
    "Erasure",
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
    "Unfounded",
    "Variant",
]
