"""Lineage: what was derived from what, among definitions and among values."""

from vectordb.lineage.cone import Cone
from vectordb.lineage.graph import LineageGraph
from vectordb.lineage.nodes import Edge, Node

__all__ = ["Cone", "Edge", "LineageGraph", "Node"]
