"""The lines that the README shows: their names there, the run, and a text that only their operation has in it."""

from __future__ import annotations

OF_DESCRIPTORS = "10 nearest of descriptors, 1,000,000 x 128 uint8, euclidean, recall@10 of"
REOPENED = "reopen 1,000,000 rows and 1,000,000 x 128 vectors: checkpoint"

HEADLINES = (
    ("`put`, ten floats, in memory", "put", "10 floats"),
    ("`put_many` of columns, new entities", "put_many", "list columns, new entities"),
    ("open a file of single-row events", "open_file", "open a file, single-row"),
    ("open a file of batches", "open_file", "open a file, bulk"),
    ("reopen 1,000,000 rows and an index of 1,000,000 vectors", "quick_start", REOPENED),
    ("memory, single-row events of ten floats", "memory", "single-row"),
    ("`view.get`, any of 100,000 entities", "get", "get, uniform"),
    ("the same, its ten values read", "get", "get and read 10 values, uniform"),
    ("`service.get`, any of 100,000 entities", "get", "service.get, statuses right, uniform"),
    ("`get` as of any offset, 1,000 versions an entity", "as_of", "as-of get"),
    ("`get_many` of 100, rows of ten features", "batch", "get_many of 100 random"),
    ("`get_many` of 1,000", "batch", "get_many of 1,000 random"),
    ("`get_many` of 1,000, against single reads", "batch", "against as many single"),
    ("`get_many` of 100, beside Feast", "batch", "100 ids, beside Feast"),
    ("`training_set`, 100,000 moments, 1,000,000 versions", "training", "training_set"),
    ("10 nearest of 1,000,000 x 128, recall@10 of .95", "vector_search", f"{OF_DESCRIPTORS} 0.95"),
    ("the same at .99", "vector_search", f"{OF_DESCRIPTORS} 0.99"),
    ("a filter keeps 0.5 %", "vector_search", "drawn in a range, 0.5"),
    ("as of the middle of the log", "vector_search", "as of the middle of the load"),
    ("build that index, one thread", "vector_search", "build the index of descriptors"),
    ("10 nearest of 10,000 x 10,000", "vector_growth", "10,000 x 10000,"),
    ("`get_many` of 1,000 with imputer, scaler, one-hot", "pipelines", "get_many of 1,000, 8 floats + 2 categories"),
    ("the same, floats alone", "pipelines", "get_many of 1,000, 8 floats:"),
    ("transform one row, beside scikit-learn", "pipelines", "transform 1 rows"),
    ("`assign`", "experiments", "assign, ids in ASCII"),
    ("analysis of 1,000,000 units", "experiments", "at the head"),
    ("`bisect` over 1,000,000 events", "audit", "bisect"),
    ("`explain` a prediction of ten features", "audit", "explain a prediction"),
    ("predictor: read, predict, record", "serving", "predictor, prediction and exposure recorded, single"),
    ("what an experiment adds to it", "serving", "adds to a predictor, prediction and exposure recorded, single"),
    ("HTTP (uvicorn), a row of a view", "serving", "uvicorn, 4 clients on loopback: row of a view"),
    ("four writers and four followers of one ledger", "scaling", "psycopg"),
    ("`get` while 10,000,000 events are written", "soak", "`get` in"),
    ("kills", "crash", "SIGKILL"),
)  # fmt: skip
