"""Vectors: element types, distances, exact scan, and the bit-sliced index.

Read in this order: ``distances`` and ``kernels`` (what near means), ``lanes`` and ``field`` (which vectors there
are), ``exact`` (the judge), then the index: ``packed``, ``bytescale``, ``training``, ``quantiser`` (rows become
planes), ``projection``, ``adder``, ``segment``, ``index`` (a query meets them), ``build``, ``calibration``,
``sliced`` and ``filters``, and ``search``, which puts them together.
"""

__all__: list[str] = []
