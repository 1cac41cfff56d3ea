"""A served model: what a predictor asks, a callable or a model that is data, under one label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from ledger import InvalidInput
from vectordb.matrix import FeatureMatrix
from vectordb.reader import Reader

ModelLike: TypeAlias = "str | Callable[[Any], Any]"


class ServedModel(NamedTuple):
    """``label`` is what predictions are recorded under, ``ask`` takes a row, or a matrix where it is ``batched``."""

    label: str
    ask: Callable[[Any], Any]
    batched: bool

    def outputs(self, matrix: FeatureMatrix) -> list[Any]:
        """One output for each row."""
        if not self.batched:
            return list(map(self.ask, matrix.rows))
        found = self.ask(matrix)
        plain: Sequence[Any] = found.tolist() if hasattr(found, "tolist") else list(found)
        if len(plain) != len(matrix):
            raise InvalidInput("a model gives one output for each row", model=self.label, given=len(plain))
        return list(plain)


def make_model(reader: Reader, model: ModelLike, label: str | None, batched: bool) -> ServedModel:
    """Of a callable; or of ``name`` or ``name@version`` of a model that is data, pinned to its version here."""
    if isinstance(model, str):
        stored = reader.model(model)
        return ServedModel(stored.definition.label, stored.predict, False)
    if not callable(model):
        raise InvalidInput("a model is a callable, or the name of one that is data", type=type(model).__name__)
    name: str = label or getattr(model, "__name__", "") or type(model).__name__
    return ServedModel(name, model, batched)
