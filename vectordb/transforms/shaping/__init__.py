"""Shapers: a feature's distribution brought to a known form."""

__all__: list[str] = []
