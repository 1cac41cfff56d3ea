"""The libraries that a user would pick: hnswlib, FAISS, usearch, annoy. Compiled, with SIMD, in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.vector_data import Data, K
from tests.bench.vector_peers import Peer, Search

SPARE = 1.2  # room for overwritten rows
CONNECTIONS, CONSTRUCTION = 16, 100
BEAM = (10, 20, 40, 80, 160, 320)


class Hnswlib(Peer):
    """hnswlib: a graph."""

    name, module = "hnswlib", "hnswlib"
    does = f"M {CONNECTIONS}, efConstruction {CONSTRUCTION}; ef is the setting"
    settings = BEAM

    def _new(self) -> Any:
        index = self.library.Index(space="cosine" if self.data.metric == "cosine" else "l2", dim=self.data.dim)
        index.set_num_threads(1)
        return index

    def build(self) -> None:
        self.index = self._new()
        room = int(len(self.data) * SPARE) + 1
        self.index.init_index(room, M=CONNECTIONS, ef_construction=CONSTRUCTION, random_seed=1)
        self.index.add_items(self.data.matrix, num_threads=1)

    def size_up(self) -> None:
        self.extra = self.beside(self.index.index_file_size())

    def add(self, rows: Any) -> None:
        """More rows."""
        self.index.add_items(rows, num_threads=1)

    def searcher(self, setting: int, accepts: Callable[[int], Any] | None = None) -> Search:
        """``accepts``: a filter that is called with the number of a row."""
        query = self.index.knn_query

        def search(vector: Any) -> Any:
            try:
                return query(vector, k=K, num_threads=1, filter=accepts)
            except RuntimeError:  # fewer than k found
                return [()], None

        self.index.set_ef(setting)
        return search

    def rows(self, found: Any) -> list[int]:
        return [int(row) for row in found[0][0]]

    def save(self, path: str) -> None:
        self.index.save_index(path)

    def load(self, path: str) -> None:
        self.index = self._new()
        self.index.load_index(path, max_elements=int(len(self.data) * SPARE) + 1)


class Faiss(Peer):
    """What the indexes of FAISS share."""

    module = "faiss"

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        if self.library is not None:
            self.library.omp_set_num_threads(1)
            self.ip = data.metric == "cosine"
            self.metric = self.library.METRIC_INNER_PRODUCT if self.ip else self.library.METRIC_L2

    def make(self) -> Any:
        """An empty index."""
        raise NotImplementedError

    def build(self) -> None:
        self.index = self.make()
        if not self.index.is_trained:
            self.index.train(self.data.matrix)
        self.index.add(self.data.matrix)

    def size_up(self) -> None:
        self.extra = self.beside(self.library.serialize_index(self.index).nbytes)

    def add(self, rows: Any) -> None:
        """More rows."""
        self.index.add(rows)

    def queries(self) -> list[Any]:
        return [row.reshape(1, -1) for row in super().queries()]

    def searcher(self, setting: Any) -> Search:
        search = self.index.search
        return lambda vector: search(vector, K)

    def rows(self, found: Any) -> list[int]:
        return [row for row in found[1][0].tolist() if row >= 0]

    def save(self, path: str) -> None:
        self.library.write_index(self.index, path)

    def load(self, path: str) -> None:
        self.index = self.library.read_index(path)


class FaissIvf(Faiss):
    """FAISS IVF,Flat: inverted lists."""

    name, does = "faiss ivf", "IVF1024,Flat (fewer lists under 40,000 rows); nprobe is the setting"
    settings = (1, 2, 4, 8, 16, 32, 64, 128, 256)

    def make(self) -> Any:
        lists = max(1, min(1024, len(self.data) // 39))
        flat = self.library.IndexFlatIP if self.ip else self.library.IndexFlatL2
        self.coarse = flat(self.data.dim)  # the lists only borrow it
        return self.library.IndexIVFFlat(self.coarse, self.data.dim, lists, self.metric)

    def searcher(self, setting: int, bits: Any = None) -> Search:
        """``bits``: a bitmap of the rows that may be found."""
        options: dict[str, Any] = {"nprobe": setting}
        if bits is not None:
            options["sel"] = self.library.IDSelectorBitmap(bits)
        search, parameters = self.index.search, self.library.SearchParametersIVF(**options)
        return lambda vector: search(vector, K, params=parameters)


class FaissHnsw(Faiss):
    """FAISS HNSW: a graph."""

    name, does = "faiss hnsw", f"HNSW{CONNECTIONS},Flat, efConstruction {CONSTRUCTION}; efSearch is the setting"
    settings = BEAM

    def make(self) -> Any:
        index = self.library.IndexHNSWFlat(self.data.dim, CONNECTIONS, self.metric)
        index.hnsw.efConstruction = CONSTRUCTION
        return index

    def searcher(self, setting: int) -> Search:
        search, parameters = self.index.search, self.library.SearchParametersHNSW(efSearch=setting)
        return lambda vector: search(vector, K, params=parameters)


class FaissFlat(Faiss):
    """FAISS Flat: every row."""

    name, does, share = "faiss flat", "every row, by BLAS and SIMD", 10

    def make(self) -> Any:
        return (self.library.IndexFlatIP if self.ip else self.library.IndexFlatL2)(self.data.dim)

    save = Peer.save  # built in no time


class Usearch(Peer):
    """usearch: a graph."""

    name, module = "usearch", "usearch.index"
    does = f"f32, connectivity {CONNECTIONS}, expansion_add {CONSTRUCTION}; expansion_search is the setting"
    settings = BEAM

    def _new(self) -> Any:
        metric = "cos" if self.data.metric == "cosine" else "l2sq"
        sizes = {"connectivity": CONNECTIONS, "expansion_add": CONSTRUCTION}
        return self.library.Index(ndim=self.data.dim, metric=metric, dtype="f32", **sizes)

    def build(self) -> None:
        self.index = self._new()
        self.index.add(import_module("numpy").arange(len(self.data), dtype="u8"), self.data.matrix, threads=1)

    def size_up(self) -> None:
        self.extra = self.beside(self.index.serialized_length)

    def searcher(self, setting: int) -> Search:
        search = self.index.search
        self.index.expansion_search = setting
        return lambda vector: search(vector, K, threads=1)

    def rows(self, found: Any) -> list[int]:
        return [int(row) for row in found.keys]

    def save(self, path: str) -> None:
        self.index.save(path)

    def load(self, path: str) -> None:
        self.index = self._new()
        self.index.load(path)


class Annoy(Peer):
    """annoy: a forest."""

    name, module, does = "annoy", "annoy", "50 trees; search_k is the setting"
    settings = (500, 1000, 2000, 5000, 10_000, 20_000, 50_000)

    def _new(self) -> Any:
        return self.library.AnnoyIndex(self.data.dim, "angular" if self.data.metric == "cosine" else "euclidean")

    def build(self) -> None:
        self.index = self._new()
        self.index.set_seed(1)
        for place, row in enumerate(self.data.matrix):
            self.index.add_item(place, row)
        self.index.build(50, n_jobs=1)

    def size_up(self) -> None:
        with TemporaryDirectory() as folder:
            path = os.path.join(folder, "forest")
            self.index.save(path)  # it goes on from the file, which is mapped
            self.extra = self.beside(os.path.getsize(path))

    def queries(self) -> list[Any]:
        return [list(map(float, query)) for query in self.data.asked]

    def searcher(self, setting: int) -> Search:
        search = self.index.get_nns_by_vector
        return lambda vector: search(vector, K, setting)

    def save(self, path: str) -> None:
        self.index.save(path)

    def load(self, path: str) -> None:
        self.index = self._new()
        self.index.load(path)


LIBRARIES: tuple[type[Peer], ...] = (Hnswlib, FaissIvf, FaissHnsw, FaissFlat, Usearch, Annoy)
