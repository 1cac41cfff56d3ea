"""Values: what a value may be, and values packed as rows, columns and blocks.

Read in this order: ``feature_types`` and ``vector_type``, ``rows`` (the packed row), ``pool`` and ``pool_use``
(categories as codes), ``layout`` (the rows of one version of a view) and ``layouts`` (those of a log), ``columns`` and
``block`` (many rows), ``column_codec`` (the stored form of a column).
"""

__all__: list[str] = []
