"""Fillers: what stands where a value is missing."""

__all__: list[str] = []
