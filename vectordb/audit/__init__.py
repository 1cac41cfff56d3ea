"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders."""

from vectordb.audit.audit import Audit
from vectordb.audit.kit import ReproductionKit
from vectordb.audit.proving import ConsistencyProof, InclusionProof

__all__ = ["Audit", "ConsistencyProof", "InclusionProof", "ReproductionKit"]
