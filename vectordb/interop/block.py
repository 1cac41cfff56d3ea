"""A block of numbers on its way out: DLPack tensors, and Arrow columns of vectors."""

from __future__ import annotations

from typing import Any

from vectordb.interop.c_data.capsules import array_of, schema_of, tensor_of
from vectordb.interop.c_data.column import FORMATS, Column, Piece, vectors
from vectordb.interop.c_data.tensor import CPU


class Block:
    """Everything that ``numpy.from_dlpack``, ``torch.from_dlpack`` and ``pyarrow.array`` ask a block of numbers for.

    They share its bytes, whose address is that of ``__array_interface__``. Those are read-only, and say so. PyTorch
    does not heed it: clone a tensor before writing to it (this block would change, and nothing else).
    """

    __slots__ = ()
    _bytes: bytes
    _start: int
    shape: tuple[int, int]
    dtype: str

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        return tensor_of(self, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU

    def _as_column(self) -> Column:
        rows, width = self.shape
        return vectors(FORMATS[self.dtype], width, Piece(self._bytes, self._start), rows)

    def __arrow_c_schema__(self) -> Any:
        return schema_of(self._as_column().shape)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        return array_of(self._as_column())


class Blocked:
    """What has a block of numbers: DLPack gives that block."""

    __slots__ = ()

    def __dlpack__(self, **options: Any) -> Any:
        block: Any = self
        return block.numbers.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU
