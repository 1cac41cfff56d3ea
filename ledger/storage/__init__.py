"""Storage: where the lines of a log outlive the process, and how they are read again.

Read in this order: ``store`` (the contract), ``files``, ``atomic_file`` and ``file_lock`` (what the operating system
does), ``jsonl_store`` (a file), ``sql_dialect``, ``sql_connection`` and ``sql_store`` (a table that many write),
``journal`` (a log and its store), ``plain_rows`` and ``packed_ahead`` (fast reading), ``deferral`` and
``deferred_segment`` (reading when asked for), ``pinned_lines`` (a copy while others write).
"""

__all__: list[str] = []
