"""Lineage: what was derived from what, among definitions and among values."""

from vectordb.lineage.cone import Cone
from vectordb.lineage.dependents import dependents
from vectordb.lineage.graph import LineageGraph
from vectordb.lineage.impact import Impact
from vectordb.lineage.nodes import Edge, Node
from vectordb.lineage.subgraph import Lineage

__all__ = ["Cone", "Edge", "Impact", "Lineage", "LineageGraph", "Node", "dependents"]
