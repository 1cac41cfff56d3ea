"""RobustScaler against scikit-learn's, and Winsorizer against NumPy's percentiles; through their files."""

from __future__ import annotations

import random
from math import inf, nan

import pytest

from ledger import InvalidInput
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    close,
    failed_checks,
    holds,
    refuses_changed,
    refuses_infinities_and_words,
    same_bits,
    sample,
)
from vectordb.transforms import RobustScaler, Winsorizer, from_sklearn, to_sklearn

PARAMETERS = [
    {},
    {"with_centering": False},
    {"with_scaling": False},
    {"with_centering": False, "with_scaling": False},
    {"quantile_range": (10, 60.5)},
    {"quantile_range": (0, 100)},
    {"quantile_range": (50.0, 50.0)},
    {"unit_variance": True},
    {"unit_variance": True, "quantile_range": (1.0, 98.0)},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_agrees_with_sklearn(parameters, seed):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    tables = [sample(seed), sample(seed, rows=1), sample(seed, rows=8), [[*row, nan] for row in sample(seed)]]
    for rows in tables:
        fresh = [[*row, 1.0][: len(rows[0])] for row in sample(seed + 50)]
        other = preprocessing.RobustScaler(**parameters).fit(numpy.array(rows))
        own = RobustScaler(**parameters).fit(rows)
        for name in ("center_", "scale_"):
            ours, theirs = getattr(own, name), getattr(other, name)
            assert (ours is None) == (theirs is None)
            assert ours is None or close([ours], [theirs], slack=1e-20)
        made = holds(own, fresh)
        assert close(made, other.transform(numpy.array(fresh)), slack=1e-15)
        assert close(own.inverse_transform(made), other.inverse_transform(numpy.array(made)), slack=1e-15)
        assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
        assert same_bits(holds(from_sklearn(other), fresh), other.transform(numpy.array(fresh)).tolist())
        assert same_bits(to_sklearn(own).transform(numpy.array(fresh)).tolist(), made)


def test_values_to_start_from():
    own = RobustScaler().fit([[1.0], [2.0], [3.0], [4.0], [100.0]])
    assert (own.center_, own.scale_) == ((3.0,), (2.0,))
    unit = RobustScaler(unit_variance=True).fit([[1.0], [2.0], [3.0], [4.0], [100.0]])
    assert unit.scale_[0] == pytest.approx(2 / 1.3489795003921634, rel=1e-15)


@pytest.mark.parametrize("name", [name for name in EXTREMES if name != "huge"])
@pytest.mark.parametrize("kind", [RobustScaler, Winsorizer])
def test_extremes_hold(kind, name):
    rows = EXTREMES[name]
    made = holds(kind().fit(rows), rows)
    assert all(value - value == 0.0 for row, given in zip(made, rows) for value, x in zip(row, given) if x == x)


def test_numbers_near_the_end_of_floats():
    own = RobustScaler().fit([[1e308], [1.2e308], [1.6e308], [1.7e308]])
    assert own.center_[0] == pytest.approx(1.4e308)
    assert holds(own, [[1.7e308]])[0][0] == pytest.approx((1.7 - 1.4) / (1.625 - 1.15))
    with pytest.raises(InvalidInput, match="quantiles is a float64") as refused:
        RobustScaler().fit({"far": [-1.7e308, -1.7e308, 1.7e308, 1.7e308]})
    assert refused.value.values["feature"] == "far"
    assert RobustScaler(with_scaling=False).fit([[-1.7e308], [1.7e308]]).center_ == (0.0,)
    assert holds(Winsorizer().fit([[-1.7e308], [1.7e308]]), [[0.0], [1.7e308]])[0] == [0.0]


def test_a_feature_without_values():
    own = RobustScaler().fit([[None, 1.0], [nan, 3.0]])
    assert repr(holds(own, [[1.0, 3.0]])) == "[[nan, 1.0]]"
    assert [value.blank for value in own._compile(("a", "b"), ("float", "float")).outputs] == [True, True]
    assert holds(Winsorizer().fit([[None, 1.0], [nan, 3.0]]), [[7.0, 9.0]]) == [[7.0, 2.9]]


@pytest.mark.parametrize("share", [(5.0, 95.0), (0, 100), (50, 50), (12.5, 99)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_limits_are_percentiles(share, seed):
    numpy = pytest.importorskip("numpy")
    for rows in (sample(seed), sample(seed, rows=2, missing=0.0), sample(seed, rows=1, missing=0.0)):
        own = Winsorizer(quantile_range=share).fit(rows)
        lower, upper = numpy.nanpercentile(numpy.array(rows), share, axis=0)
        assert close([own.lower_, own.upper_], [lower, upper], slack=1e-20)
        fresh = sample(seed + 50)
        assert same_bits(holds(own, fresh), numpy.clip(numpy.array(fresh), own.lower_, own.upper_).tolist())


def test_nothing_is_learnt_in_pieces():
    for kind in (RobustScaler, Winsorizer):
        own = kind().fit([[1.0], [2.0]])
        for how in ("merge", "retract"):
            with pytest.raises(InvalidInput, match=f"cannot {how}"):
                getattr(own, how)(own)
        assert not hasattr(own, "partial_fit")
    with pytest.raises(InvalidInput, match="no inverse"):
        own.inverse_transform([[1.0]])


@pytest.mark.parametrize("kind", [RobustScaler, Winsorizer])
@pytest.mark.parametrize(
    "share", [(75, 25), (-1, 50), (0, 101), (nan, 50), (0, inf), [25, 75], (25,), "ab", None, 3], ids=str
)
def test_quantile_range_refused(kind, share):
    with pytest.raises(InvalidInput, match="Invalid quantile range") as refused:
        kind(quantile_range=share).fit([[1.0]])
    assert "quantile_range" in refused.value.values


@pytest.mark.parametrize("share", [(0, 75), (25, 100), (30, 30)], ids=str)
def test_unit_variance_needs_a_distance(share):
    """scikit-learn divides by what is 0 or infinite there."""
    with pytest.raises(InvalidInput, match="Invalid quantile range"):
        RobustScaler(quantile_range=share, unit_variance=True).fit([[1.0], [2.0]])


@pytest.mark.parametrize("kind", [RobustScaler, Winsorizer])
def test_infinities_and_words_refused(kind):
    refuses_infinities_and_words(kind)
    for name in ("with_centering", "with_scaling", "unit_variance"):
        with pytest.raises(InvalidInput, match="True or False"):
            RobustScaler(**{name: 1}).fit([[1.0]])


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (RobustScaler, "center_", [1.0]),
        (RobustScaler, "center_", [1.0, {"float": "-inf"}]),
        (RobustScaler, "scale_", [1.0, 0.0]),
        (RobustScaler, "scale_", [1.0, -1.0]),
        (RobustScaler, "scale_", [1.0, 2.0, 3.0]),
        (RobustScaler, "scale_", {"float": "nan"}),
        (Winsorizer, "lower_", [9.0, 0.0]),
        (Winsorizer, "lower_", None),
        (Winsorizer, "upper_", [1.0]),
        (Winsorizer, "upper_", [{"float": "inf"}, 1.0]),
    ],
    ids=str,
)
def test_malformed_files_are_refused(kind, name, value):
    own = kind().fit([[1.0, 2.0], [2.0, 4.0]])
    refuses_changed(own, **{name: value})


def test_the_order_of_rows_is_none_of_its_business():
    rows = sample(4)
    first = RobustScaler().fit(rows)
    random.Random(1).shuffle(rows)
    assert same_bits([RobustScaler().fit(rows).scale_], [first.scale_])


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(RobustScaler()) == []
    assert failed_checks(Winsorizer()) == []
