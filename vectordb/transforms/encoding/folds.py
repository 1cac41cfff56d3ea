"""Folds: which rows a cross-fitted transformer learns from, and which it then transforms."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ledger import InvalidInput

Fold = tuple[list[int], list[int]]  # places of the rows to learn from, and of those to transform


def folds_of(cv: Any, rows: int, labels: Sequence[Any] | None, shuffle: bool, seed: Any) -> list[Fold]:
    """``cv`` folds, stratified by ``labels`` where there are some; or those that ``cv`` lists.

    Rows of a label are shuffled by ``random.Random(seed)`` and dealt to the folds in turn.
    """
    if not isinstance(cv, int):
        return _given(cv, rows)
    if cv > rows:
        raise InvalidInput(f"Cannot have number of splits n_splits={cv} greater than the number of samples: {rows}")
    places = _ordered(rows, labels, Random(seed) if shuffle else None)
    tests = [sorted(places[number::cv]) for number in range(cv)]
    return [(_without(test, rows), test) for test in tests]


def _ordered(rows: int, labels: Sequence[Any] | None, random: Random | None) -> list[int]:
    strata: dict[Any, list[int]] = {}
    for place in range(rows):
        strata.setdefault(None if labels is None else labels[place], []).append(place)
    for own in strata.values():
        if random is not None:
            random.shuffle(own)
    return [place for own in strata.values() for place in own]


def _without(test: Sequence[int], rows: int) -> list[int]:
    left = set(test)
    return [place for place in range(rows) if place not in left]


def _given(cv: Any, rows: int) -> list[Fold]:
    folds: list[Fold] = []
    for fold in cv:
        if not isinstance(fold, (list, tuple)) or len(fold) != 2:
            raise InvalidInput("a fold is (train, test), lists of places of rows", fold=fold)
        train, test = (_places(part, rows) for part in fold)
        folds.append((train, test))
    if sorted(place for _, test in folds for place in test) != list(range(rows)):
        rule = "Validation indices from `cv` must cover each sample index exactly once with no overlap."
        raise InvalidInput(rule, rows=rows)
    if not all(train for train, _ in folds):
        raise InvalidInput("a fold learns from at least one row")
    return folds


def _places(given: Any, rows: int) -> list[int]:
    listed = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(listed, (list, tuple)) or not all(type(place) is int and 0 <= place < rows for place in listed):
        raise InvalidInput("a fold has places of rows", rows=rows, places=given)
    return list(listed)
