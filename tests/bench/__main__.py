"""All benchmarks: ``python -m tests.bench`` prints the table for the README."""

from __future__ import annotations

from tests.bench import (
    as_of,
    batch,
    digest,
    fork,
    get,
    memory,
    open_file,
    put,
    put_many,
    replay,
    snapshot,
    training,
    vector_search,
)
from tests.bench.report import main

MODULES = (put, put_many, open_file, get, batch, training, as_of, replay, memory, fork, digest, snapshot, vector_search)
BUILDS = [build for module in MODULES for build in module.BUILDS]

if __name__ == "__main__":
    main(BUILDS)
