"""Erasing: taking values out of a ledger for good, and letting go what later reads cannot see."""

from vectordb.erasing.compacting import Compaction, compact
from vectordb.erasing.erasing import erase, radius
from vectordb.erasing.erasure import BlastRadius, Erasure

__all__ = ["BlastRadius", "Compaction", "Erasure", "compact", "erase", "radius"]
