"""Views: the rows of one kind of entity, as callers read, write, search and count them.

Read in this order: ``view`` and ``live_view`` (what callers hold), ``plan`` (how rows are read under one version of
a view), ``row``, ``version`` and ``history`` (one entity), ``searching``, ``hits`` and ``indexing`` (vectors),
``sample``, ``statistics`` and ``quantiles`` (what a view holds), ``drift`` and ``divergence`` (how that changed).
"""

__all__: list[str] = []
