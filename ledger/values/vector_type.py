"""The Vector feature type: a fixed number of elements, stored as little-endian bytes."""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Set
from dataclasses import dataclass
from math import isfinite
from struct import Struct
from struct import error as StructError
from sys import float_info
from typing import Any

from ledger.errors import DefinitionError, InvalidInput
from ledger.values.feature_types import FeatureType, is_no_number

MAX_DIMENSION = 65_536
ELEMENTS = {"float64": "d", "float32": "f", "float16": "e", "int8": "b", "uint8": "B", "binary": "B"}
METRICS = frozenset(
    [
        "euclidean",
        "sqeuclidean",
        "cosine",
        "dot",
        "manhattan",
        "chebyshev",
        "minkowski",
        "canberra",
        "braycurtis",
        "correlation",
        "hamming",
        "jaccard",
    ]
)
_FLOATS = frozenset({"float64", "float32", "float16"})


@dataclass(frozen=True)
class Vector(FeatureType):
    """``dim`` elements of ``dtype``; ``metric`` is what nearest means for it.

    Takes a list, a tuple, anything with the buffer protocol or ``tolist``, or ``bytes`` of exactly the
    stored length. Element types: float64, float32 (default), float16, int8, uint8, and binary (bits,
    eight to a byte, the first in the highest place). Overflow, NaN and infinity are refused, and so is
    the zero vector under cosine. Reads give a read-only memoryview (float16 widened to float32).

    >>> Vector(2).show(Vector(2).check([0.5, 1])).tolist()
    [0.5, 1.0]
    """

    name = "vector"
    heavy = True

    dim: int = 0
    metric: str = "cosine"
    dtype: str = "float32"
    p: float | None = None

    def __init__(
        self,
        dim: int,
        *,
        metric: str = "cosine",
        dtype: str = "float32",
        p: float | None = None,
        default: Any = None,
        description: str = "",
    ) -> None:
        arguments = {"dim": dim, "metric": metric, "dtype": dtype, "p": p, "description": description}
        for name, value in arguments.items():
            object.__setattr__(self, name, value)
        self._check_arguments()
        object.__setattr__(self, "default", default)
        self.__post_init__()
        if default is not None:
            object.__setattr__(self, "default", self.check(default))

    def _check_arguments(self) -> None:
        if type(self.dim) is not int or not 1 <= self.dim <= MAX_DIMENSION:
            raise DefinitionError(f"a dimension is an int from 1 to {MAX_DIMENSION}", dim=self.dim)
        if self.dtype not in ELEMENTS:
            raise DefinitionError("an element type is one of these", dtype=self.dtype, known=sorted(ELEMENTS))
        if self.metric not in METRICS:
            raise DefinitionError("a metric is one of these", metric=self.metric, known=sorted(METRICS))
        p: Any = self.p
        if not (p is None if self.metric != "minkowski" else type(p) in (int, float) and 1 <= p <= float_info.max):
            raise DefinitionError("p >= 1 goes with metric='minkowski' and with no other", p=self.p)

    @property
    def size(self) -> int:
        """Bytes of one vector."""
        return (self.dim + 7) // 8 if self.dtype == "binary" else self.packer.size

    @property
    def packer(self) -> Struct:
        """The compiled struct of one vector (``struct`` keeps a cache of its own)."""
        count = (self.dim + 7) // 8 if self.dtype == "binary" else self.dim
        return Struct(f"<{count}{ELEMENTS[self.dtype]}")

    def check(self, value: Any) -> bytes:
        """The stored bytes of a vector; raises ``InvalidInput``."""
        if type(value) is bytes or (self.dtype == "binary" and isinstance(value, memoryview)):
            cell = bytes(value)  # a binary vector is shown packed, and may be given back so
            if len(cell) != self.size:
                raise InvalidInput(
                    "a vector given as bytes has its stored length", expected=self.size, actual=len(cell)
                )
        else:
            cell = self._pack(_elements(value))
        self.check_bytes(cell)
        return cell

    def query(self, value: Any) -> tuple[float, ...] | bytes:
        """The elements of a vector to search for: numbers as given, or the packed bits of a binary one.

        A query is not rounded to the stored element type; otherwise it obeys the same rules as a value.
        Raises ``InvalidInput``.

        >>> Vector(2).query([0.1, 2])
        (0.1, 2.0)
        """
        if self.dtype == "binary":
            return self.check(value)
        if type(value) is bytes:
            return tuple(map(float, self.packer.unpack(self.check(value))))
        elements = _elements(value)
        if len(elements) != self.dim:
            raise InvalidInput("a query has its feature's dimension", expected=self.dim, actual=len(elements))
        kinds = set(map(type, elements))
        if kinds == {float} and isfinite(sum(elements)):  # ranks only: a sum is finite only when every term is
            numbers = tuple(elements)
        else:
            if not kinds <= _NUMBERS and any(map(is_no_number, elements)):
                raise InvalidInput("a query's elements are numbers, not str or bool", elements=elements[:10])
            numbers = tuple(map(_finite, elements))
        if self.metric == "cosine" and not any(numbers):
            raise InvalidInput("a zero vector has no direction: cosine refuses it", dim=self.dim)
        return numbers

    def _pack(self, elements: list[Any] | tuple[Any, ...]) -> bytes:
        if len(elements) != self.dim:
            raise InvalidInput("a vector has its feature's dimension", expected=self.dim, actual=len(elements))
        if self.dtype == "binary":
            return _pack_bits(elements)
        kinds = set(map(type, elements))
        if not kinds <= _NUMBERS and any(map(is_no_number, elements)):
            raise InvalidInput("a vector's elements are numbers, not str or bool", elements=elements[:10])
        try:
            return self.packer.pack(*elements)
        except (StructError, OverflowError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"a vector's elements fit in {self.dtype}", error=str(error), elements=elements[:10]
            ) from None

    def check_bytes(self, cell: bytes) -> None:
        """Raise ``InvalidInput`` for NaN and infinity, the zero vector under cosine, and unused bits that are set."""
        if self.metric == "cosine" and not cell.strip(b"\0\x80") and not any(self.packer.unpack(cell)):
            raise InvalidInput("a zero vector has no direction: cosine refuses it", dim=self.dim)
        if self.dtype == "binary" and self.dim % 8 and cell[-1] & (0xFF >> self.dim % 8):
            raise InvalidInput("the unused bits of a binary vector's last byte are zero", dim=self.dim)
        if self.dtype in _FLOATS:
            elements = self.packer.unpack(cell)
            total = sum(elements)  # ranks only: a sum is finite only when every term is
            if not isfinite(total) and not all(map(isfinite, elements)):
                bad = next(place for place, element in enumerate(elements) if not isfinite(element))
                raise InvalidInput("a vector's elements are finite", place=bad, element=elements[bad])

    def show(self, cell: Any) -> memoryview:
        """A read-only memoryview of the elements, without a copy (float16: widened)."""
        if self.dtype == "float16" or sys.byteorder != "little":
            code = "f" if self.dtype == "float16" else ELEMENTS[self.dtype]
            return memoryview(array(code, self.packer.unpack(cell))).toreadonly()
        view: Any = memoryview(cell)
        elements: memoryview = view.cast(ELEMENTS[self.dtype])
        return elements

    def to_json(self, cell: Any) -> str:
        """Base64 of the little-endian bytes."""
        return b64encode(cell).decode()

    def from_json(self, value: Any) -> bytes:
        """The bytes of a base64 text of exactly the right length; raises ``InvalidInput``."""
        try:
            cell = b64decode(value, validate=True) if type(value) is str else b""
        except (Base64Error, ValueError):
            cell = b""
        if len(cell) != self.size or self.to_json(cell) != value:
            raise InvalidInput("the stored form of a vector is base64 of its bytes", expected=self.size, value=value)
        self.check_bytes(cell)
        return cell

    @property
    def max_json(self) -> int:
        """Bytes of its base64."""
        return 2 * self.size + 8

    def gap(self) -> bytes:
        """Zero bytes."""
        return bytes(self.size)

    def shape(self) -> dict[str, Any]:
        """Type, dimension, metric and element type: what a name can never change."""
        shape = {"type": self.name, "dim": self.dim, "metric": self.metric, "dtype": self.dtype}
        return shape if self.p is None else {**shape, "p": self.p}


_NUMBERS = frozenset({int, float})


def _finite(element: Any) -> float:
    try:
        number = float(element)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidInput("a query's elements are numbers", element=element, error=str(error)) from None
    if not isfinite(number):
        raise InvalidInput("a query's elements are finite", element=element)
    return number


def _elements(value: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, (str, bytearray, Set, Mapping)) or not hasattr(value, "__len__"):
        raise InvalidInput("a vector is a sequence of numbers", type=type(value).__name__)
    if hasattr(value, "tolist"):  # array, memoryview, NumPy, PyTorch: exact Python numbers in one C call
        elements = value.tolist()
        if not isinstance(elements, list):
            raise InvalidInput("a vector is one-dimensional", type=type(value).__name__)
        return elements
    return list(value)


def _pack_bits(elements: list[Any] | tuple[Any, ...]) -> bytes:
    if any(type(bit) not in (int, bool) or bit not in (0, 1) for bit in elements):
        raise InvalidInput("a binary vector's elements are 0 or 1", elements=elements[:10])
    size = (len(elements) + 7) // 8
    bits = "".join("1" if bit else "0" for bit in elements).ljust(size * 8, "0")
    return int(bits, 2).to_bytes(size, "big")
