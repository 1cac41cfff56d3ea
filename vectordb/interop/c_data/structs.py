"""The structs of the Arrow C data interface and of DLPack, as ctypes sees them.

Sources: https://arrow.apache.org/docs/format/CDataInterface.html, .../CStreamInterface.html, and
https://dmlc.github.io/dlpack/latest/c_api.html. Pointers are plain words: what they point to is held elsewhere
(``vectordb.interop.c_data.lifetime``), and offsets of fields are the same on every machine that ctypes runs on.
"""

from __future__ import annotations

from ctypes import Structure, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any, ClassVar

Fields = list[tuple[str, Any]]


class ArrowSchema(Structure):
    """Name and format of a column or of a struct of columns."""

    _fields_: ClassVar[Fields] = [
        ("format", c_void_p),
        ("name", c_void_p),
        ("metadata", c_void_p),
        ("flags", c_int64),
        ("n_children", c_int64),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


class ArrowArray(Structure):
    """Length and buffers of a column or of a struct of columns."""

    _fields_: ClassVar[Fields] = [
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


class ArrowArrayStream(Structure):
    """Batches of one schema, one after the other."""

    _fields_: ClassVar[Fields] = [
        ("get_schema", c_void_p),
        ("get_next", c_void_p),
        ("get_last_error", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


class DLTensor(Structure):
    """A block of numbers: address, device (type, id), dimensions, element type (code, bits, lanes)."""

    _fields_: ClassVar[Fields] = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("byte_offset", c_uint64),
    ]


class DLManagedTensor(Structure):
    """A tensor with its deleter, before version 1.0."""

    _fields_: ClassVar[Fields] = [("tensor", DLTensor), ("manager", c_void_p), ("deleter", c_void_p)]


class DLManagedTensorVersioned(Structure):
    """A tensor with its deleter and flags, of version 1."""

    _fields_: ClassVar[Fields] = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("manager", c_void_p),
        ("deleter", c_void_p),
        ("flags", c_uint64),
        ("tensor", DLTensor),
    ]
