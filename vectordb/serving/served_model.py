"""A served model: what a predictor asks, a callable or a model that is data, under one label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from ledger import InvalidInput, parse_label
from vectordb.batches.matrix import FeatureMatrix
from vectordb.reader import Reader

ModelLike: TypeAlias = "str | Callable[[Any], Any]"


class ServedModel(NamedTuple):
    """``label`` is what predictions are recorded under, ``ask`` takes a row, or a matrix where it is ``batched``.

    ``stored``: the model is data, and ``label`` its version.
    """

    label: str
    ask: Callable[[Any], Any]
    batched: bool
    stored: bool

    def outputs(self, matrix: FeatureMatrix) -> list[Any]:
        """One output for each row."""
        if not self.batched:
            return list(map(self.ask, matrix.rows))
        found = self.ask(matrix)
        plain: Any = found.tolist() if hasattr(found, "tolist") else found
        if isinstance(plain, (str, bytes, Mapping)) or not isinstance(plain, Iterable):
            rule = "a batched model gives a sequence, one output for each row"
            raise InvalidInput(rule, model=self.label, type=type(found).__name__)
        outputs = list(plain)
        if len(outputs) != len(matrix):
            raise InvalidInput("a model gives one output for each row", model=self.label, given=len(outputs))
        return outputs


def make_model(reader: Reader, model: ModelLike, label: str | None, batched: bool) -> ServedModel:
    """Of a callable; or of ``name`` or ``name@version`` of a model that is data, pinned to its version here.

    The label of a callable is its own: under that of a model that is data, another one would be reproduced.
    """
    if isinstance(model, str):
        stored = reader.model(model)
        return ServedModel(stored.definition.label, stored.predict, False, True)
    if not callable(model):
        raise InvalidInput("a model is a callable, or the name of one that is data", type=type(model).__name__)
    name: str = label or getattr(model, "__name__", "") or type(model).__name__
    if parse_label(name)[0] in reader.models():
        raise InvalidInput("a callable goes by another name than the models that are data", label=name)
    return ServedModel(name, model, batched, False)
