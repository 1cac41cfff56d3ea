"""The vocabulary of facts, one file per noun; ``vocabulary`` lists them.

``fact`` is the contract; ``origin``, ``plain_json`` and ``vouched`` are what several share. Definitions:
``view_defined``, ``service_defined``, ``pipeline_fitted``, ``model_defined``, ``experiment_defined``. Writes:
``single_row`` (put or deleted), ``rows_put``, ``transaction_committed``. Records: ``predictions_recorded``,
``exposures_recorded``, ``outcomes_recorded``, ``training_set_recorded``, ``log_marked``. Taking out again:
``entity_erased`` and ``log_compacted``, and what they leave of the events before: ``rows_redacted``,
``records_redacted``, ``event_pruned`` (``redacted_forms`` says which is left of what). A kit leaves out whole events:
``event_omitted``.
"""

__all__: list[str] = []
