"""Persistence: how a database comes from a file or a shared ledger, and keeps up with who else writes there.

Read in this order: ``opening`` (a file), ``connecting`` (a shared ledger), ``refreshing`` and ``follower`` (keeping
up), ``shared`` (writes that others may have overtaken). Files and tables themselves are in ``ledger.storage``.
"""

__all__: list[str] = []
