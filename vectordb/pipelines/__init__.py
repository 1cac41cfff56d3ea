"""Pipelines: the fitted transformers of a service, at work on its inputs.

Read in this order: ``fitting`` (what a pipeline learns, and the event it becomes), ``applied_pipeline`` (a fitted
one bound to packed inputs), ``transformed_gather`` (rows held as they come out), ``transformed_row`` and
``transformed_matrix`` (what callers get), ``drift`` (what it would learn now). The transformers themselves are in
``vectordb.transforms``.
"""

__all__: list[str] = []
