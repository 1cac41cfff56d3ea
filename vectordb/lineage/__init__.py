"""Lineage: what was derived from what, among definitions and among values.

- ``graph.py`` is the page of doors; ``links.py`` gives the edges of one node (``definitions.py``, ``fits.py``),
  ``nodes.py`` their names, ``walking.py`` walks them
- answers: ``subgraph.py`` (as Graphviz by ``dot.py``, as OpenLineage by ``openlineage.py`` and ``datasets.py``),
  ``impact.py``, ``cone.py``; ``dependents.py`` for erasures
"""

from vectordb.lineage.cone import Cone
from vectordb.lineage.dependents import dependents
from vectordb.lineage.graph import LineageGraph
from vectordb.lineage.impact import Impact
from vectordb.lineage.nodes import Edge, Node
from vectordb.lineage.subgraph import Lineage

__all__ = ["Cone", "Edge", "Impact", "Lineage", "LineageGraph", "Node", "dependents"]
