"""Examples: a map-style dataset, as PyTorch's ``DataLoader`` takes it, over a matrix, a training set or a service."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Any, cast

from ledger import InvalidInput, UnknownName
from vectordb.interop.service_transformer import check_numeric
from vectordb.interop.taking import given_list

if TYPE_CHECKING:
    from vectordb.batches.matrix import FeatureMatrix
    from vectordb.services.service import Service
    from vectordb.views.view import View


class Examples:
    """``examples[i]`` is the numbers of a row, or (numbers, label); ``examples.batch(places)`` many of them at once.

    ``source`` is a ``FeatureMatrix`` or ``TrainingSet``, or a ``Service`` or ``View`` with ``entities``, which is read
    as rows are asked for: one read a batch through ``__getitems__``. ``label`` is a column of the training set's
    ``extra``, or one value a row. Rows are tensors where PyTorch is imported (or ``framework`` is it), else NumPy
    arrays where NumPy is, else lists. They are copies, which may be written to; ``torch.from_dlpack(matrix)`` shares.
    Raises ``InvalidInput`` where a feature is no number or labels are not one a row, ``UnknownName`` for a label that
    the training set does not have.

    >>> from vectordb import Float, VectorDB
    >>> db = VectorDB()
    >>> view = db.create_view("users", entity="user", features={"age": Float()})
    >>> receipt = view.put("u-1", {"age": 40.0})
    >>> Examples(view, ["u-1", "nobody"], label=[1, 0], framework="")[0]
    ([40.0], 1)
    """

    def __init__(
        self,
        source: FeatureMatrix | Service | View,
        entities: Sequence[Any] | None = None,
        *,
        label: str | Sequence[Any] | None = None,
        dtype: str = "float32",
        framework: Any = None,
    ) -> None:
        self._source: Any = source
        self._entities = None if entities is None else given_list(entities)
        self._labels = _labels(source, label)
        self._dtype = dtype
        self._framework = _name(framework)
        self._names: tuple[str, ...] | None = None
        if entities is None:
            if not hasattr(source, "numbers"):
                raise InvalidInput("a service or view comes with its entities", source=type(source).__name__)
            matrix = cast("FeatureMatrix", source)
            self._names = matrix.names
            self._source = check_numeric(matrix).astype(dtype).numbers  # which a worker process can be sent
        if self._labels is not None and len(self._labels) != len(self):
            raise InvalidInput("there is one label a row", rows=len(self), labels=len(self._labels))

    def __len__(self) -> int:
        return len(self._source if self._entities is None else self._entities)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the numbers."""
        if self._names is None:
            self._names = self._read([]).names
        return self._names

    @property
    def labelled(self) -> Sequence[Any] | None:
        """The labels, where there are any."""
        return self._labels

    @property
    def dtype(self) -> str:
        """The element type of the numbers."""
        return self._dtype

    def __getitem__(self, place: int) -> Any:
        return self.__getitems__([range(len(self))[place]])[0]

    def __getitems__(self, places: Sequence[int]) -> list[Any]:
        found = self.batch(places)
        return list(zip(*found)) if self._labels is not None else list(found)

    def batch(self, places: Sequence[int]) -> Any:
        """The rows at some places as one block, rows x features; with labels (block, labels). One read."""
        asked = list(map(index, places))
        numbers = self._framed(self._numbers(asked))
        if self._labels is None:
            return numbers
        return numbers, self._framed_labels([self._labels[place] for place in asked])

    def _numbers(self, places: list[int]) -> Any:
        return self._source.pick(places) if self._entities is None else self._read(places).numbers

    def _read(self, places: list[int]) -> Any:
        entities = self._entities or []
        return check_numeric(self._source.get_many([entities[place] for place in places], dtype=self._dtype))

    def _framed(self, block: Any) -> Any:
        """A block as the framework's own, copied into memory that may be written to."""
        module: Any = sys.modules.get(self._framework)
        if module is None:
            return block.to_rows()
        if self._framework != "torch":
            return module.array(block)
        kind = getattr(module, block.dtype)
        if not block.nbytes:
            return module.empty(block.shape, dtype=kind)
        return module.frombuffer(bytearray(block.raw), dtype=kind).view(block.shape)

    def _framed_labels(self, labels: list[Any]) -> Any:
        module: Any = sys.modules.get(self._framework)
        if module is None or not all(isinstance(label, (bool, int, float)) for label in labels):
            return labels
        return module.tensor(labels) if self._framework == "torch" else module.array(labels)


def _labels(source: Any, label: str | Sequence[Any] | None) -> list[Any] | None:
    if not isinstance(label, str):
        return None if label is None else given_list(label)
    extra = getattr(source, "extra", {})
    if label not in extra:
        raise UnknownName("a label is a column of the training set's spine", label=label, known=list(extra)[:20])
    return given_list(extra[label])


def _name(framework: Any) -> str:
    """The name of the module that rows are of; "" for plain lists."""
    if framework is None:
        return next((name for name in ("torch", "numpy") if name in sys.modules), "")
    name: str = framework if isinstance(framework, str) else framework.__name__
    if name not in ("", "torch", "numpy"):
        raise InvalidInput("rows are tensors of torch, arrays of numpy, or lists (an empty name)", framework=name)
    return name
