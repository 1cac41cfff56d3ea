"""StandardScaler against scikit-learn's and against fractions, in pieces, and through its file."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest

from ledger import InvalidInput, NotFitted
from projections import moments
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    close,
    failed_checks,
    holds,
    near,
    refuses_changed,
    refuses_infinities_and_words,
    same_bits,
    sample,
    stored,
)
from vectordb.transforms import StandardScaler, dumps, from_sklearn, to_sklearn

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

PARAMETERS = [{}, {"with_mean": False}, {"with_std": False}, {"with_mean": False, "with_std": False}]
LEARNT = ("mean_", "var_", "scale_")


def vectors(scaler):
    return [None if (held := getattr(scaler, name)) is None else list(held) for name in LEARNT]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_sklearn(parameters, seed):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows, fresh = numpy.array(sample(seed)), numpy.array(sample(seed + 50))
    rows, fresh = (numpy.delete(given, 5, axis=1) for given in (rows, fresh))  # see near-constants
    other, own = preprocessing.StandardScaler(**parameters).fit(rows), StandardScaler(**parameters).fit(rows)
    for ours, theirs in zip(vectors(own), vectors(other)):
        assert (ours is None) == (theirs is None)
        assert ours is None or all(near(a, b, slack=1e-20) for a, b in zip(ours, theirs))
    assert list(own.n_samples_seen_) == list(other.n_samples_seen_)
    made = holds(own, fresh)
    assert close(made, other.transform(fresh), slack=1e-9 if parameters.get("with_mean", True) else 0.0)
    assert close(own.inverse_transform(made), other.inverse_transform(other.transform(fresh)), slack=1e-9)
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    for name in ("mean_", "scale_", "var_"):
        setattr(other, name, None if getattr(own, name) is None else numpy.array(getattr(own, name)))
    assert close(made, other.transform(fresh))  # of equal statistics


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_taken_over_and_given_back(parameters):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    for rows in (sample(1), sample(2, missing=0.0)):
        other = preprocessing.StandardScaler(**parameters).fit(numpy.array(rows))
        own = from_sklearn(other)
        assert close(holds(own, rows), other.transform(numpy.array(rows)))
        assert own.sums_ is None and stored(own).sums_ is None
        back = to_sklearn(own)
        assert numpy.array_equal(back.transform(rows), other.transform(rows), equal_nan=True)
        assert numpy.array_equal(back.n_samples_seen_, other.n_samples_seen_)
        assert numpy.ndim(back.n_samples_seen_) == numpy.ndim(other.n_samples_seen_)
        back.partial_fit(rows)
        assert numpy.array_equal(back.n_samples_seen_, 2 * other.n_samples_seen_)
        for how, more in (("partial_fit", rows), ("merge", own), ("retract", own)):
            with pytest.raises(InvalidInput, match="no sums"):
                getattr(own, how)(more)


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_hold(name):
    rows = EXTREMES[name]
    made = holds(StandardScaler().fit(rows), rows)
    assert all(value - value == 0.0 for row, given in zip(made, rows) for value, x in zip(row, given) if x == x)


def test_values_to_start_from():
    own = StandardScaler().fit([[1.0], [2.0], [nan], [4.0]])
    assert own.mean_ == (2.3333333333333335,)
    assert own.var_[0] == pytest.approx(1.5555555555555554, rel=1e-15)
    assert own.n_samples_seen_ == (3,)


def exactly(values):
    """The mean and the variance as fractions."""
    taken = list(map(Fraction, values))
    mean = sum(taken) / len(taken)
    return mean, sum((value - mean) ** 2 for value in taken) / len(taken)


@pytest.mark.parametrize(
    "values",
    [
        [1e308, 1e308, 1e308],
        [1e308, 1.1e308, 1.2e308],
        [1e308, -1e308, 1e308],
        [1.7976931348623157e308] * 5 + [1.7e308],
        [1e15, 1e15 + 1, 1e15 + 2],
        [1e15 + 0.125 * place for place in range(7)],
        [-1e15, 1e15, 1e15 - 0.5],
        [1e8 + 1e-7, 1e8, 1e8 + 3e-8],
        [1e-160, 2e-160, 4e-160],
        [0.1] * 10,
    ],
    ids=lambda values: str(values[:3]),
)
def test_nothing_overflows_or_cancels(values):
    mean, variance = exactly(values)
    own = StandardScaler().fit([[value] for value in values])
    assert own.mean_ == (float(mean),)
    assert own.var_[0] == (float(variance) if variance < 2**1023 else inf)
    scale = Fraction(own.scale_[0])
    constant = variance <= len(values) * Fraction(2) ** -52 * variance + (len(values) * mean * Fraction(2) ** -52) ** 2
    if constant:
        assert scale == 1
    else:
        assert abs(scale**2 / variance - 1) < Fraction(2) ** -51
    made = holds(own, [[value] for value in values])
    for value, (found,) in zip(values, made):
        wanted = (Fraction(value) - Fraction(float(mean))) / scale
        assert abs(Fraction(found) - wanted) <= abs(wanted) * Fraction(2) ** -51


def test_near_constants_are_constant():
    """As in scikit-learn, but from the exact variance, where its own is that of rounded sums."""
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    step = 2.0**-26  # of floats at 1e8
    for rows in ([[1e8]] * 5, [[1e8], [1e8 + step]] * 50, [[0.0]] * 3, [[5e-324]] * 2, [[-3.5]] * 9):
        assert StandardScaler().fit(rows).scale_ == (1.0,)
        assert preprocessing.StandardScaler().fit(numpy.array(rows)).scale_.tolist() == [1.0]
    for rows in ([[1e8], [1e8 + 1e-3]], [[1e-9], [2e-9]]):
        own, other = StandardScaler().fit(rows), preprocessing.StandardScaler().fit(numpy.array(rows))
        assert own.scale_[0] != 1.0 and near(own.scale_[0], other.scale_[0])


VALUES = st.one_of(st.floats(allow_infinity=False), st.none(), st.integers(-(2**80), 2**80), st.booleans())
ROWS = st.lists(st.tuples(VALUES, st.floats(-10, 10)), min_size=1, max_size=8)


@settings(deadline=None)
@given(ROWS, ROWS, st.sampled_from(PARAMETERS))
def test_in_pieces(first, second, parameters):
    both = StandardScaler(**parameters).fit(first + second)
    a, b = StandardScaler(**parameters).fit(first), StandardScaler(**parameters).fit(second)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both)
    assert dumps(a.merge(b).retract(b)) == dumps(a)
    assert dumps(a.merge(b).retract(a)) == dumps(b)
    assert dumps(StandardScaler(**parameters).partial_fit(first).partial_fit(second)) == dumps(both)
    assert same_bits([stored(both).scale_ or ()], [both.scale_ or ()])


def test_taking_back_everything_leaves_nothing():
    own = StandardScaler().fit([[1.0], [2.0]])
    empty = own.retract(own)
    assert empty.n_samples_seen_ == (0,) and repr(empty.mean_) == "(nan,)"
    assert dumps(empty.merge(own)) == dumps(own)
    with pytest.raises(InvalidInput, match="taken back"):
        own.retract(StandardScaler().fit([[1.0]] * 3))


def test_pieces_fit_together():
    own = StandardScaler().fit([[1.0, 2.0]])
    for other in (StandardScaler().fit([[1.0]]), StandardScaler(with_std=False).fit([[1.0, 2.0]])):
        with pytest.raises(InvalidInput):
            own.merge(other)
    with pytest.raises(InvalidInput, match="features"):
        own.partial_fit([[1.0]])
    with pytest.raises(NotFitted):
        own.merge(StandardScaler())


def test_a_feature_without_values():
    own = StandardScaler().fit([[None, 1.0], [nan, 3.0]])
    assert repr((own.mean_, own.scale_)) == "((nan, 2.0), (nan, 1.0))"
    made = holds(own, [[1.0, 1.0], [nan, nan]])
    assert repr(made) == "[[nan, -1.0], [nan, nan]]"
    (first, _) = own._compile(("a", "b"), ("float", "float")).outputs
    assert first.blank


def test_infinities_and_words_refused():
    refuses_infinities_and_words(StandardScaler)
    for parameters in ({"with_mean": 1}, {"with_std": "yes"}):
        with pytest.raises(InvalidInput, match="True or False"):
            StandardScaler(**parameters).fit([[1.0]])


@pytest.mark.parametrize(
    "name, value",
    [
        ("mean_", [1.0]),
        ("mean_", None),
        ("mean_", [1.0, {"float": "inf"}]),
        ("scale_", [1.0, 0.0]),
        ("scale_", [1.0, -1.0]),
        ("scale_", [1.0, True]),
        ("scale_", [1.0, 2.0, 3.0]),
        ("scale_", None),
        ("var_", [1.0, -1.0]),
        ("var_", "ab"),
        ("n_samples_seen_", [1, -1]),
        ("n_samples_seen_", [1.0, 1.0]),
        ("sums_", [[1, 1, 1, 1]]),
        ("sums_", [[1, 1, 1, 3], [1, 1, 1, 1]]),
        ("sums_", [[2, 5, 1, 1], [1, 1, 1, 1]]),
        ("n_features_in_", 3),
        ("feature_names_in_", ["a"]),
    ],
    ids=str,
)
def test_malformed_files_are_refused(name, value):
    own = StandardScaler().fit([[1.0, 2.0], [2.0, 4.0]])
    refuses_changed(own, **{name: value})


def test_the_sums_are_those_of_moments():
    rows = sample(9)
    own = StandardScaler().fit(rows)
    for held, column in zip(own.sums_, zip(*rows)):
        assert held == moments([value for value in column if value == value])


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(StandardScaler()) == []
