"""Batches: many entities at once, as packed blocks.

Read in this order: ``batch`` (what ``put_many`` takes), ``gather`` (the read of many), ``packing`` and ``bulk`` (rows
as numbers and words), ``served`` (what is held packed until a write), ``dense`` and ``matrix`` (what callers get),
``sharing`` (a big read in pieces, by an executor).
"""

__all__: list[str] = []
