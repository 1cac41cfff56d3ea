"""Copies of transformers: with what they have learnt, and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from vectordb.transforms.base import Transformer

Own = TypeVar("Own", bound="Transformer")


def learnt_copy(transformer: Own) -> Own:
    """Another one that has learnt the same; what is learnt is immutable, and shared."""
    made = type(transformer)(**transformer.get_params(False))
    vars(made).update(vars(transformer))
    return made


def unfitted(value: Any) -> Any:
    """A copy of a transformer that has learnt nothing, parts included; of anything else, itself."""
    if hasattr(value, "_fit_table"):
        return type(value)(**{name: unfitted(held) for name, held in value.get_params(False).items()})
    if isinstance(value, (list, tuple)):
        return type(value)(unfitted(item) for item in value)
    return value
