"""Vectors: distances, the exact scan, and the bit-sliced index.

Read in this order: ``metrics``, ``angle``, ``bits``, ``distances`` and ``kernels`` (what near means), ``blocks``,
``lanes`` and ``field`` (which vectors there are), ``exact`` (the judge), then the index: ``packed``, ``bytescale``,
``training``, ``quantiser`` (rows become planes), ``projection``, ``adder``, ``segment``, ``index`` (a query meets
them), ``build``, ``calibration``, ``sliced`` and ``filters``, and ``search``, which puts them together. ``vectors`` is
the fold; ``forgetting`` (erasure) and ``field_dump`` (checkpoints) belong to it.
"""

__all__: list[str] = []
