"""What tests of encoders share: bits, the three ways to run one definition, and the stored form."""

from __future__ import annotations

import json
import pickle
from struct import pack
from typing import Any

from vectordb.transforms import Transformer, dumps, loads
from vectordb.transforms.table import read_table


def bits(value: Any) -> Any:
    """What tells two values apart to the last bit; NaN is NaN."""
    if isinstance(value, float):
        return "nan" if value != value else pack(">d", value).hex()
    return type(value).__name__, value


def same_bits(one: Any, other: Any) -> bool:
    """Whether rows of values are the same."""
    return [list(map(bits, row)) for row in one] == [list(map(bits, row)) for row in other]


def three_ways(transformer: Transformer, rows: Any) -> list[list[Any]]:
    """The transformed rows, which are the same whichever way they are made."""
    table = read_table(rows, "test")
    listed = list(map(list, zip(*table.columns)))
    made = [list(row) for row in transformer.transform(listed)]
    fused = transformer._compile(table.labels, table.kinds).fused
    assert same_bits(made, fused.rows(listed))
    assert same_bits(made, [fused.row(row) for row in listed])
    assert same_bits(made, [transformer.transform_one(row) for row in listed])
    packed = [pack(f"={len(row)}d", *row) for row in made]
    assert [fused.packed(row) for row in listed] == packed == fused.packed_rows(listed)
    assert same_bits(made, pickle.loads(pickle.dumps(fused)).rows(listed))
    return made


def stored(transformer: Transformer) -> Transformer:
    """The transformer after a way through its file, whose form stays the same."""
    text = dumps(transformer)
    made = loads(text)
    assert dumps(made) == text
    assert json.loads(text) == json.loads(json.dumps(transformer.to_dict()))
    return made


def failed_checks(transformer: Transformer) -> list[str]:
    """The names of scikit-learn's checks that fail."""
    import warnings

    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class does not inherit BaseEstimator; unknown categories
        results = check_estimator(transformer, on_fail=None, on_skip=None)
    assert results
    return [f"{result['check_name']}: {result['exception']!r}" for result in results if result["status"] == "failed"]
