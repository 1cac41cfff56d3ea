"""Tensors of the Open Inference Protocol v2: JSON, and the binary extension for what is sent.

    BOOL  INT8..INT64  UINT8..UINT64  FP16 FP32 FP64  BYTES (text)

Data is a list in row-major order, flat or nested by its shape. Of the binary extension
(``inference-header-content-length``) inputs are read; answers are JSON, which its clients read too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from struct import Struct, iter_unpack
from struct import error as StructError
from typing import Any, Final, NamedTuple

from vectordb.serving.http.fields import Fields
from vectordb.serving.http.refusal import BadRequest

CODES: Final = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
LENGTH: Final = Struct("<I")


class Tensor(NamedTuple):
    """A named tensor; ``data`` is flat, in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any]

    def rows(self) -> list[Any]:
        """An item for each of the first dimension: scalars for [n] and [n, 1], else lists."""
        width = prod(self.shape[1:])
        if width == 1:
            return self.data
        return [self.data[start : start + width] for start in range(0, len(self.data), width)]

    def to_json(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape), "data": self.data}


class Binary:
    """The bytes behind the JSON header of a request, taken tensor by tensor."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self._data) - self._at:
            raise BadRequest("binary data is as long as its inputs say", given=len(self._data))
        self._at += size
        return self._data[self._at - size : self._at]

    def done(self) -> None:
        """Refuse bytes that belong to no input."""
        if self._at != len(self._data):
            raise BadRequest("binary data is as long as its inputs say", left=len(self._data) - self._at)


def read_tensor(item: Any, binary: Binary, limit: int) -> Tensor:
    """One input of a request; its first dimension has at most ``limit`` items."""
    fields = Fields(item, "an input")
    name, datatype = fields.text("name"), fields.text("datatype")
    shape = _shape(fields.take("shape"), name, limit)
    parameters = Fields(fields.object("parameters", {}), "the parameters of an input")
    size = parameters.whole("binary_data_size", None)
    if datatype != "BYTES" and datatype not in CODES:
        raise BadRequest("a datatype is of the protocol", name=name, datatype=datatype[:40], known=[*CODES, "BYTES"])
    if size is None:
        data = list(_flat(fields.take("data"), len(shape)))
        check = CHECKS.get(datatype) or _whole(datatype)
        for value in data:
            if not check(value):
                raise BadRequest("data is of its datatype", name=name, datatype=datatype, value=str(value)[:40])
    else:
        data = _unpack(datatype, binary.take(size), name)
    fields.done()
    if len(data) != prod(shape):
        raise BadRequest("data is as long as its shape says", name=name, shape=list(shape), given=len(data))
    return Tensor(name, datatype, shape, data)


def _shape(given: Any, name: str, limit: int) -> tuple[int, ...]:
    good = type(given) is list and 1 <= len(given) <= 3 and all(type(one) is int and 0 < one < 1 << 31 for one in given)
    if not good:
        raise BadRequest("a shape is one to three whole numbers above 0", name=name)
    if given[0] > limit:
        raise BadRequest(f"a batch has at most {limit} rows", status=413, name=name, shape=given)
    return tuple(given)


def _flat(data: Any, depth: int) -> Iterator[Any]:
    if type(data) is not list:
        raise BadRequest("data is a list", type=type(data).__name__)
    if depth > 1 and data and type(data[0]) is list:
        for part in data:
            yield from _flat(part, depth - 1)
    else:
        yield from data


def _whole(datatype: str) -> Callable[[Any], bool]:
    bits = int(datatype.lstrip("UINT"))
    low, high = (0, 1 << bits) if datatype[0] == "U" else (-1 << bits >> 1, 1 << bits >> 1)
    return lambda value: type(value) is int and low <= value < high


def _is_real(value: Any) -> bool:
    return type(value) is float or type(value) is int


CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "BOOL": lambda value: type(value) is bool,
    "BYTES": lambda value: type(value) is str,
    "FP16": _is_real,
    "FP32": _is_real,
    "FP64": _is_real,
}


def _unpack(datatype: str, data: bytes, name: str) -> list[Any]:
    try:
        if datatype == "BYTES":
            return list(_texts(data))
        return [value for (value,) in iter_unpack(f"<{CODES[datatype]}", data)]
    except (StructError, UnicodeDecodeError):
        raise BadRequest("binary data is of its datatype; text is UTF-8", name=name, datatype=datatype) from None


def _texts(data: bytes) -> Iterator[str]:
    """Each text is its length in four bytes, little-endian, and its bytes."""
    at = 0
    while at < len(data):
        (length,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size + length
        if at > len(data):
            raise StructError("a text ends within the data")
        yield data[at - length : at].decode("utf-8")
