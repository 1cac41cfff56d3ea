"""PolynomialFeatures against scikit-learn's, in three ways, and through its file."""

from __future__ import annotations

import random
from math import nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    INFINITE,
    changed,
    failed_checks,
    holds,
    same_bits,
    sample,
    stored,
)
from vectordb.transforms import Pipeline, PolynomialFeatures, StandardScaler, from_sklearn, loads, to_sklearn

PARAMETERS = [
    {},
    {"degree": 0},
    {"degree": 1},
    {"degree": 3},
    {"degree": 5, "include_bias": False},
    {"degree": (0, 2)},
    {"degree": (1, 3)},
    {"degree": (2, 3)},
    {"degree": [3, 4], "include_bias": False},
    {"degree": 2, "interaction_only": True},
    {"degree": (2, 4), "interaction_only": True},
    {"degree": 9, "interaction_only": True, "include_bias": False},
    {"degree": 2, "order": "F"},
]


def judge(rows, **parameters):
    """scikit-learn's, fitted."""
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    return preprocessing.PolynomialFeatures(**parameters).fit(numpy.array(rows))


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("width", [1, 2, 4])
def test_agrees_with_sklearn(parameters, width):
    numpy = pytest.importorskip("numpy")
    rows = [row[:width] for row in sample(width, 20, missing=0.0)]
    if parameters.get("interaction_only") and parameters["degree"] == (2, 4) and width == 1:
        parameters = {**parameters, "degree": (1, 4)}
    theirs, own = judge(rows, **parameters), PolynomialFeatures(**parameters).fit(rows)
    made = holds(own, rows)
    assert same_bits(made, theirs.transform(numpy.array(rows)).tolist())
    assert own.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    assert own.powers_ == tuple(map(tuple, theirs.powers_.tolist()))
    assert own.n_output_features_ == theirs.n_output_features_ == len(own.powers_)
    taken = from_sklearn(theirs)
    assert same_bits(holds(taken, rows), made)
    assert same_bits(to_sklearn(own).transform(numpy.array(rows)).tolist(), made)


@pytest.mark.parametrize("name", [name for name in EXTREMES if name not in ("missing", "huge")])
def test_extremes(name):
    numpy = pytest.importorskip("numpy")
    rows = EXTREMES[name]
    wanted = judge(rows, degree=3).transform(numpy.array(rows)).tolist()
    assert same_bits(holds(PolynomialFeatures(3).fit(rows), rows), wanted)


def test_names():
    own = PolynomialFeatures(3).fit({"age": [1.0], "price": [2.0]})
    assert own.get_feature_names_out() == [
        "1", "age", "price", "age^2", "age price", "price^2", "age^3", "age^2 price", "age price^2", "price^3",
    ]  # fmt: skip
    assert own.get_feature_names_out(["age", "price"])[4] == "age price"
    assert PolynomialFeatures(1).fit([[1.0]]).get_feature_names_out() == ["1", "x0"]
    assert own.transform_one({"price": 2.0, "age": 3.0})[4] == 6.0


@pytest.mark.parametrize(
    "parameters",
    [
        {"degree": -1},
        {"degree": 1.5},
        {"degree": True},
        {"degree": "2"},
        {"degree": None},
        {"degree": (1, 2, 3)},
        {"degree": (3, 2)},
        {"degree": (-1, 2)},
        {"degree": (1, 2.0)},
        {"degree": {1: 2, 2: 3}},
        {"degree": 0, "include_bias": False},
        {"degree": (0, 0), "include_bias": False},
        {"degree": (3, 4), "interaction_only": True, "include_bias": False},
        {"degree": 10**9},
        {"degree": 400},
        {"order": "K"},
        {"interaction_only": 1},
        {"include_bias": "no"},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        PolynomialFeatures(**parameters).fit([[1.0, 2.0]])


def test_values_refused():
    own = PolynomialFeatures().fit([[1.0, 2.0]])
    for row in [*INFINITE, [nan, 1.0], [None, 1.0], ["a", 1.0]]:
        with pytest.raises(InvalidInput):
            PolynomialFeatures().fit([row])
        with pytest.raises(InvalidInput):
            own.transform_one(row)
    chain = Pipeline([("scale", StandardScaler()), ("products", PolynomialFeatures())]).fit({"age": [1.0, 2.0]})
    with pytest.raises(CannotTransform, match=r"NaN.*age"):
        chain.transform_one([nan])
    with pytest.raises(InvalidInput, match="inverse"):
        own.inverse_transform([[1.0] * 6])


def test_malformed_files():
    own = PolynomialFeatures().fit([[1.0, 2.0]])
    for fields in ({"n_output_features_": 7}, {"n_output_features_": "6"}, {"n_features_in_": 3}):
        with pytest.raises(InvalidInput, match="n_output_features_"):
            changed(own, **fields)
    text = '{"type": "PolynomialFeatures", "parameters": {"degree": 1000000000}, "fitted": %s}'
    fitted = '{"n_features_in_": 50000, "feature_names_in_": null, "n_output_features_": 1}'
    with pytest.raises(InvalidInput, match="too large"):
        loads(text % fitted)


def test_in_a_chain():
    """Products of many factors are made of shorter ones."""
    rng = random.Random(1)
    rows = [[rng.gauss(0, 1), rng.gauss(5, 2)] for _ in range(12)]
    chain = Pipeline([("scale", StandardScaler()), ("products", PolynomialFeatures((2, 30), include_bias=False))])
    made = holds(chain.fit(rows), rows)
    assert len(made[0]) == 31 * 32 // 2 - 3
    assert same_bits(stored(chain).transform(rows), made)
    wide = PolynomialFeatures(2).fit([[float(place) for place in range(60)]])
    assert len(holds(wide, [[1.5] * 60])[0]) == wide.n_output_features_ == 1891


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(PolynomialFeatures()) == []
    assert failed_checks(PolynomialFeatures((1, 3), interaction_only=True, include_bias=False)) == []
