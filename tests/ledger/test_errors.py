"""Errors: one root, a stable name, the rule and the values that broke it."""

from __future__ import annotations

import copy
import pickle

import pytest

import ledger
from ledger import (
    DefinitionError,
    InvalidCells,
    InvalidInput,
    InvalidTime,
    NotInLog,
    StoreError,
    UnknownName,
    VectorDBError,
    errors,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VectorDBError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_one_root_a_stable_name_and_its_values(kind: type[VectorDBError]) -> None:
    error = kind("a rule")
    assert isinstance(error, VectorDBError)
    assert error.code == kind.__name__
    assert error.rule == "a rule"
    assert str(error).startswith("a rule")
    assert getattr(ledger, kind.__name__) is kind


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not InvalidCells], ids=lambda kind: kind.__name__)
def test_an_error_shows_the_values_that_broke_the_rule(kind: type[VectorDBError]) -> None:
    assert str(kind("a rule", value="x", limit=3)) == "a rule (value='x', limit=3)"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_travel_between_processes(kind: type[VectorDBError]) -> None:
    values = {"cells": [{"value": 1}] * 12, "count": 12} if kind is InvalidCells else {"value": [1]}
    error = kind("a rule", **values)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is kind
        assert (str(other), other.values) == (str(error), error.values)
        assert getattr(other, "count", 0) == getattr(error, "count", 0)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidInput, ValueError),
        (InvalidTime, ValueError),
        (UnknownName, KeyError),
        (NotInLog, LookupError),
        (StoreError, OSError),
    ],
)
def test_errors_are_caught_as_the_builtin_that_users_expect(
    kind: type[VectorDBError], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)
    assert str(kind("a rule", name="x")) == "a rule (name='x')"


def test_a_refusal_lists_up_to_ten_bad_cells_and_counts_all() -> None:
    cells = [{"value": place} for place in range(25)]
    error = InvalidCells("every cell obeys its type", cells=cells)
    assert (error.cells, error.count) == (cells[:10], 25)
    assert InvalidCells("a rule", cells=cells[:10], count=99).count == 99
    assert error.values == {"count": 25, "cells": cells[:10]}


def test_a_long_value_is_shortened_in_the_text_alone() -> None:
    error = InvalidInput("a rule", value="x" * 5000)
    assert len(str(error)) < 300
    assert "(5002 characters)" in str(error)
    assert error.values["value"] == "x" * 5000


def test_the_tree_in_the_docstring_names_every_error() -> None:
    for kind in KINDS:
        assert kind.__name__ in str(errors.__doc__)
    assert issubclass(UnknownName, DefinitionError)
