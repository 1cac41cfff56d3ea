"""Erasing: taking values out of a ledger for good, and letting go what later reads cannot see.

- ``erasing.py`` (``erase``, ``blast_radius``): ``finding.py`` finds the events, ``redacting.py`` makes what is left of
  each, ``erasure.py`` is the report
- ``compacting.py`` (``compact``): the rows that no later read sees, taken out the same way
- ``unfounded.py``: what rests on erased values, as the erasures say
"""

from vectordb.erasing.compacting import Compaction, compact
from vectordb.erasing.erasing import blast_radius, erase
from vectordb.erasing.erasure import BlastRadius, Erasure

__all__ = ["BlastRadius", "Compaction", "Erasure", "blast_radius", "compact", "erase"]
