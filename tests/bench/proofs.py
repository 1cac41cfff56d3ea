"""proofs: appending to a file with a tree head kept, and one inclusion proof of a large log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from ledger import MerkleTree
from ledger.proofs.verification import leaf_hash, node_hash
from tests.bench.data import FLOATS, entities_of, make_puts, sample
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import VectorDB, verify_inclusion

EVENTS = 50_000
LEAVES = 1_000_000
EVERY = 1_000  # events between two tree heads
ASKED = 1_000  # proofs a round


def appending(size: int) -> Iterator[Benchmark]:
    """Single-row events of ten floats into a file ledger."""
    puts = list(make_puts(size, entities_of(size)))
    with TemporaryDirectory() as folder:
        yield Benchmark(
            "append to a file, with proofs",
            "puts/s",
            [
                _append("ours", f"put, and a tree head every {EVERY:,} events and at the end", folder, puts, EVERY),
                _append("at the end", "put, and one tree head after the last event", folder, puts, size),
                _append("without proofs", "put alone: the line with its chained digest", folder, puts, 0),
            ],
            bar=Bar(1.3, "within", "without proofs"),
            predicted=60_000,
        )


def _append(name: str, does: str, folder: str, puts: list[Any], every: int) -> Candidate:
    path = Path(folder, f"{name.replace(' ', '-')}.jsonl")

    def prepare() -> VectorDB:
        path.unlink(missing_ok=True)
        db = VectorDB.open(path, seed=1)
        db.create_view("drivers", entity="driver", features=FLOATS)
        return db

    def run(db: VectorDB) -> None:
        put, audit = db.view("drivers").put, db.audit
        for number, (entity, values) in enumerate(puts, 1):
            put(entity, values)
            if every and number % every == 0:
                audit.tree_head()
        if every:
            audit.tree_head()

    asked = sample(entities_of(len(puts)))
    return Candidate(
        name,
        does,
        len(puts),
        run,
        prepare,
        lambda db, _: [db.head, *(db.view("drivers").get(entity).to_dict() for entity in asked)],
        lambda db, _: db.close(),
    )


class AllNodes:
    """Every node of the tree of one size, in lists: 130 bytes a leaf. A node without a sibling moves up."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [list(map(leaf_hash, leaves))]
        while len(level := self.levels[-1]) > 1:
            above = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
            self.levels.append(above + level[len(level) & ~1 :])

    def inclusion(self, index: int) -> list[bytes]:
        """The siblings on the way up."""
        path = []
        for level in self.levels[:-1]:
            if (index ^ 1) < len(level):
                path.append(level[index ^ 1])
            index >>= 1
        return path


def proving(size: int) -> Iterator[Benchmark]:
    """Inclusion proofs of random leaves in the tree of all."""
    raw = Random(1).randbytes(32 * size)
    tree = MerkleTree(lambda start, stop: raw[32 * start : 32 * stop])
    nodes = AllNodes([raw[start : start + 32] for start in range(0, len(raw), 32)])
    root, random = tree.root(size).hex(), Random(2)
    asked = [random.randrange(size) for _ in range(ASKED)]
    proofs = [[found.hex() for found in tree.inclusion(index, size)] for index in asked]
    leaves = [raw[32 * index : 32 * index + 32].hex() for index in asked]
    yield Benchmark(
        "inclusion proof",
        "proofs/s",
        [
            Candidate("ours", "hashes of full subtrees of 16 leaves and more kept: 4 bytes a leaf", ASKED,
                      lambda _: [tree.inclusion(index, size) for index in asked], answer=lambda _, found: found),
            Candidate("all nodes", "every node kept: the floor", ASKED,
                      lambda _: [nodes.inclusion(index) for index in asked], answer=lambda _, found: found),
        ],
        predicted=15_000,
    )  # fmt: skip
    yield Benchmark(
        "verification of an inclusion proof",
        "proofs/s",
        [
            Candidate("ours", "hex to hashes to root, sizes checked", ASKED, lambda _: [
                verify_inclusion(leaf, index + 1, size, proof, root)
                for leaf, index, proof in zip(leaves, asked, proofs)], answer=lambda _, found: all(found)),
            Candidate("hashlib", "as many hashes of two known halves: the floor", ASKED,
                      lambda _: [node_hash(raw[:32], raw[32:64]) for proof in proofs for _ in proof],
                      answer=lambda _, found: True),
        ],
        predicted=30_000,
    )  # fmt: skip


BUILDS = [(appending, EVENTS), (proving, LEAVES)]

if __name__ == "__main__":
    main(BUILDS)
