"""Who else searches vectors: hnswlib, FAISS, usearch, annoy, NumPy and plain Python, behind one small face.

One thread, one query a call, every library with queries in the form that suits it, made before the clock starts.
The libraries are in ``vector_libraries``, ours in ``vector_ours``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.bench.vector_data import Data, K, nearest_plain

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Search = Callable[[Any], Any]


def one_thread() -> None:
    """Tell the libraries to use one thread; to be called before the first of them is imported."""
    for name in THREADS:
        os.environ[name] = "1"


def library(name: str) -> Any:
    """A module, or None where it is absent. Warnings of its import are its own."""
    if not find_spec(name.partition(".")[0]):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


class Peer:
    """One way to search. ``settings`` go from cheap to thorough; ``extra`` are its bytes beside float32 rows."""

    name = ""
    module = ""
    does = ""
    settings: Sequence[Any] = ("exact",)
    share = 1  # one of so many queries is asked: the slow ones
    extra = 0

    def __init__(self, data: Data) -> None:
        self.data = data
        self.seconds = self.wall = 0.0  # that the build took: of the processor, and by the clock
        self.kept = False  # whether it was built in an earlier run
        self.library: Any = library(self.module) if self.module else None

    def build(self) -> None:
        """Build the index."""

    def size_up(self) -> None:
        """Set ``extra``, after the clock has stopped."""

    def queries(self) -> list[Any]:
        """The queries in the form that suits it."""
        return list(self.data.floats(self.data.queries))

    def searcher(self, setting: Any) -> Search:
        """What answers one query at a setting."""
        raise NotImplementedError

    def rows(self, found: Any) -> list[int]:
        """The row numbers of an answer."""
        return list(found)

    def save(self, path: str) -> None:
        """Keep the index in a file."""

    def load(self, path: str) -> None:
        """Take it from a file."""

    def beside(self, total: int) -> int:
        """Bytes of an index less those of its float32 rows."""
        return max(0, total - len(self.data) * self.data.dim * 4)


class NumpyExact(Peer):
    """NumPy: every row."""

    name, module, does = "numpy exact", "numpy", "one matrix product a query, argpartition, argsort"
    share = 10

    def build(self) -> None:
        self.matrix = self.data.matrix
        self.squares = self.library.einsum("ij,ij->i", self.matrix, self.matrix)

    def size_up(self) -> None:
        self.extra = self.squares.nbytes

    def searcher(self, setting: Any) -> Search:
        np, matrix, squares = self.library, self.matrix, self.squares

        def search(vector: Any) -> Any:
            scores = squares - 2.0 * (matrix @ vector)
            best = np.argpartition(scores, K)[:K] if len(scores) > K else np.arange(len(scores))
            return best[np.argsort(scores[best])]

        return search

    def rows(self, found: Any) -> list[int]:
        rows: list[int] = found.tolist()
        return rows


class Plain(Peer):
    """Plain Python: every row."""

    name, does, share = "plain python", "math.dist over every stored row, heapq.nsmallest", 250

    def queries(self) -> list[Any]:
        return self.data.asked

    def searcher(self, setting: Any) -> Search:
        return lambda vector: nearest_plain(self.data, vector)
