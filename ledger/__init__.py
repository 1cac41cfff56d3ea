"""What happened: events, the append-only log, its stored form and its files.

Imports nothing of ours. Read in this order: ``facts`` (the vocabulary), ``event``, ``rows`` and
``layout`` (packed rows), ``block`` and ``columns`` (batches), ``codec`` and ``header`` (the stored form),
``chain`` (digests), ``segment`` and ``log`` (memory), ``store``, ``jsonl_store`` and ``journal`` (files).
"""
