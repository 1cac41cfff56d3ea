"""The table of operations is whole: every public method is in it, or says here why not."""

from __future__ import annotations

import types

import pytest

from vectordb.audit import Audit
from vectordb.database import VectorDB
from vectordb.experiments import LiveExperiment
from vectordb.exporting import Export
from vectordb.lineage import LineageGraph
from vectordb.observability import OPERATIONS
from vectordb.services.live_service import LiveService
from vectordb.transaction import Transaction
from vectordb.views.indexing import VectorIndex
from vectordb.views.live_view import LiveView
from vectordb.what_if import WhatIf

HANDLES = {"view", "service", "experiment", "model", "transaction", "what_if", "observe", "index", "projection"}
LISTS = {"views", "services", "experiments", "models", "training_sets", "marks"}
LAZY = {"events", "subscribe", "wait", "neighbours", "follow", "lag", "table"}
PARTS = {  # what the operations themselves are made of
    "clock", "pinned", "consistently", "plan", "packed", "row", "read_row", "gathered", "written_entities",
    "found_entities", "count", "service_row", "transformed_row", "fitted_pipeline", "quick", "quick_many",
    "service_definition", "model_definition",
}  # fmt: skip
OF_INDEX = {"wait", "drop", "stats"}
BUILDING = {"drop", "edit", "add", "swap", "fit_on", "view"}  # before what_if.run, transaction.commit
EXEMPT = {
    VectorDB: HANDLES | LISTS | LAZY | PARTS,
    LiveView: HANDLES | LAZY,
    VectorIndex: OF_INDEX,
    WhatIf: BUILDING,
    Transaction: BUILDING,
}
METHODS = (types.FunctionType, classmethod)


KINDS = [
    VectorDB, LiveView, LiveService, LiveExperiment, Audit, LineageGraph, Export, VectorIndex, Transaction, WhatIf,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_method_is_an_operation_or_exempt(kind: type) -> None:
    public = {
        name
        for base in kind.__mro__
        if base.__module__.startswith("vectordb.")
        for name, found in vars(base).items()
        if not name.startswith("_") and isinstance(found, METHODS)
    }
    told = {one.method for one in OPERATIONS if issubclass(kind, one.owner)}
    exempt = EXEMPT.get(kind, set())
    assert public - told - exempt == set()
    assert told & exempt == set()


def test_each_is_a_method_of_its_owner_and_named_once() -> None:
    assert all(one.method in vars(one.owner) for one in OPERATIONS)
    keys = [(one.owner, one.method) for one in OPERATIONS]
    assert len(keys) == len(set(keys))
    names = [one.name for one in OPERATIONS]
    assert len(names) == len(set(names))


def test_no_subclass_hides_an_operation() -> None:
    """What a subclass overrides would have to be wrapped there too."""
    kinds = {one.owner for one in OPERATIONS}
    hidden = [
        (kind, one.name)
        for one in OPERATIONS
        for kind in kinds
        if kind is not one.owner and issubclass(kind, one.owner) and one.method in vars(kind)
    ]
    assert hidden == []
