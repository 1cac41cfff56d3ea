"""All benchmarks, in the order of the table: each is a command of its own, and a process of its own."""

from __future__ import annotations

from typing import NamedTuple

FOLDER = "FOLDER"  # stands for the folder of real data
FEW = "--queries 50 --rounds 2 --peers faiss-ivf,numpy"  # of 10,000 dimensions: an exact search takes a second
PEERS = "hnswlib,faiss-ivf,annoy,numpy"  # the others take long to build: faiss-hnsw, faiss-flat, usearch


class Run(NamedTuple):
    """A command, by the name under which its lines are kept. ``harness``: candidates that take turns."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    harness: bool = False

    @property
    def command(self) -> str:
        """As it is typed, but for the folder."""
        return " ".join(("python -m", f"tests.bench.{self.module}", *self.arguments))


def _side_by_side(*names: str) -> tuple[Run, ...]:
    return tuple(Run(name, name, harness=True) for name in names)


def _alone(name: str, arguments: str = "", module: str = "") -> Run:
    return Run(name, module or name, tuple(arguments.split()))


PARTS: dict[str, tuple[Run, ...]] = {
    "Writes, the log and its files": (
        *_side_by_side("put", "put_many", "open_file"),
        _alone("open_shared"),
        *_side_by_side("replay", "memory", "fork", "snapshot", "digest", "proofs"),
        _alone("quick_start", f"--rows 1000000 --vectors 1000000 --data {FOLDER}"),
    ),
    "Reads, batches and training sets": (
        *_side_by_side("get", "as_of", "batch", "wide", "training"),
        _alone("sharing"),
        _alone("load"),
    ),
    "Similarity search": (
        _alone("vector_search", f"--data {FOLDER} --size 1000000 --queries 400 --rounds 2 --peers {PEERS}"),
        _alone("vector_growth", f"--size 100000 --parts scaling {FEW}", "vector_search"),
        _alone("vector_puts"),
    ),
    "Transformations": (*_side_by_side("pipelines"), _alone("pipelines_shared")),
    "Experiments": _side_by_side("experiments"),
    "Audit, lineage, what-if and erasure": _side_by_side("audit", "lineage", "what_if", "erasure"),
    "Exchange, serving, hooks and shared ledgers": (
        *_side_by_side("interop", "exporting", "observability"),
        _alone("serving"),
        _alone("scaling"),
    ),
    "Growth and faults": (
        _alone("soak", "--rows 10000000 --entities 1000000"),
        _alone("soak_leaks", "--leaks", "soak"),
        _alone("crash", "--kills 300"),
        _alone("faults", "--cuts 300"),
        _alone("concurrency", "--seconds 60"),
        _alone("fuzz", "--minutes 3"),
    ),
}
RUNS = tuple(run for runs in PARTS.values() for run in runs)
