"""Services: the features that one model asks for, read together.

Read in this order: ``service`` and ``live_service`` (what callers hold), ``plan`` (how its rows are read), ``row`` (one
entity), ``quick_reads`` (the same with everything looked up beforehand), ``batch`` (many entities).
"""

__all__: list[str] = []
