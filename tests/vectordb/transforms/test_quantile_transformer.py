"""QuantileTransformer against scikit-learn's, in three ways, back, and through its file."""

from __future__ import annotations

import random
import warnings
from itertools import pairwise
from math import nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    INFINITE,
    changed,
    close,
    failed_checks,
    holds,
    same_bits,
    sample,
    stored,
)
from vectordb.transforms import Pipeline, QuantileTransformer, StandardScaler, from_sklearn, to_sklearn

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

DISTRIBUTIONS = ("uniform", "normal")


def judge(rows, **parameters):
    """scikit-learn's, fitted."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # n_quantiles above the rows; a column without values
        return preprocessing.QuantileTransformer(**parameters).fit(rows)


def fitted(rows, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return QuantileTransformer(**parameters).fit(rows)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("count", [1, 2, 7, 50, 1000])
@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_sklearn(distribution, count, seed):
    numpy = pytest.importorskip("numpy")
    rows, fresh = sample(seed), [*sample(seed), *sample(seed + 50)]
    parameters = {"n_quantiles": count, "output_distribution": distribution}
    theirs, own = judge(numpy.array(rows), **parameters), fitted(rows, **parameters)
    assert own.n_quantiles_ == theirs.n_quantiles_ == min(count, len(rows))
    assert same_bits([own.references_], [theirs.references_.tolist()])
    assert close(own.quantiles_, theirs.quantiles_.tolist())
    wanted = theirs.transform(numpy.array(fresh))
    made = holds(own, fresh)
    assert close(made, wanted.tolist())
    back = theirs.inverse_transform(wanted).tolist()
    assert close(own.inverse_transform(wanted), back)
    assert own.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    taken = from_sklearn(theirs)
    assert close(holds(taken, fresh), wanted.tolist())
    assert close(to_sklearn(own).transform(numpy.array(fresh)).tolist(), made)
    assert close(to_sklearn(own).inverse_transform(wanted).tolist(), back)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_inverse_of_any_place(distribution):
    numpy = pytest.importorskip("numpy")
    rng = random.Random(1)
    rows = [[rng.gauss(0, 1), float(rng.randrange(5))] for _ in range(60)]
    parameters = {"n_quantiles": 20, "output_distribution": distribution}
    places = [[x, x] for x in (-9.0, -1.0, -0.0, 0.0, 1e-9, 1e-7, 0.3, 0.5, 1 - 1e-9, 1.0, 2.0, 5.3, nan)]
    wanted = judge(rows, **parameters).inverse_transform(numpy.array(places))
    assert close(fitted(rows, **parameters).inverse_transform(places), wanted.tolist())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("name", [name for name in EXTREMES if name != "huge"])
def test_extremes(distribution, name):
    numpy = pytest.importorskip("numpy")
    rows = EXTREMES[name]
    parameters = {"n_quantiles": 3, "output_distribution": distribution}
    own = fitted(rows, **parameters)
    assert close(holds(own, rows), judge(rows, **parameters).transform(numpy.array(rows)).tolist())


def test_from_end_to_end_of_float64():
    """scikit-learn's distance of the two quantiles overflows."""
    own = QuantileTransformer(n_quantiles=2).fit([[-1.7e308], [1.7e308]])
    assert close(holds(own, [[-1.7e308], [0.0], [0.85e308], [1.7e308]]), [[0.0], [0.5], [0.75], [1.0]])
    assert own.inverse_transform([[0.0], [0.5], [1.0]]) == [[-1.7e308], [0.0], [1.7e308]]
    steep = QuantileTransformer(n_quantiles=3).fit([[0.0], [1.0], [1.7e308]])
    assert close(steep.inverse_transform([[0.75]]), [[0.85e308]])
    small = QuantileTransformer(n_quantiles=2).fit([[0.0], [2e-323]])
    assert holds(small, [[1e-323]]) == [[0.5]]


def test_first_values():
    own = QuantileTransformer(n_quantiles=5).fit([[0.0], [2.5], [4.5], [5.0], [9.0]])
    assert close(own.transform([[1.0], [4.75], [-1.0], [10.0]]), [[0.1], [0.625], [0.0], [1.0]])
    normal = QuantileTransformer(n_quantiles=5, output_distribution="normal").fit([[0.0], [1.0], [2.0], [3.0], [4.0]])
    assert normal.transform([[-1.0], [2.0], [9.0]]) == [[-5.199337582605575], [0.0], [5.19933758270342]]


def test_ties_are_in_the_middle():
    own = QuantileTransformer(n_quantiles=5).fit([[1.0], [2.0], [2.0], [2.0], [3.0]])
    assert own.transform([[2.0]]) == [[0.5]]


def test_a_feature_without_values():
    numpy = pytest.importorskip("numpy")
    rows = [[nan, 1.0], [nan, 2.0]]
    own = QuantileTransformer(n_quantiles=2).fit(rows)
    fresh = [[3.0, 1.5], [nan, nan]]
    assert same_bits(holds(own, fresh), [[nan, 0.5], [nan, nan]])
    theirs = judge(rows, n_quantiles=2)
    assert close(holds(from_sklearn(theirs), fresh), theirs.transform(numpy.array(fresh)).tolist())
    with pytest.raises(InvalidInput, match="quantiles_"):
        changed(own, quantiles_=[[{"float": "nan"}, 1.0], [0.0, 2.0]])


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.floats(-1e300, 1e300) | st.integers(-3, 3).map(float), min_size=1, max_size=12),
    st.lists(st.floats(-1e308, 1e308) | st.integers(-3, 3).map(float), min_size=2, max_size=12),
    st.integers(1, 12),
)
def test_shares_do_not_fall(column, fresh, count):
    own = fitted([[value] for value in column], n_quantiles=count)
    made = [row[0] for row in own.transform([[value] for value in sorted([*column, *fresh])])]
    assert all(low <= high + 1e-15 for low, high in pairwise(made))
    assert all(0.0 <= share <= 1.0 for share in made)


def test_subsample():
    rows = [[float(number), float(-number)] for number in range(300)]
    full = QuantileTransformer(n_quantiles=10).fit(rows)
    assert full.quantiles_ == QuantileTransformer(n_quantiles=10, subsample=None).fit(rows).quantiles_
    assert full.quantiles_ == QuantileTransformer(n_quantiles=10, subsample=300, random_state=7).fit(rows).quantiles_
    parts = [QuantileTransformer(n_quantiles=10, subsample=50, random_state=seed).fit(rows) for seed in (0, 0, 1, None)]
    zero, again, one, nothing = (part.quantiles_ for part in parts)
    assert zero == again == nothing != one
    assert zero[0][0] >= 0.0 and zero[-1][0] <= 299.0
    assert all(abs(first + second) < 1e-9 for (first, _), (_, second) in zip(zero, reversed(zero)))  # whole rows


def test_warnings():
    with pytest.warns(UserWarning, match="greater than the total number of samples"):
        QuantileTransformer().fit([[1.0], [2.0]])
    with pytest.warns(UserWarning, match="takes effect only with sparse matrix"):
        QuantileTransformer(n_quantiles=2, ignore_implicit_zeros=True).fit([[1.0], [2.0]])


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_quantiles": 0},
        {"n_quantiles": 2.5},
        {"n_quantiles": True},
        {"n_quantiles": 20, "subsample": 10},
        {"subsample": 0},
        {"output_distribution": "gamma"},
        {"output_distribution": None},
        {"random_state": "seed"},
        {"ignore_implicit_zeros": 1},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        QuantileTransformer(**parameters).fit([[1.0], [2.0]])


def test_values_refused():
    own = fitted([[1.0, 2.0], [2.0, 3.0]])
    for row in INFINITE:
        with pytest.raises(InvalidInput, match="infinity"):
            fitted([row, [1.0, 2.0]])
        with pytest.raises(InvalidInput):
            own.transform([row])
    with pytest.raises(CannotTransform, match="x1"):
        own.transform_one([1.0, "a"])


def test_a_generator_is_no_definition():
    numpy = pytest.importorskip("numpy")
    theirs = judge([[1.0], [2.0]], n_quantiles=2, random_state=numpy.random.RandomState(0))
    with pytest.raises(InvalidInput, match="random_state"):
        from_sklearn(theirs)


@pytest.mark.parametrize(
    "fields, place",
    [
        ({"n_quantiles_": 3}, "n_quantiles_"),
        ({"n_quantiles_": 0}, "n_quantiles_"),
        ({"references_": [0.0, 0.5]}, "references_"),
        ({"references_": [0.0, 0.0]}, "references_"),
        ({"references_": [0.0]}, "n_quantiles_"),
        ({"references_": "01"}, "references_"),
        ({"quantiles_": [[1.0], [2.0]]}, "quantiles_"),
        ({"quantiles_": [[1.0, 9.0], [2.0, 3.0]]}, "quantiles_"),
        ({"quantiles_": [[1.0, 2.0], [2.0, {"float": "inf"}]]}, "quantiles_"),
        ({"quantiles_": [[1.0, 2.0], [2.0, None]]}, "quantiles_"),
        ({"n_features_in_": 3}, "quantiles_"),
    ],
    ids=str,
)
def test_malformed_files(fields, place):
    own = QuantileTransformer(n_quantiles=2).fit([[1.0, 2.0], [2.0, 3.0]])
    with pytest.raises(InvalidInput, match=place):
        changed(own, **fields)


def test_in_a_chain():
    chain = Pipeline([("scale", StandardScaler()), ("share", QuantileTransformer(n_quantiles=4))])
    rows = [[1.0], [2.0], [4.0], [9.0]]
    made = holds(chain.fit(rows), [*rows, [nan], [-99.0]])
    assert made[0] == [0.0] and made[3] == [1.0] and made[5] == [0.0]
    assert same_bits(stored(chain).transform(rows), chain.transform(rows))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_estimator_checks(distribution):
    pytest.importorskip("sklearn")
    assert failed_checks(QuantileTransformer(output_distribution=distribution)) == []
