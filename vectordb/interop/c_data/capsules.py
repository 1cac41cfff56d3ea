"""Capsules: what is handed out, made by pyarrow or NumPy where the caller has loaded them, else by ctypes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vectordb.interop.c_data import export
from vectordb.interop.c_data.column import Column, Shape
from vectordb.interop.c_data.native import (
    arrow_array,
    arrow_field,
    arrow_reader,
    arrow_schema,
    loaded_numpy,
    loaded_pyarrow,
)
from vectordb.interop.c_data.tensor import check_asked, tensor


def schema_of(shape: Shape) -> Any:
    """``arrow_schema``."""
    arrow = loaded_pyarrow()
    if arrow is None:
        return export.schema_capsule(shape)
    made = arrow_schema(arrow, shape) if shape.format == "+s" else arrow_field(arrow, "", shape)
    return made.__arrow_c_schema__()


def array_of(column: Column) -> tuple[Any, Any]:
    """``arrow_schema`` and ``arrow_array``."""
    arrow = loaded_pyarrow()
    if arrow is None:
        return export.array_capsules(column)
    if column.shape.format == "+s":
        made = arrow_reader(arrow, column.shape, [column]).read_next_batch()
    else:
        made = arrow_array(arrow, *column)
    schema, array = made.__arrow_c_array__()
    return schema, array


def stream_of(shape: Shape, batches: Iterable[Column]) -> Any:
    """``arrow_array_stream``: every batch is made when it is asked for."""
    arrow = loaded_pyarrow()
    if arrow is None:
        return export.stream_capsule(shape, batches)
    return arrow_reader(arrow, shape, batches).__arrow_c_stream__()


def tensor_of(block: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """``dltensor`` or ``dltensor_versioned`` of a block of numbers."""
    versioned, copied = check_asked(max_version, dl_device, copy)
    numpy = loaded_numpy()
    if numpy is None or not hasattr(numpy, "from_dlpack") or numpy.__version__.startswith(("1.", "2.0.")):
        return tensor(block._bytes, block._start, block.shape, block.dtype, versioned, copied)
    if not versioned:
        return numpy.array(block).__dlpack__()
    return numpy.asarray(block).__dlpack__(max_version=max_version, copy=True if copied else None)
