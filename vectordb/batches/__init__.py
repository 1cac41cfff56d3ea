"""Batches: many entities at once, as packed blocks.

Read in this order: ``batch`` (what ``put_many`` takes), ``entity_ids`` and ``gather`` (the read of many), ``packing``
and ``bulk`` (rows as numbers and words), ``row_cache`` (what is held packed until a write), ``dense`` and ``matrix``
(what callers get), ``executors`` (a big read in pieces).
"""

__all__: list[str] = []
