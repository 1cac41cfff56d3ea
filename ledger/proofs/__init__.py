"""Proofs: what outsiders can check of a log without having it.

Read in this order: ``merkle`` (the tree over the digests), ``tree_head`` (what a log publishes),
``verification`` (one file that stands alone), ``kit_file`` and ``kit_log`` (the part of a ledger behind a prediction).
"""

__all__: list[str] = []
