"""Vectors to search: files of a folder where there are some, else made here; with queries and exact truth.

Three sources, one form (``Data``): ``descriptors.u8`` and ``words100.f32`` of a folder (``--data``, or the
environment variable ``VECTORDB_BENCH_DATA``), and ``made`` vectors. Queries are never rows. A hit counts when it is
at most as far as the k-th of the exact answer, so that ties cost nobody anything.
"""

from __future__ import annotations

import gzip
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from heapq import nsmallest
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from math import dist, hypot
from pathlib import Path
from random import Random
from struct import Struct
from typing import Any

VARIABLE = "VECTORDB_BENCH_DATA"
K = 10
CODES = {"uint8": "B", "float32": "f"}
WIDTH = {"uint8": 1, "float32": 4}
GROUPS = 100  # of made vectors
INTRINSIC = 12  # dimensions of a group of made vectors
QUERIES = 1_000
TRUTH_SIZE = 1_000_000  # rows that the truth of the descriptors is of
NEAR = 1 + 1e-6  # a float32 truth may differ from a float64 distance in the last place


def numpy() -> Any:
    """NumPy, or None where it is absent."""
    return import_module("numpy") if find_spec("numpy") else None


@dataclass
class Data:
    """Rows and queries as little-endian bytes, row after row; ``photo`` is an attribute of every row."""

    name: str
    metric: str
    dtype: str
    dim: int
    rows: bytes
    queries: bytes
    photo: list[int]
    known: list[list[int]] | None = field(default=None, repr=False)  # true neighbours, where a file has them

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return self.dim * WIDTH[self.dtype]

    def __len__(self) -> int:
        return len(self.rows) // self.size

    @cached_property
    def cells(self) -> list[bytes]:
        """Every row as the bytes that a vector feature stores."""
        size = self.size
        return [self.rows[start : start + size] for start in range(0, len(self.rows), size)]

    @cached_property
    def asked(self) -> list[tuple[float, ...]]:
        """Every query as numbers."""
        return list(self.struct.iter_unpack(self.queries))

    @property
    def struct(self) -> Struct:
        """One row."""
        return Struct(f"<{self.dim}{CODES[self.dtype]}")

    @cached_property
    def matrix(self) -> Any:
        """The rows as NumPy float32: what peers are given."""
        return self.floats(self.rows)

    def floats(self, rows: bytes) -> Any:
        """Rows as a NumPy matrix of float32."""
        np = numpy()
        stored = np.frombuffer(rows, dtype="u1" if self.dtype == "uint8" else "<f4")
        return stored.reshape(-1, self.dim).astype("f4", copy=False)

    @cached_property
    def truth(self) -> list[list[int]]:
        """The exact K nearest rows of every query."""
        return self.known if self.known is not None else nearest(self)

    def recall(self, found: Sequence[Sequence[int]], truth: Sequence[Sequence[int]] | None = None) -> float:
        """Recall@10 of the answers to the first ``len(found)`` queries, of a truth of its own where one is given."""
        truth = self.truth if truth is None else truth
        hits = wanted = 0
        for query, answer, true in zip(self.asked, found, truth):
            wanted += min(K, len(true))
            if set(answer) >= set(true[:K]):
                hits += min(K, len(true))
            elif true:
                bound = self.distance(query, true[:K][-1]) * NEAR
                good = (self.distance(query, row) <= bound for row in set(answer[:K]))
                hits += min(K, len(true), list(good).count(True))
        return hits / wanted if wanted else 1.0

    def distance(self, query: Sequence[float], row: int) -> float:
        """Euclidean, which ranks vectors of length one as cosine does."""
        return dist(query, self.struct.unpack_from(self.rows, row * self.size))


def nearest(data: Data, alive: Any = None, queries: int | None = None) -> list[list[int]]:
    """The exact K nearest rows of every query, among those with a true ``alive`` flag: NumPy, or else ``math.dist``."""
    count = len(data.asked) if queries is None else min(queries, len(data.asked))
    if numpy() is None:
        return [nearest_plain(data, query, alive) for query in data.asked[:count]]
    np = numpy()
    kept = np.arange(len(data)) if alive is None else np.flatnonzero(np.frombuffer(bytes(alive), dtype="u1"))
    rows = data.matrix if alive is None else data.matrix[kept]
    squares = np.einsum("ij,ij->i", rows, rows)
    asked = data.floats(data.queries)[:count]
    found = []
    for start in range(0, count, 20):
        scores = squares - 2.0 * (asked[start : start + 20] @ rows.T)
        places = np.argpartition(scores, min(4 * K, len(kept) - 1), axis=1)[:, : 4 * K]  # float32: 4 K are ranked again
        found += [kept[own].tolist() for own in places]
    return [_ranked(data, query, rows) for query, rows in zip(data.asked, found)]


def _ranked(data: Data, query: Sequence[float], rows: Iterable[int]) -> list[int]:
    return nsmallest(K, rows, key=partial(data.distance, query))


def nearest_plain(data: Data, query: Sequence[float], alive: Any = None, k: int = K) -> list[int]:
    """The exact nearest rows by ``math.dist`` over all rows."""
    rows: Iterable[tuple[float, int]] = zip(
        map(partial(dist, query), data.struct.iter_unpack(data.rows)), range(len(data))
    )
    return [row for _, row in nsmallest(k, rows if alive is None else compress(rows, alive))]


# -- sources -------------------------------------------------------------------------------------------------------


def folder_of(given: str | None) -> Path | None:
    """The folder of the files: as given, else of the environment, else none."""
    name = given or os.environ.get(VARIABLE)
    if not name:
        return None
    path = Path(name)
    return path if path.is_dir() else path.parent


def descriptors(folder: Path, size: int, queries: int = QUERIES, dtype: str = "uint8") -> Data:
    """The first rows of ``descriptors.u8`` (128 x uint8, Euclidean), the photo of each as attribute."""
    with open(folder / "descriptors.u8", "rb") as file:
        rows = file.read(size * 128)
    with open(folder / "descriptors_queries.u8", "rb") as file:
        asked = file.read(queries * 128)
    photo = array("i", gzip.decompress((folder / "descriptors_photo.i32.gz").read_bytes())).tolist()
    known = _table((folder / "descriptors_truth.i32").read_bytes(), 100)
    whole = len(rows) == TRUTH_SIZE * 128 and len(asked) <= len(known) * 128
    if dtype == "float32":
        rows, asked = (array("f", memoryview(part)).tobytes() for part in (rows, asked))
    count = len(rows) // 128 // WIDTH[dtype]
    return Data("descriptors", "euclidean", dtype, 128, rows, asked, photo[:count], known if whole else None)


def words(folder: Path, size: int, queries: int = QUERIES) -> Data:
    """``words100.f32`` (100 x float32 of length one, cosine) without its query rows, which are the queries.

    Words come by frequency, and the rare are unlike the frequent: fewer than all are drawn at random.
    """
    data = (folder / "words100.f32").read_bytes()
    asked = array("i", (folder / "words100_qrows.i32").read_bytes()).tolist()
    known = _table((folder / "words100_gt101.i32").read_bytes(), 101)
    cells = [data[start : start + 400] for start in range(0, len(data), 400)]
    left_out = set(asked)
    rest = [row for row in range(len(cells)) if row not in left_out]
    chosen = rest if size >= len(rest) else sorted(Random(3).sample(rest, size))
    place = {row: place for place, row in enumerate(chosen)}
    truth = [[place[row] for row in own if row in place][:K] for own in known[:queries]]
    rows, questions = (b"".join([cells[row] for row in some]) for some in (chosen, asked[:queries]))
    photo = [row % 1000 for row in chosen]
    return Data("words", "cosine", "float32", 100, rows, questions, photo, truth if chosen is rest else None)


def _table(data: bytes, columns: int) -> list[list[int]]:
    numbers = array("i", data).tolist()
    return [numbers[start : start + columns] for start in range(0, len(numbers), columns)]


def made(size: int, dim: int, queries: int = QUERIES, metric: str = "euclidean", seed: int = 1) -> Data:
    """A Gaussian mixture of low intrinsic dimension: 100 groups, 12 directions each, a little noise.

    The group is the attribute. Made by NumPy where it is present (2 s for 1M x 128), else by ``random`` (30 us a
    number and direction); the two give other numbers of the same law.
    """
    make = _made_plain if numpy() is None else _made_by_numpy
    rows, photo = make(size + queries, dim, seed, metric == "cosine")
    width = 4 * dim
    return Data("made", metric, "float32", dim, rows[: size * width], rows[size * width :], photo[:size])


def _made_by_numpy(count: int, dim: int, seed: int, unit: bool) -> tuple[bytes, list[int]]:
    np = numpy()
    random = np.random.default_rng(seed)
    directions = random.standard_normal((GROUPS, INTRINSIC, dim), dtype="f4") / INTRINSIC**0.5
    centres = random.standard_normal((GROUPS, dim), dtype="f4")
    groups = random.integers(GROUPS, size=count)
    rows = random.standard_normal((count, dim), dtype="f4")
    rows *= np.float32(0.1)
    inner = random.standard_normal((count, INTRINSIC), dtype="f4")
    for group in range(GROUPS):
        own = np.flatnonzero(groups == group)
        rows[own] += centres[group] + inner[own] @ directions[group]
    if unit:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype("<f4").tobytes(), groups.tolist()


def _made_plain(count: int, dim: int, seed: int, unit: bool) -> tuple[bytes, list[int]]:
    random = Random(seed)
    normal = partial(random.gauss, 0.0, 1.0)
    scale = INTRINSIC**-0.5
    bases = [[[normal() for _ in range(dim)] for _ in range(INTRINSIC + 1)] for _ in range(GROUPS)]
    rows, groups = array("f"), []
    for _ in range(count):
        group = random.randrange(GROUPS)
        row = [centre + 0.1 * normal() for centre in bases[group][INTRINSIC]]
        for direction in bases[group][:INTRINSIC]:
            step = scale * normal()
            row = [part + step * along for part, along in zip(row, direction)]
        length = hypot(*row) if unit else 1.0
        rows.extend([part / length for part in row])
        groups.append(group)
    return rows.tobytes(), groups
