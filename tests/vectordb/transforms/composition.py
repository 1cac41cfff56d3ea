"""What tests of composed transformers share: data of several kinds, and closeness to scikit-learn."""

from __future__ import annotations

import random
from math import isclose, nan
from typing import Any

from tests.vectordb.transforms.agreement import bits, failed_checks, holds, same_bits, three_ways

__all__ = ["bits", "close", "failed_checks", "holds", "listed", "mixed", "numbers", "same_bits", "three_ways"]

WORDS = ["rome", "oslo", "lima", "'; import os", 'a"b\n{0}']
ULP = 2.0**-52


def numbers(seed: int, rows: int = 40, width: int = 4, missing: float = 0.1) -> list[list[float]]:
    """Columns at several scales, the last one constant; NaN here and there."""
    rng = random.Random(seed)
    scales = [rng.choice([1e-3, 1.0, 1e3, 1e8]) for _ in range(width)]
    made = [[rng.gauss(scale, scale) for scale in scales[:-1]] + [2.5] for _ in range(rows)]
    return [[nan if rng.random() < missing else value for value in row] for row in made]


def mixed(seed: int, rows: int = 40) -> dict[str, list[Any]]:
    """Columns of two floats, an int, a bool and two categories, by name."""
    rng = random.Random(seed)
    return {
        "age": [rng.uniform(18, 80) for _ in range(rows)],
        "pay": [rng.choice([nan, rng.expovariate(1e-4)]) for _ in range(rows)],
        "trips": [rng.randrange(50) for _ in range(rows)],
        "active": [rng.random() < 0.5 for _ in range(rows)],
        "city": [rng.choice(WORDS) for _ in range(rows)],
        "kind": [rng.choice("xyz") for _ in range(rows)],
    }


def listed(columns: dict[str, list[Any]]) -> list[list[Any]]:
    """Rows of columns."""
    return list(map(list, zip(*columns.values())))


def close(one: Any, other: Any) -> bool:
    """Whether two tables have the same shape, and numbers within 1e-12; what is no number is equal.

    Where a mean was taken off, what is left of two numbers of size 1 differs by a few of their last bits.
    """
    first, second = list(map(list, one)), list(map(list, other))
    if list(map(len, first)) != list(map(len, second)):
        return False
    return all(_near(a, b) for left, right in zip(first, second) for a, b in zip(left, right))


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    one, other = float(one), float(other)
    return (one != one and other != other) or isclose(one, other, rel_tol=1e-12, abs_tol=64 * ULP)
