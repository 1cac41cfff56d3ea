"""Tensors: blocks of numbers as DLPack capsules, on the processor's own memory.

Source: https://dmlc.github.io/dlpack/latest/python_spec.html. What is exported never changes: a consumer of version 1
is told so (the flag of read-only memory) and shares the bytes; an older one cannot be told, and gets a copy of its own.
"""

from __future__ import annotations

from ctypes import addressof, c_int64, create_string_buffer
from typing import Any, Final

from vectordb.interop.c_data.export import address_of
from vectordb.interop.c_data.lifetime import TENSOR, TENSOR_VERSIONED, tensor_capsule
from vectordb.interop.c_data.structs import DLManagedTensor, DLManagedTensorVersioned, DLTensor

CPU: Final = (1, 0)
VERSION: Final = (1, 0)
READ_ONLY, COPIED = 1, 2
TYPES: Final = {"float64": (2, 64), "float32": (2, 32), "float16": (2, 16), "int8": (0, 8), "uint8": (1, 8)}


def check_asked(
    max_version: tuple[int, int] | None, dl_device: tuple[int, int] | None, copy: bool | None
) -> tuple[bool, bool]:
    """Whether the tensor is of version 1, and a copy; ``BufferError`` for what the protocol lets a producer refuse."""
    if dl_device is not None and tuple(dl_device) != CPU:
        raise BufferError(f"numbers lie in the processor's memory, device {CPU}, not {tuple(dl_device)}")
    versioned = max_version is not None and tuple(max_version) >= VERSION
    if not versioned and copy is False:
        raise BufferError("shared memory is read-only, which DLPack can say since version 1.0: pass max_version")
    return versioned, bool(copy) or not versioned


def tensor(data: bytes, start: int, shape: tuple[int, int], dtype: str, versioned: bool, copied: bool) -> Any:
    """The capsule of a row-major block."""
    size = shape[0] * shape[1] * TYPES[dtype][1] // 8
    held: Any = create_string_buffer(data[start : start + size], max(size, 1)) if copied else memoryview(data)
    address = addressof(held) if copied else address_of(data) + start
    dims, strides = (c_int64 * 2)(*shape), (c_int64 * 2)(shape[1], 1)
    made = DLTensor(address, *CPU, 2, *TYPES[dtype], 1, addressof(dims), addressof(strides))
    things = (held, dims, strides)
    if not versioned:
        return tensor_capsule(TENSOR, DLManagedTensor(made), things)
    flags = COPIED if copied else READ_ONLY
    return tensor_capsule(TENSOR_VERSIONED, DLManagedTensorVersioned(*VERSION, None, None, flags, made), things)
