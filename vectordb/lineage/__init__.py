"""Lineage: what was derived from what, among definitions and among values."""

from vectordb.lineage.graph import LineageGraph

__all__ = ["LineageGraph"]
