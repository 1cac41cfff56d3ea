"""All benchmarks: ``python -m tests.bench`` prints the table for the README."""

from __future__ import annotations

from tests.bench import (
    as_of,
    audit,
    batch,
    digest,
    erasure,
    experiments,
    exporting,
    fork,
    get,
    interop,
    lineage,
    memory,
    observability,
    open_file,
    pipelines,
    proofs,
    put,
    put_many,
    replay,
    snapshot,
    training,
    vector_search,
    what_if,
    wide,
)
from tests.bench.report import main

READING = (get, batch, interop, pipelines, training, as_of, wide, vector_search, experiments, lineage, audit)
OPERATING = (observability, exporting)
WRITING = (put, put_many, open_file, replay, memory, fork, what_if, erasure, digest, proofs, snapshot)
MODULES = (*WRITING, *READING, *OPERATING)
BUILDS = [build for module in MODULES for build in module.BUILDS]

if __name__ == "__main__":
    main(BUILDS)
