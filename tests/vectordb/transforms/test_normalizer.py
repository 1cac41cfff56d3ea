"""Normalizer and Binarizer against scikit-learn's and against fractions; nothing is learnt."""

from __future__ import annotations

import pickle
from fractions import Fraction
from math import inf, isqrt, nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import close, failed_checks, holds, same_bits, sample, stored, three_ways
from vectordb.transforms import (
    Binarizer,
    Normalizer,
    Pipeline,
    StandardScaler,
    from_sklearn,
    to_sklearn,
    transformer_from_dict,
)
from vectordb.transforms.scaling.normalizer import ToLength

DEFINITIONS = [
    (Normalizer, {}),
    (Normalizer, {"norm": "l1"}),
    (Normalizer, {"norm": "max"}),
    (Binarizer, {}),
    (Binarizer, {"threshold": -0.5}),
    (Binarizer, {"threshold": 3}),
]


@pytest.mark.parametrize("kind, parameters", DEFINITIONS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_sklearn(kind, parameters, seed):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    small = [[value * 1e-17 for value in row[:3]] for row in sample(seed, missing=0.0)]
    for rows in (sample(seed, missing=0.0), sample(seed, rows=1, missing=0.0), [[0.0, -0.0]], [[3.0], [0.0]], small):
        other, own = getattr(preprocessing, kind.__name__)(**parameters).fit(numpy.array(rows)), kind(**parameters)
        made = three_ways(own, rows)
        assert close(made, other.transform(numpy.array(rows)))
        assert same_bits(made, holds(own.fit(rows), rows))
        assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
        for again in (from_sklearn(other), from_sklearn(getattr(preprocessing, kind.__name__)(**parameters))):
            assert same_bits(three_ways(again, rows), made)
            assert again.get_params() == own.get_params()
        assert close(to_sklearn(own).transform(numpy.array(rows)), made)
        assert close(to_sklearn(kind(**parameters)).transform(numpy.array(rows)), made)


ROWS = [
    [1e308, 1e308, -1e308],
    [1.7976931348623157e308] * 9,
    [1.7e308, 1.0, 1e-300],
    [1e200, -3e200, 0.0],
    [1e160, 1e-160, 2e160],
    [3.0, 4.0, 1e-200],
    [5e-324, 0.0],
    [1e-16, 1e-17],
    [2e-15, 2e-15],
    [-7.0],
    [0.1] * 30,
]


def length(row, norm):
    """The length of a row as a fraction, the root of squares to 60 digits."""
    sizes = [abs(Fraction(value)) for value in row]
    if norm == "l1":
        return sum(sizes)
    if norm == "max":
        return max(sizes)
    square = sum(size * size for size in sizes)
    shift = 2 * 10**60 * square.denominator
    return Fraction(isqrt(square.numerator * square.denominator * (shift // square.denominator) ** 2), 1) / (
        square.denominator * (shift // square.denominator)
    )


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[:3]))
def test_lengths_are_exact_whatever_their_size(norm, row):
    (made,) = three_ways(Normalizer(norm), [row])
    whole = length(row, norm)
    if whole < 10 * Fraction(2) ** -52:  # as scikit-learn has it
        assert made == row
        return
    for value, found in zip(row, made):
        wanted = Fraction(value) / whole
        assert abs(Fraction(found) - wanted) <= max(4 * Fraction(5e-324), abs(wanted) * Fraction(2) ** -50)


def test_missing_values_are_refused_by_name():
    for own in (Normalizer(), Binarizer()):
        for rows in ([[1.0, nan]], [[1.0, None]]):
            with pytest.raises(InvalidInput, match="NaN"):
                own.transform(rows)
            with pytest.raises(InvalidInput, match="NaN"):
                own.fit(rows)
        fused = own._compile(("age", "pay"), ("float", "number")).fused
        for row in ([nan, 1.0], [1.0, None], [1.0, nan]):
            with pytest.raises(CannotTransform, match="NaN") as refused:
                fused.row(row)
            assert refused.value.values["feature"] == ("pay" if row[0] == 1.0 else "age")
        chain = Pipeline([("scale", StandardScaler()), ("own", own)])
        with pytest.raises(CannotTransform, match="NaN"):
            chain.fit([[1.0, 2.0], [3.0, 4.0]]).transform([[nan, 1.0]])


def test_infinities_words_and_parameters_refused():
    for own in (Normalizer(), Binarizer()):
        for row in ([inf], ["a"], [10**400], []):
            with pytest.raises(InvalidInput):
                own.transform([row])
        with pytest.raises(InvalidInput, match="features"):
            own.fit([[1.0]]).transform([[1.0, 2.0]])
        with pytest.raises(InvalidInput, match="no inverse"):
            own.fit([[1.0]]).inverse_transform([[1.0]])
    for norm in ("l3", None, 2, ["l2"]):
        for do in (lambda own: own.fit([[1.0]]), lambda own: own.transform([[1.0]])):
            with pytest.raises(InvalidInput):
                do(Normalizer(norm))
    for threshold in (nan, inf, "1", None, True):
        with pytest.raises(InvalidInput):
            Binarizer(threshold=threshold).fit([[1.0]])


def test_outputs_are_never_blank():
    for own in (Normalizer(), Binarizer()):
        assert not any(value.blank for value in own._compile(("a", "b"), ("float", "int")).outputs)


def test_a_threshold_is_not_above_itself():
    assert three_ways(Binarizer(threshold=1.0), [[1.0], [1.0000000000000002], [-1.0]]) == [[0.0], [1.0], [0.0]]


def test_stored_unfitted_too():
    own = transformer_from_dict(Normalizer("max").to_dict())
    assert own.norm == "max" and own.transform([[2.0, -4.0]]) == [[0.5, -1.0]]
    made = Binarizer(threshold=0.25).fit({"a": [1.0], "b": [0.0]})
    assert stored(made).get_feature_names_out() == ["a", "b"]
    assert pickle.loads(pickle.dumps(ToLength("l1")))([1.0, 3.0]) == [0.25, 0.75]


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(Normalizer()) == []
    assert failed_checks(Binarizer()) == []
