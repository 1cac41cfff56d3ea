"""Copies of transformers: what they were made with, without what they have learnt."""

from __future__ import annotations

from typing import Any


def unfitted(value: Any) -> Any:
    """A copy of a transformer that has learnt nothing, parts included; of anything else, itself."""
    if hasattr(value, "_fit_table"):
        return type(value)(**{name: unfitted(held) for name, held in value.get_params(False).items()})
    if isinstance(value, (list, tuple)):
        return type(value)(unfitted(item) for item in value)
    return value
