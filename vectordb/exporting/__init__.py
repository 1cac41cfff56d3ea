"""Exporting: the log, views, histories, training sets, lineage and tallies as files for offline analysis.

``export`` brings two sides together: each ``*_table`` gives rows, each ``*_file`` writes them, and ``table`` is what
passes between them.
"""

from vectordb.exporting.export import Export
from vectordb.exporting.exported import Exported

__all__ = ["Export", "Exported"]
