"""Batches: examples as blocks of rows, one after the other, for loops and for TensorFlow's generators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger import InvalidInput
from vectordb.interop.examples import Examples


class Batches:
    """Iterates over blocks of at most ``rows`` rows (or pairs of block and labels), again each time.

    Called, it gives a new iterator, which is what ``tf.data.Dataset.from_generator(batches, output_signature=...)``
    wants, with ``signature`` as plain data: a TensorSpec is ``tf.TensorSpec(**batches.signature)``, of labelled ones a
    pair of them. Memory is that of a batch.
    """

    def __init__(self, examples: Examples, rows: int = 1_024) -> None:
        if type(rows) is not int or rows < 1:
            raise InvalidInput("a batch has at least one row", rows=rows)
        self._examples = examples
        self._rows = rows

    def __len__(self) -> int:
        return (len(self._examples) + self._rows - 1) // self._rows

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self._examples), self._rows):
            yield self._examples.batch(range(start, min(start + self._rows, len(self._examples))))

    __call__ = __iter__

    @property
    def signature(self) -> Any:
        """{shape, dtype} of a batch; of labelled ones a pair."""
        numbers = {"shape": (None, len(self._examples.names)), "dtype": self._examples.dtype}
        labels = self._examples.labelled
        return numbers if labels is None else (numbers, {"shape": (None,), "dtype": _dtype(labels)})


def _dtype(labels: Any) -> str:
    kinds = set(map(type, labels))
    if kinds <= {bool}:
        return "bool"
    if kinds <= {bool, int}:
        return "int64"
    return "float64" if kinds <= {bool, int, float} else "string"
