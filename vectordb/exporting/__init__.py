"""Exporting: the log, views, histories, training sets, lineage and tallies as files for offline analysis."""

from vectordb.exporting.export import Export
from vectordb.exporting.exported import Exported

__all__ = ["Export", "Exported"]
