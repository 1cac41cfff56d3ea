"""What tests of composed transformers share: data, closeness to scikit-learn, and what holds of every fitted one."""

from __future__ import annotations

import pickle
import random
import warnings
from math import isclose, nan
from struct import pack
from typing import Any

from vectordb.transforms import Transformer, dumps, loads
from vectordb.transforms.table import read_table

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
    """Whether two tables have the same shape, and numbers within 1e-12 or 4 ulp; what is no number is equal."""
    first, second = list(map(list, one)), list(map(list, other))
    if list(map(len, first)) != list(map(len, second)):
        return False
    return all(_near(a, b) for left, right in zip(first, second) for a, b in zip(left, right))


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    one, other = float(one), float(other)
    return (one != one and other != other) or isclose(one, other, rel_tol=1e-12, abs_tol=4 * ULP)


def bits(value: Any) -> Any:
    """What tells two values apart to the last bit; NaN is NaN."""
    if isinstance(value, float):
        return "nan" if value != value else pack(">d", value).hex()
    return type(value).__name__, value


def same_bits(one: Any, other: Any) -> bool:
    """Whether rows of values are the same."""
    return [list(map(bits, row)) for row in one] == [list(map(bits, row)) for row in other]


def three_ways(transformer: Transformer, given: Any) -> list[list[Any]]:
    """The transformed rows, which are the same whichever way they are made."""
    table = read_table(given, "test")
    rows = list(map(list, zip(*table.columns)))
    made = [list(row) for row in transformer.transform(rows)]
    compiled = transformer._compile(table.labels, table.kinds)
    fused = compiled.fused
    assert same_bits(made, fused.rows(rows))
    assert same_bits(made, map(fused.row, rows))
    assert same_bits(made, map(transformer.transform_one, rows))
    assert same_bits(made, pickle.loads(pickle.dumps(fused)).rows(rows))
    if compiled.is_numeric:
        packed = [pack(f"={len(row)}d", *row) for row in made]
        assert [fused.packed(row) for row in rows] == packed == fused.packed_rows(rows)
    return made


def holds(transformer: Transformer, given: Any) -> list[list[Any]]:
    """The transformed rows; asserts that all ways to run it, and what its file brings back, have the same bits."""
    made = three_ways(transformer, given)
    assert same_bits(made, transformer.transform(given))
    text = dumps(transformer)
    again = loads(text)
    assert dumps(again) == text
    assert same_bits(made, again.transform(given))
    assert again.get_feature_names_out() == transformer.get_feature_names_out()
    assert len(made[0]) == len(transformer.get_feature_names_out())
    return made


def failed_checks(estimator: Any, **expected: str) -> list[str]:
    """The names of scikit-learn's checks that fail, without those that are expected to, for a reason."""
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class does not inherit BaseEstimator
        found = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    failed = [one for one in found if one["status"] == "failed"]
    return [f"{one['check_name']}: {one['exception']!r}" for one in failed]
