"""Spaces: the vector features of one seed, random vectors of them, and their distances by plain formulas."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import dist, fsum, isclose, sqrt
from random import Random
from typing import Any

from vectordb import Vector, distance

METRICS = ("euclidean",) * 4 + ("cosine", "dot", "manhattan") * 3 + ("sqeuclidean", "chebyshev", "hamming")
TYPES = ("float32",) * 4 + ("float64", "float16", "int8", "uint8")
CODES = {"float64": "d", "float32": "f", "float16": "e", "int8": "b", "uint8": "B"}
INDEXED = ("euclidean", "sqeuclidean", "cosine", "dot", "manhattan")
COMPLEMENTS = ("cosine", "hamming")

Elements = tuple[float, ...]  # ints for the integer types, whole floats are refused there


@dataclass(frozen=True)
class Space:
    """One vector feature: its type, and the anchors that its vectors lie near."""

    metric: str
    dtype: str
    dim: int
    anchors: tuple[Elements, ...]

    @staticmethod
    def random(rnd: Random, metrics: Sequence[str] = METRICS) -> Space:
        metric, dim = rnd.choice(metrics), rnd.randrange(2, 9)
        dtype = "binary" if metric == "hamming" else rnd.choice(TYPES)
        anchors = tuple(tuple(rnd.uniform(-20, 20) for _ in range(dim)) for _ in range(rnd.randrange(2, 7)))
        return Space(metric, dtype, dim, anchors)

    @property
    def is_indexed(self) -> bool:
        return self.metric in INDEXED and self.dtype != "binary"

    def kind(self, default: Any) -> Vector:
        return Vector(self.dim, metric=self.metric, dtype=self.dtype, default=default)

    # -- vectors ---------------------------------------------------------------------------------------

    def value(self, rnd: Random) -> Elements:
        """A vector as it is stored: near an anchor, or of a coarse grid, so that distances tie."""
        if self.dtype == "binary":
            return tuple(int(rnd.random() < 0.5) for _ in range(self.dim))
        found = self.point(rnd)
        if rnd.random() < 0.25:
            found = tuple(4.0 * round(element / 4) for element in found)
        if self.dtype in ("int8", "uint8"):
            low = -100 if self.dtype == "int8" else 0
            found = tuple(min(low + 200, max(low, round(low + 100 + 2 * element))) for element in found)
        else:
            found = self.unpacked(struct.pack(f"<{self.dim}{CODES[self.dtype]}", *found))
        return found if any(found) else (1,) * self.dim

    def point(self, rnd: Random) -> Elements:
        return tuple(rnd.gauss(place, 2.0) for place in rnd.choice(self.anchors))

    def drifted(self, rnd: Random) -> Space:
        """The same feature, one of its anchors elsewhere: later vectors lie where an index has not trained."""
        anchors = list(self.anchors)
        anchors[rnd.randrange(len(anchors))] = tuple(rnd.uniform(-30, 30) for _ in range(self.dim))
        return replace(self, anchors=tuple(anchors))

    def query(self, rnd: Random) -> Elements:
        """What is searched for: like a stored vector, or one that the element type rounds."""
        found = self.value(rnd)
        if rnd.random() < 0.5 or self.dtype == "binary":
            return found
        return tuple(element + rnd.gauss(0, 0.3) for element in found)

    def cell(self, value: Elements) -> bytes:
        """The bytes that a read shows."""
        if self.dtype == "binary":
            bits = "".join("1" if element else "0" for element in value)
            return int(bits.ljust(8, "0"), 2).to_bytes(1, "big")
        if self.dtype in ("int8", "uint8"):
            return struct.pack(f"<{self.dim}{CODES[self.dtype]}", *value)
        return struct.pack(f"<{self.dim}{'d' if self.dtype == 'float64' else 'f'}", *value)

    def unpacked(self, cell: bytes) -> Elements:
        return struct.unpack(f"<{self.dim}{CODES[self.dtype]}", cell)

    # -- distances -------------------------------------------------------------------------------------

    def distance(self, query: Elements, row: Elements) -> float:
        """By the formula of the metric; where that loses bits, the package's, held against the formula."""
        plain = self._plain(query, row)
        if self.metric not in ("cosine", "sqeuclidean"):
            return plain
        found = distance(self.metric, query, row)
        assert isclose(found, plain, rel_tol=1e-9, abs_tol=1e-9), (self.metric, query, row)
        return found

    def _plain(self, query: Elements, row: Elements) -> float:
        gaps = [abs(x - y) for x, y in zip(query, row, strict=True)]
        product = fsum(x * y for x, y in zip(query, row, strict=True))
        if self.metric == "cosine":
            return 1.0 - product / sqrt(fsum(x * x for x in query)) / sqrt(fsum(y * y for y in row))
        return {
            "euclidean": dist(query, row),
            "sqeuclidean": fsum(gap * gap for gap in gaps),
            "dot": 0.0 - product,
            "manhattan": fsum(gaps),
            "chebyshev": max(gaps),
            "hamming": len([gap for gap in gaps if gap]) / self.dim,
        }[self.metric]

    def score(self, distance: float) -> float:
        if self.metric in COMPLEMENTS:
            return 1.0 - distance
        return 0.0 - distance if self.metric == "dot" else 1.0 / (1.0 + distance)
