"""digest: the chain over every event of a log in memory, computed on first use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from tests.bench.data import entities_of, filled, make_puts
from tests.bench.harness import Benchmark, Candidate
from tests.bench.report import main

SIZE = 100_000


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Single-row events of ten floats."""
    db = filled(size, entities_of(size))
    puts = list(make_puts(size, entities_of(size)))
    dumps = json.JSONEncoder(separators=(",", ":")).encode

    def floor(_: None) -> bytes:
        previous = bytes(32)
        for entity, values in puts:
            previous = sha256(previous + dumps([entity, list(values.values())]).encode()).digest()
        return previous

    yield Benchmark(
        "digest of the head",
        "events/s",
        [
            Candidate(
                "ours",
                "every event's line rendered and hashed, each digest binding the one before",
                size,
                lambda _: db.digest(),
                lambda: db.state.log.chain.cut(0),
                lambda _, digest: len(digest),
            ),
            Candidate(
                "hashlib",
                "SHA-256 chained over json.dumps of a list of the values: the floor",
                size,
                floor,
                answer=lambda _, digest: len(digest.hex()),
            ),
        ],
        predicted=200_000,
        repeats=3,
    )
    db.close()


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
