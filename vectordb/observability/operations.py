"""Operations: every public call that a hook is told of, by name.

    db.*  view.*  index.*  service.*  experiment.*  audit.*  lineage.*  export.*  transaction.commit  what_if.run

Not told: what gives a handle or a name (``db.view``, ``view.features``), and what waits or is lazy
(``db.wait``, ``db.subscribe``, ``db.events``; ``view.neighbours``, whose searches are told one by one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from vectordb.audit import Audit
from vectordb.database import VectorDB
from vectordb.defining import Defining
from vectordb.experiments import Experiment, LiveExperiment
from vectordb.experiments.questions import Questions
from vectordb.exporting import Export
from vectordb.lineage import LineageGraph
from vectordb.observability.forwarder import OF_HANDLE
from vectordb.reader import Reader
from vectordb.recording import Recording
from vectordb.services.live_service import LiveService
from vectordb.services.service import Service
from vectordb.transaction import Transaction
from vectordb.views.indexing import VectorIndex
from vectordb.views.live_view import LiveView
from vectordb.views.view import View
from vectordb.what_if import WhatIf

Collection = Callable[["tuple[Any, ...]", "Mapping[str, Any]"], Any]


class Operation(NamedTuple):
    """One method: its name, and how what is told of a call is found.

    ``reader`` gives the database or past that was asked (None of class methods), ``collection`` the view, service or
    experiment, ``batch`` and ``returned`` count rows of an answer.
    """

    owner: type
    method: str
    name: str
    reader: Any
    collection: Collection
    batch: Callable[[Any], int] | None
    returned: Callable[[Any], int] | None
    evaluates: bool


def _rows_written(receipt: Any) -> int:
    rows: int = receipt.event.rows
    return rows


def _pairs(answer: Any) -> int:
    return sum(map(len, answer))  # ints


def _found(row: Any) -> int:
    return 1 if row.found else 0


_ROWS: Final = attrgetter("rows")
BATCHES: Final[Mapping[str, Callable[[Any], int]]] = {
    "view.get_many": len,
    "view.put_many": _rows_written,
    "view.load": _ROWS,
    "view.search_many": len,
    "service.get_many": len,
    "service.training_set": len,
    "experiment.assign_many": len,
    "experiment.expose_many": len,
    "experiment.record_many": lambda receipt: len(receipt.event.fact.outcomes),
    "db.record_predictions": len,
    "transaction.commit": _rows_written,
}
RETURNED: Final[Mapping[str, Callable[[Any], int]]] = {
    "view.get": _found,
    "view.history": len,
    "view.entities": len,
    "view.search": len,
    "view.search_many": _pairs,
    "experiment.select": len,
    "experiment.exposures": len,
    "db.predictions": len,
    "audit.changes": len,
    "export.log": _ROWS,
    "export.view": _ROWS,
    "export.history": _ROWS,
    "export.training_set": _ROWS,
    "export.lineage": _ROWS,
    "export.tallies": _ROWS,
}


def _itself(target: Any) -> Any:
    return target


def _none(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    return None


def _own_name(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    return arguments[0].name


def _given(name: str) -> Collection:
    """The first argument, by place or by its name."""

    def collection(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        return arguments[1] if len(arguments) > 1 else options.get(name)

    return collection


def _group(owner: type, noun: str, methods: str, reader: Any, collection: Collection) -> list[Operation]:
    found = []
    for method in methods.split():
        name = f"{noun}.{_SAID.get(method, method)}"
        counts = BATCHES.get(name), RETURNED.get(name)
        evaluates = name in ("experiment.expose", "experiment.expose_many")
        found.append(Operation(owner, method, name, reader, collection, *counts, evaluates))
    return found


_SAID: Final = {"_commit": "commit", "__len__": "count"}
_DB: Final = attrgetter("_db")
_DEFINE: Final = "create_view create_service create_model create_experiment"
_READ: Final = "as_of prediction predictions reproduce version event digest training_set_record"
_RECORD: Final = "record_prediction record_predictions record_training_set"
_WRITE: Final = "compact fork refresh snapshot checkpoint check close"
_EXPERIMENT: Final = "ramp reweight reallocate force unforce stop resume restart_buckets"
_AUDIT: Final = """explain changes bisect diff what_if verify root tree_head proof consistency bundle kit
    blast_radius unfounded"""

OPERATIONS: Final = (
    *_group(VectorDB, "db", "open connect replay", None, _none),
    *_group(Defining, "db", _DEFINE, _itself, _given("name")),
    *_group(Defining, "db", "mark", _itself, _none),
    *_group(Recording, "db", _RECORD, _itself, _none),
    *_group(VectorDB, "db", _WRITE, _itself, _none),
    *_group(VectorDB, "db", "erase", _itself, _given("view")),
    *_group(Reader, "db", _READ, _itself, _none),
    *_group(View, "view", "get get_many history search search_many", OF_HANDLE, _own_name),
    *_group(View, "view", "statistics drift entities __len__", OF_HANDLE, _own_name),
    *_group(LiveView, "view", "put put_many delete load", OF_HANDLE, _own_name),
    *_group(VectorIndex, "index", "build", attrgetter("_view._reader"), lambda given, _: given[0]._view.name),
    *_group(Service, "service", "get get_many training_set parity pipeline_drift", OF_HANDLE, _own_name),
    *_group(LiveService, "service", "fit", OF_HANDLE, _own_name),
    *_group(Experiment, "experiment", "assign assign_many select dry_run exposures history", OF_HANDLE, _own_name),
    *_group(Questions, "experiment", "analyze effects scorecard uncounted reallocation", OF_HANDLE, _own_name),
    *_group(LiveExperiment, "experiment", "expose expose_many record record_many", OF_HANDLE, _own_name),
    *_group(LiveExperiment, "experiment", _EXPERIMENT, OF_HANDLE, _own_name),
    *_group(Audit, "audit", _AUDIT, OF_HANDLE, _none),
    *_group(LineageGraph, "lineage", "upstream downstream definitions paths", OF_HANDLE, _none),
    *_group(LineageGraph, "lineage", "impact cone openlineage", OF_HANDLE, _none),
    *_group(Export, "export", "log training_set lineage tallies everything", OF_HANDLE, _none),
    *_group(Export, "export", "view history", OF_HANDLE, _given("name")),
    *_group(Transaction, "transaction", "_commit", _DB, _none),
    *_group(WhatIf, "what_if", "run", _DB, _none),
)
