"""What tests of transformers of numbers share: bits, closeness to a judge, the ways to run one, and the stored form."""

from __future__ import annotations

import json
import pickle
import random
import warnings
from collections.abc import Iterable
from math import inf, isclose, nan
from struct import pack
from typing import Any

import pytest

from ledger import InvalidInput
from vectordb.transforms import Transformer, dumps, loads, transformer_from_dict
from vectordb.transforms.table import read_table


def bits(value: Any) -> Any:
    """What tells two values apart to the last bit; NaN is NaN."""
    if isinstance(value, float):
        return "nan" if value != value else pack(">d", value).hex()
    return type(value).__name__, value


def same_bits(one: Iterable[Iterable[Any]], other: Iterable[Iterable[Any]]) -> bool:
    """Whether rows of values are the same."""
    return [list(map(bits, row)) for row in one] == [list(map(bits, row)) for row in other]


def near(one: Any, other: Any, slack: float = 0.0) -> bool:
    """Whether two values are within 1e-12 relative, four of the smallest steps, or ``slack``; NaN is near NaN."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    one, other = float(one), float(other)
    return (one != one and other != other) or isclose(one, other, rel_tol=1e-12, abs_tol=max(slack, 4 * 5e-324))


def close(one: Iterable[Iterable[Any]], other: Iterable[Iterable[Any]], slack: float = 0.0) -> bool:
    """Whether two tables have the same shape and near values."""
    first, second = list(map(list, one)), list(map(list, other))
    if list(map(len, first)) != list(map(len, second)):
        return False
    return all(near(a, b, slack) for left, right in zip(first, second) for a, b in zip(left, right))


def three_ways(transformer: Transformer, given: Any) -> list[list[Any]]:
    """The transformed rows, which are the same whichever way they are made."""
    table = read_table(given, "test")
    rows = list(map(list, zip(*table.columns)))
    made = [list(row) for row in transformer.transform(given)]
    assert same_bits(made, transformer.transform(rows))
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


def stored(transformer: Transformer) -> Transformer:
    """The transformer after a way through its file, whose form stays the same."""
    text = dumps(transformer)
    made = loads(text)
    assert dumps(made) == text
    assert made.get_feature_names_out() == transformer.get_feature_names_out()
    return made


def holds(transformer: Transformer, given: Any) -> list[list[Any]]:
    """The transformed rows; all ways to run it, and what its file brings back, have the same bits."""
    made = three_ways(transformer, given)
    assert same_bits(made, three_ways(stored(transformer), given))
    assert {len(row) for row in made} == {len(transformer.get_feature_names_out())}
    return made


def changed(transformer: Transformer, **fitted: Any) -> Transformer:
    """What is loaded from the file of a transformer in which some learnt attributes are others."""
    plain = json.loads(dumps(transformer))
    assert set(fitted) <= set(plain["fitted"])
    plain["fitted"].update(fitted)
    return transformer_from_dict(plain)


def refuses_changed(transformer: Transformer, **fitted: Any) -> None:
    """A file with other learnt attributes is refused, and the place in it is named."""
    with pytest.raises(InvalidInput) as refused:
        changed(transformer, **fitted)
    assert refused.value.values["place"].startswith("transformer.fitted")


def refuses_infinities_and_words(kind: type[Transformer]) -> None:
    """A transformer of numbers refuses what is none, and rows of another length, in every way to run it."""
    for rows in (*([row] for row in INFINITE), [["a", "b"]], [[1.0, 10**400]]):
        with pytest.raises(InvalidInput):
            kind().fit(rows)
    own = kind().fit([[1.0], [2.0]])
    for row in ([inf], ["a"], [10**400], [1.0, 2.0], []):
        with pytest.raises(InvalidInput):
            own.transform([row])
        with pytest.raises(InvalidInput):
            own.transform_one(row)


def failed_checks(transformer: Any, **expected: str) -> list[str]:
    """scikit-learn's checks that fail, without those that are expected to, each for a reason."""
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class does not inherit BaseEstimator
        found = check_estimator(transformer, on_fail=None, on_skip=None, expected_failed_checks=expected)
    assert found
    return [f"{one['check_name']}: {one['exception']!r}" for one in found if one["status"] == "failed"]


def sample(seed: int, rows: int = 50, missing: float = 0.1) -> list[list[float]]:
    """Columns at several scales, whole numbers, a constant, a near-constant at 1e8, and zeros; NaN here and there."""
    rng = random.Random(seed)
    makers = (
        lambda: rng.gauss(0, 1),
        lambda: rng.gauss(1e6, 1e3),
        lambda: rng.uniform(-1e-5, 1e-5),
        lambda: float(rng.randrange(-3, 4)),
        lambda: 2.5,
        lambda: 1e8 + rng.randrange(3) * 1e-7,
        lambda: 0.0,
        lambda: rng.lognormvariate(0, 3),
    )
    return [[nan if rng.random() < missing else make() for make in makers] for _ in range(rows)]


EXTREMES = {
    "single row": [[1.0, -2.0, 0.0]],
    "subnormal": [[5e-324, -1e-310, 0.0], [1e-323, 2e-310, 3e-320]],
    "huge": [[1e308, -1e308, 1.0], [1.5e308, -1.7e308, 2.0]],
    "constant": [[3.0, 0.0, -1e8]] * 4,
    "missing": [[nan, 1.0, 2.0], [3.0, 4.0, nan]],
    "signs of zero": [[0.0, -0.0, 1.0], [-0.0, -0.0, -1.0]],
}
INFINITE = [[inf, 1.0], [-inf, 1.0], [1.0, inf]]
