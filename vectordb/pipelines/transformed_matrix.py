"""A transformed matrix: what a service's pipeline made of the inputs of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger import UnknownName
from vectordb.batches.dense import Dense
from vectordb.batches.matrix import Column, FeatureMatrix, RowOf
from vectordb.pipelines.applied_pipeline import AppliedPipeline
from vectordb.views.plan import Status

NO_COLUMNS: dict[str, Column] = {}


class TransformedMatrix(FeatureMatrix):
    """Everything of ``FeatureMatrix``: all columns are in the block of numbers, named as the pipeline names them.

    ``matrix[i]`` is the transformed row with the inputs behind it; ``versions`` and ``status`` are those of the inputs.
    """

    __slots__ = ("_applied",)

    def __init__(
        self,
        applied: AppliedPipeline,
        entities: Sequence[Any],
        numbers: Dense,
        row_of: RowOf,
        as_of: int,
        at: int,
        label: str,
    ) -> None:
        """``numbers`` has the outputs of each row."""
        super().__init__(applied.names, entities, applied.kinds, numbers, NO_COLUMNS, row_of, as_of, at, label)
        self._applied = applied

    @property
    def pipeline(self) -> str:
        """``service#version`` of the pipeline."""
        return self._applied.fitted.label

    def __repr__(self) -> str:
        return f"TransformedMatrix({self.label}, pipeline={self.pipeline}, shape={self.shape}, as_of={self.as_of})"

    def _rebuilt(self, entities: Sequence[Any], numbers: Dense, columns: Any, row_of: RowOf) -> FeatureMatrix:
        return TransformedMatrix(self._applied, entities, numbers, row_of, self.as_of, self.at_micros, self.label)

    def column(self, name: str) -> list[float]:
        """The outputs of one name in order of rows; NaN stays NaN. Raises ``UnknownName``."""
        if name not in self._kinds:
            raise UnknownName("the matrix has no such feature", feature=name, known=list(self.names)[:20])
        return self.numbers.column(self.names.index(name))

    @property
    def versions(self) -> list[dict[str, str | None]]:
        """For each row the version id of every input."""
        return [row.versions for row in self.rows]

    @property
    def status(self) -> list[dict[str, Status]]:
        """For each row the status of every input."""
        return [row.status for row in self.rows]
