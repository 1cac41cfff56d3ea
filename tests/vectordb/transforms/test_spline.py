"""SplineTransformer against scikit-learn's, in three ways, and through its file."""

from __future__ import annotations

import random
from math import fsum, nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import (
    INFINITE,
    changed,
    close,
    failed_checks,
    holds,
    same_bits,
    stored,
)
from vectordb.transforms import Pipeline, SplineTransformer, StandardScaler, from_sklearn, to_sklearn

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

EXTRAPOLATIONS = ("error", "constant", "linear", "continue", "periodic")
SLACK = 1e-14  # splines are at most 1, and near 0 where they begin


def judge(rows, **parameters):
    """scikit-learn's, fitted."""
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    return preprocessing.SplineTransformer(**parameters).fit(numpy.array(rows))


def draw(seed, width=2, rows=30):
    rng = random.Random(seed)
    return [[rng.gauss(0, 1) if place % 2 else rng.lognormvariate(3, 1) for place in range(width)] for _ in range(rows)]


@pytest.mark.parametrize("include_bias", [True, False])
@pytest.mark.parametrize("knots", ["uniform", "quantile"])
@pytest.mark.parametrize("extrapolation", EXTRAPOLATIONS)
@pytest.mark.parametrize("degree", range(5))
def test_agrees_with_sklearn(degree, extrapolation, knots, include_bias):
    numpy = pytest.importorskip("numpy")
    # Of degrees 0 and 1 scikit-learn goes wrong outside the knots: from the second feature on (linear), or of degree 0
    # at once (constant, see below).
    width = 1 if extrapolation == "linear" and degree < 2 else 2
    rows = draw(degree, width)
    outside = extrapolation != "error" and (degree or extrapolation != "constant")
    fresh = [*rows, *([value * 3.0 for value in row] for row in rows if outside)]
    parameters = {
        "n_knots": 6, "degree": degree, "knots": knots, "extrapolation": extrapolation, "include_bias": include_bias,
    }  # fmt: skip
    theirs, own = judge(rows, **parameters), SplineTransformer(**parameters).fit(rows)
    assert close(own.knots_, [spline.t.tolist() for spline in theirs.bsplines_], SLACK)
    wanted = theirs.transform(numpy.array(fresh)).tolist()
    made = holds(own, fresh)
    slack = SLACK * max(abs(value) for row in wanted for value in row)
    assert close(made, wanted, slack)
    assert own.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    assert own.n_features_out_ == theirs.n_features_out_ == len(made[0])
    assert close(holds(from_sklearn(theirs), fresh), wanted, slack)
    given_back = to_sklearn(own)
    assert close(given_back.transform(numpy.array(fresh)).tolist(), made, slack)
    assert given_back.get_feature_names_out().tolist() == own.get_feature_names_out()


@pytest.mark.parametrize("extrapolation", EXTRAPOLATIONS)
def test_given_knots(extrapolation):
    numpy = pytest.importorskip("numpy")
    knots = [[0.0, -3.0], [1.0, -1.0], [4.0, 0.5], [10.0, 2.0]]
    rows = [[0.5, -2.0], [3.0, 0.0], [9.0, 1.0], [0.0, -3.0], [10.0, 2.0]]
    parameters = {"degree": 2, "extrapolation": extrapolation}
    theirs = judge(rows, knots=numpy.array(knots), **parameters)
    for given_knots in (knots, numpy.array(knots), tuple(map(tuple, knots))):
        own = SplineTransformer(knots=given_knots, **parameters).fit(rows)
        made = holds(own, rows)
        assert close(made, theirs.transform(numpy.array(rows)).tolist(), SLACK)
    assert close(holds(from_sklearn(theirs), rows), made, SLACK)
    assert close(to_sklearn(own).transform(numpy.array(rows)).tolist(), made, SLACK)


def test_missing_values():
    numpy = pytest.importorskip("numpy")
    rows = [[1.0, nan], [2.0, 3.0], [nan, 5.0], [7.0, 9.0]]
    for extrapolation in EXTRAPOLATIONS:
        for knots in ("uniform", "quantile"):
            parameters = {
                "degree": 2, "knots": knots, "extrapolation": extrapolation, "handle_missing": "zeros",
            }  # fmt: skip
            theirs, own = judge(rows, **parameters), SplineTransformer(**parameters).fit(rows)
            made = holds(own, rows)
            assert close(made, theirs.transform(numpy.array(rows)).tolist(), SLACK)
            assert made[0][own.n_features_out_ // 2 :] == [0.0] * (own.n_features_out_ // 2)
    empty = SplineTransformer(handle_missing="zeros").fit([[nan], [nan]])
    assert holds(empty, [[nan], [3.0]]) == [[0.0] * 7] * 2
    for value in (nan, None):
        with pytest.raises(InvalidInput, match="handle_missing"):
            SplineTransformer().fit([[1.0], [value]])
        with pytest.raises(InvalidInput, match="handle_missing"):
            SplineTransformer().fit([[1.0], [2.0]]).transform([[value]])
    chain = Pipeline([("scale", StandardScaler()), ("spline", SplineTransformer())]).fit([[1.0], [2.0]])
    with pytest.raises(CannotTransform, match="handle_missing"):
        chain.transform_one([nan])


def test_a_constant_feature():
    numpy = pytest.importorskip("numpy")
    rows = [[2.0], [2.0]]
    for extrapolation in EXTRAPOLATIONS:
        for degree in (1, 3):
            theirs = judge(rows, degree=degree, extrapolation=extrapolation)
            own = SplineTransformer(degree=degree, extrapolation=extrapolation).fit(rows)
            assert close(holds(own, rows), theirs.transform(numpy.array(rows)).tolist())


def test_outside_of_degree_0():
    """The spline at the end; scikit-learn gives zeros below, and raises above."""
    own = SplineTransformer(3, 0).fit([[0.0], [1.0], [4.0]])
    assert holds(own, [[-1.0], [1.0], [9.0]]) == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_linear_of_degree_1_in_every_feature():
    """scikit-learn takes other knots for the ends from the second feature on."""
    numpy = pytest.importorskip("numpy")
    rows = draw(7, 3)
    fresh = [[value * 2.0 - 9.0 for value in row] for row in rows]
    own = SplineTransformer(4, 1, extrapolation="linear").fit(rows)
    singles = [
        judge([[row[at]] for row in rows], n_knots=4, degree=1, extrapolation="linear").transform(
            numpy.array([[row[at]] for row in fresh])
        )
        for at in range(3)
    ]
    assert close(holds(own, fresh), numpy.hstack(singles).tolist(), SLACK * 1e3)


def test_first_values():
    own = SplineTransformer(degree=2, n_knots=3).fit([[float(place)] for place in range(6)])
    wanted = [[0.5, 0.5, 0.0, 0.0], [0.18, 0.74, 0.08, 0.0], [0.02, 0.66, 0.32, 0.0]]
    assert close(own.transform([[0.0], [1.0], [2.0]]), wanted, SLACK)
    assert own.get_feature_names_out() == ["x0_sp_0", "x0_sp_1", "x0_sp_2", "x0_sp_3"]


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=10, unique=True),
    st.integers(0, 5),
    st.sampled_from(["constant", "linear", "periodic"]),
)
def test_splines_sum_to_one(column, degree, extrapolation):
    splines = SplineTransformer(7, degree, extrapolation=extrapolation)
    if 0.0 < max(column) - min(column) < 6e-300:
        with pytest.raises(InvalidInput, match="apart"):
            splines.fit([[value] for value in column])
        return
    own = splines.fit([[value] for value in column])
    low, high = own.knots_[0][degree], own.knots_[0][-degree - 1]
    if high - low > 1e-9 * max(abs(low), abs(high)):
        for row in own.transform([[value] for value in [*column, low - 1.0, high + 1.0]]):
            assert abs(fsum(row) - 1.0) < 1e-9 * max(1.0, *map(abs, row))


def test_periodic_comes_round():
    own = SplineTransformer(knots=[[0.0], [6.0], [12.0], [18.0], [24.0]], extrapolation="periodic").fit([[1.0], [2.0]])
    assert own.n_features_out_ == 4
    assert same_bits(own.transform([[3.0], [0.0]]), own.transform([[27.0], [-24.0]]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_knots": 1},
        {"n_knots": 2.5},
        {"degree": -1},
        {"degree": "3"},
        {"knots": "even"},
        {"knots": [[0.0, 1.0]]},
        {"knots": [[0.0], [1.0]]},
        {"knots": [[0.0, 1.0], [0.0, 2.0]]},
        {"knots": [[0.0, 1.0], [1.0, nan]]},
        {"knots": [[0.0, "a"], [1.0, "b"]]},
        {"knots": 5},
        {"knots": [0.0, 1.0]},
        {"extrapolation": "none"},
        {"extrapolation": "periodic", "n_knots": 3},
        {"include_bias": 2},
        {"order": "A"},
        {"handle_missing": "mean"},
        {"sparse_output": True},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        SplineTransformer(**parameters).fit([[1.0, 2.0], [2.0, 3.0]])


def test_values_refused():
    own = SplineTransformer(extrapolation="error").fit({"age": [1.0, 2.0], "b": [2.0, 3.0]})
    for row in INFINITE:
        with pytest.raises(InvalidInput, match="infinity"):
            SplineTransformer().fit([row, [1.0, 2.0]])
        with pytest.raises(InvalidInput):
            own.transform_one(row)
    with pytest.raises(CannotTransform, match=r"beyond the limits.*age"):
        own.transform_one([0.5, 2.5])
    with pytest.raises(InvalidInput, match="minimum of 2"):
        SplineTransformer().fit([[1.0]])
    with pytest.raises(InvalidInput, match="finite"):
        SplineTransformer().fit([[-1e308], [1e308]])
    with pytest.raises(InvalidInput, match="inverse"):
        own.inverse_transform([[0.0] * own.n_features_out_])


@pytest.mark.parametrize(
    "knots",
    [
        [[0.0, 1.0, 2.0, 3.0]],
        [[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0]],
        [[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0, 4.0]],
        [[0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 1.0, 3.0]],
        [[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, {"float": "inf"}]],
        [[0.0, 1.0, 2.0, 3.0], None],
        "0123",
    ],
    ids=str,
)
def test_malformed_files(knots):
    own = SplineTransformer(2, 1).fit([[1.0, 2.0], [2.0, 3.0]])
    assert len(own.knots_[0]) == 4
    with pytest.raises(InvalidInput, match="knots_"):
        changed(own, knots_=knots)


def test_in_a_chain():
    rows = draw(3)
    chain = Pipeline([("scale", StandardScaler()), ("spline", SplineTransformer(extrapolation="continue"))])
    made = holds(chain.fit(rows), [*rows, [50.0, 50.0]])
    assert same_bits(stored(chain).transform(rows), made[: len(rows)])


@pytest.mark.parametrize("parameters", [{}, {"degree": 1, "knots": "quantile"}, {"handle_missing": "zeros"}], ids=str)
def test_estimator_checks(parameters):
    pytest.importorskip("sklearn")
    assert failed_checks(SplineTransformer(**parameters)) == []
