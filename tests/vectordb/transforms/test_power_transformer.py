"""PowerTransformer against scikit-learn's, in three ways, back, and through its file; and Brent's method."""

from __future__ import annotations

import random
import warnings
from itertools import pairwise
from math import cos, exp, inf, isclose, log, nan

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
    stored,
    three_ways,
)
from vectordb.transforms import Pipeline, PowerTransformer, StandardScaler, from_sklearn, to_sklearn
from vectordb.transforms.shaping.brent import bracket, minimum
from vectordb.transforms.shaping.likelihood import box_cox_power, yeo_johnson_power

pytest.importorskip("hypothesis")

from hypothesis import example, given, settings
from hypothesis import strategies as st

METHODS = ("yeo-johnson", "box-cox")
SHAPES = {
    "gauss": lambda rng: rng.gauss(0, 1),
    "moved": lambda rng: rng.gauss(3, 2),
    "skewed": lambda rng: rng.expovariate(1),
    "heavy": lambda rng: rng.lognormvariate(2, 1.5),
    "negative": lambda rng: -rng.expovariate(0.2),
    "zeros": lambda rng: max(0.0, rng.gauss(0, 1)),
    "zeros and below": lambda rng: min(0.0, rng.gauss(0, 1)),
    "counts": lambda rng: float(rng.randrange(12)),
    "large": lambda rng: rng.lognormvariate(12, 2),
}
POSITIVE = ("skewed", "heavy", "large")


def columns_of(names, seed, rows=80, missing=0.1):
    rng = random.Random(seed)
    return [[nan if rng.random() < missing else SHAPES[name](rng) for name in names] for _ in range(rows)]


def judge(rows, method, **parameters):
    """scikit-learn's, fitted."""
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    return preprocessing.PowerTransformer(method, **parameters).fit(numpy.array(rows, dtype=float))


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_sklearn(method, standardize, seed):
    numpy = pytest.importorskip("numpy")
    names = POSITIVE if method == "box-cox" else tuple(SHAPES)
    rows, fresh = columns_of(names, seed), columns_of(names, seed + 50)
    theirs = judge(rows, method, standardize=standardize)
    own = PowerTransformer(method, standardize=standardize).fit(rows)
    for mine, other in zip(own.lambdas_, theirs.lambdas_):
        assert abs(mine - other) < 1e-6
    taken = from_sklearn(theirs)  # at equal exponents
    assert taken.lambdas_ == tuple(theirs.lambdas_.tolist())
    wanted = theirs.transform(numpy.array(fresh))
    made = holds(taken, fresh)
    slack = 1e-13 if standardize else 0.0  # a difference from the mean
    assert close(made, wanted.tolist(), slack)
    back = theirs.inverse_transform(wanted)
    assert close(taken.inverse_transform(wanted), back.tolist(), slack=1e-13)  # near 0 it loses digits there
    holds(own, fresh)
    given_back = to_sklearn(own)
    assert close(given_back.transform(numpy.array(fresh)).tolist(), own.transform(fresh), slack)
    assert own.get_feature_names_out() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("method", METHODS)
def test_the_way_back(method):
    names = POSITIVE if method == "box-cox" else tuple(SHAPES)
    rows = columns_of(names, 9)
    own = PowerTransformer(method).fit(rows)
    for row, again in zip(rows, own.inverse_transform(own.transform(rows))):
        assert all(one != one or isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) for one, other in zip(row, again))


@pytest.mark.parametrize("power", [-3.0, -0.5, -1e-17, 0.0, 1e-17, 1e-12, 0.5, 1.0, 2.0, 2.0 + 1e-12, 4.0])
@pytest.mark.parametrize("method", METHODS)
def test_every_exponent(method, power):
    numpy = pytest.importorskip("numpy")
    theirs = judge([[1.0], [2.0], [5.0]], method, standardize=False)
    theirs.lambdas_[0] = power
    column = [[value] for value in (5e-324, 1e-300, 1e-9, 0.5, 1.0, 3.0, 1e5)]
    if method == "yeo-johnson":
        column += [[-value] for (value,) in column] + [[0.0], [-0.0], [nan]]
    if method == "box-cox" and power < 0.0:
        column = column[2:]
    taken = from_sklearn(theirs)
    assert close(holds(taken, column), theirs.transform(numpy.array(column)).tolist())


def test_first_values():
    own = PowerTransformer(standardize=False).fit([[0.0], [0.0]])
    halved = changed(own, lambdas_=[0.5])
    assert close(holds(halved, [[-2.0], [3.0]]), [[-2.797434948471088], [2.0]])
    assert close(halved.inverse_transform([[-2.797434948471088], [2.0]]), [[-2.0], [3.0]])


def test_exponents_are_those_of_the_largest_likelihood():
    """To a millionth of their size, by an evaluation with forty digits."""
    mpmath = pytest.importorskip("mpmath")
    rng = random.Random(4)
    columns = [[2020 - rng.expovariate(0.05) for _ in range(30)], [rng.lognormvariate(0, 1) for _ in range(30)]]
    with mpmath.workdps(40):
        for column in columns:
            logs = [mpmath.log(mpmath.mpf(value)) for value in column]

            def slope(power, logs=logs):
                powers = [mpmath.exp(power * one) for one in logs]
                steps = [one * value for one, value in zip(logs, powers)]
                mean, change = mpmath.fsum(powers) / len(logs), mpmath.fsum(steps) / len(logs)
                spread = mpmath.fsum((value - mean) ** 2 for value in powers)
                together = mpmath.fsum((value - mean) * (step - change) for value, step in zip(powers, steps))
                return len(logs) * (together / spread - 1 / power) - mpmath.fsum(logs)

            found = box_cox_power(column)
            assert abs(float(mpmath.findroot(slope, found)) - found) < 1e-7 * max(1.0, abs(found))


@pytest.mark.parametrize("method", METHODS)
def test_values_close_together_stay_apart(method):
    """scikit-learn's outputs are equal here: its powers run into one."""
    rng = random.Random(2)
    years = [[1950 + rng.expovariate(0.05)] for _ in range(100)]
    near = [[1e8 + rng.gauss(0, 1)] for _ in range(100)]
    for rows in (years, near):
        own = PowerTransformer(method).fit(rows)
        made = [row[0] for row in holds(own, sorted(rows))]
        assert all(low < high for low, high in pairwise(made)) and abs(made[0]) < 10 and abs(made[-1]) < 10
    if method == "yeo-johnson":
        mirrored = PowerTransformer().fit([[-value] for (value,) in years])
        assert isclose(2.0 - mirrored.lambdas_[0], PowerTransformer().fit(years).lambdas_[0], rel_tol=1e-6)
    else:
        own = PowerTransformer(method).fit([[1.0 / value] for (value,) in years])
        assert len({row[0] for row in own.transform([[1.0 / value] for (value,) in years])}) == 100


def test_no_value_of_the_fit_overflows():
    numpy = pytest.importorskip("numpy")
    stats = pytest.importorskip("scipy.stats")
    for column in ([2003.0, 1950.0, 1997.0, 2000.0, 2009.0], [0.5, 0.4999, 0.4998, 0.3], [1.0, 2.0, 2.01, 2.02]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the exponent is bounded
            wanted = stats.boxcox(numpy.array(column))[1]
        rows = [[value] for value in column]
        own = PowerTransformer("box-cox", standardize=False).fit(rows)
        assert abs(own.lambdas_[0] - wanted) < 1e-6 * max(1.0, abs(wanted))
        holds(own, rows)


def test_constant_columns():
    own = PowerTransformer().fit([[2.5, 0.0, -1e8, nan], [2.5, 0.0, -1e8, 3.0], [2.5, 0.0, -1e8, 3.0]])
    assert own.lambdas_ == (1.0, 1.0, 1.0, 1.0)  # scikit-learn looks for an exponent of the last, which has a gap
    assert holds(own, [[2.5, 0.0, -1e8, 3.0]]) == [[0.0, 0.0, 0.0, 0.0]]
    assert PowerTransformer().fit([[5.0]]).lambdas_ == (1.0,)
    with pytest.raises(InvalidInput, match="constant"):
        PowerTransformer("box-cox").fit([[2.0], [2.0]])
    for method in METHODS:
        with pytest.raises(InvalidInput, match="all nan"):
            PowerTransformer(method).fit([[nan, 1.0], [nan, 2.0]])


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(name):
    rows = EXTREMES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = PowerTransformer(standardize=False).fit(rows)
    made = holds(own, rows)
    assert all(value - value == 0 for row, given in zip(made, rows) for value, had in zip(row, given) if had == had)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-1e308, 1e308) | st.integers(-3, 3).map(float), min_size=2, max_size=12))
@example([1.5620586872511579e277, -1.0])
@example([1e308, -1e308, 3.0])
@example([-1e200, 1e-200, 0.0])
@example([-5e-324, 5e-324, 1.0])
@example([-6.5e295, 0.0, -1e-167])
def test_any_values(column):
    own = PowerTransformer(standardize=False).fit([[value] for value in column])
    made = [row[0] for row in three_ways(own, [[value] for value in sorted(column)])]
    assert all(low <= high for low, high in pairwise(made))
    positive = sorted({abs(value) for value in column} - {0.0})
    if len(positive) > 1:
        other = PowerTransformer("box-cox", standardize=False).fit([[value] for value in positive])
        made = [row[0] for row in other.transform([[value] for value in positive])]
        assert all(low <= high for low, high in pairwise(made))


def test_brent():
    assert isclose(minimum(lambda x: (x - 2.0) ** 4, -5.0, 9.0), 2.0, abs_tol=1e-3)
    assert isclose(minimum(cos, 0.0, 6.0), 3.141592653589793, rel_tol=1e-7)
    assert isclose(minimum(lambda x: exp(x) - 2 * x, -3.0, 3.0), log(2), rel_tol=1e-7)
    assert isclose(minimum(lambda x: x, 1.0, 2.0), 1.0, rel_tol=1e-6)
    assert 1.0 <= minimum(lambda x: inf, 1.0, 2.0) <= 2.0
    assert isclose(minimum(lambda x: inf if x < 1.5 else x, 0.0, 4.0), 1.5, rel_tol=1e-6)
    for centre in (-1e6, -2.5, 0.0, 0.1, 1e4):
        low, middle, high = bracket(lambda x, centre=centre: (x - centre) * (x - centre), -2.0, 2.0)
        assert low <= middle <= high and low <= centre <= high
        found = minimum(lambda x, centre=centre: (x - centre) * (x - centre), low, high, middle)
        assert isclose(found, centre, rel_tol=1e-7, abs_tol=1e-7)


def test_brent_agrees_with_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    rng = random.Random(5)
    for _ in range(20):
        a, b, c = rng.uniform(0.1, 2), rng.uniform(-3, 3), rng.uniform(0, 2)

        def curve(x, a=a, b=b, c=c):
            return a * (x - b) * (x - b) + c * cos(x) + exp(0.3 * x)

        wanted = optimize.minimize_scalar(curve, bounds=(-8, 8), method="bounded", options={"xatol": 1e-9}).x
        assert isclose(curve(minimum(curve, -8.0, 8.0)), curve(wanted), rel_tol=1e-9)


def test_likelihood_does_not_change_with_order():
    rng = random.Random(6)
    column = [rng.lognormvariate(0, 1) for _ in range(200)]
    shuffled = rng.sample(column, len(column))
    assert yeo_johnson_power(column) == yeo_johnson_power(shuffled)
    assert box_cox_power(column) == box_cox_power(shuffled)


@pytest.mark.parametrize("parameters", [{"method": "log"}, {"method": None}, {"standardize": "yes"}], ids=str)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        PowerTransformer(**parameters).fit([[1.0], [2.0]])


def test_values_refused():
    own = PowerTransformer().fit([[1.0, 2.0], [2.0, 3.0], [4.0, 7.0]])
    for row in INFINITE:
        with pytest.raises(InvalidInput, match="infinity"):
            PowerTransformer().fit([row, [1.0, 2.0]])
        with pytest.raises(InvalidInput):
            own.transform([row])
    positive = PowerTransformer("box-cox").fit([{"price": 1.0}, {"price": 2.0}, {"price": 5.0}])
    for value in (0.0, -1.0):
        with pytest.raises(InvalidInput, match=r"strictly positive.*price"):
            PowerTransformer("box-cox").fit([{"price": value}, {"price": 1.0}])
        with pytest.raises(CannotTransform, match=r"strictly positive.*price"):
            positive.transform_one({"price": value})
    assert same_bits(positive.transform([[nan]]), [[nan]])


def test_what_has_no_finite_result_is_refused():
    own = PowerTransformer(standardize=False).fit([{"price": 0.0}, {"price": 0.0}])
    with pytest.raises(CannotTransform, match=r"finite.*price"):
        changed(own, lambdas_=[3.0]).transform_one({"price": 1e200})
    with pytest.raises(CannotTransform, match=r"finite.*price"):  # scikit-learn gives NaN and warns
        changed(own, lambdas_=[-1.0]).inverse_transform([[1.5]])
    positive = PowerTransformer("box-cox", standardize=False).fit([[1.0], [2.0], [5.0]])
    with pytest.raises(CannotTransform, match="finite"):
        changed(positive, lambdas_=[-1.0]).inverse_transform([[1.0]])
    with pytest.raises(CannotTransform, match="finite"):
        changed(positive, lambdas_=[30.0]).transform([[1e300]])


@pytest.mark.parametrize(
    "fields, place",
    [
        ({"lambdas_": [1.0]}, "lambdas_"),
        ({"lambdas_": [1.0, {"float": "nan"}]}, "lambdas_"),
        ({"lambdas_": [1.0, "2"]}, "lambdas_"),
        ({"lambdas_": None}, "lambdas_"),
        ({"means_": None}, "means_"),
        ({"means_": [0.0, {"float": "inf"}]}, "means_"),
        ({"scales_": [1.0]}, "scales_"),
        ({"scales_": [1.0, 0.0]}, "scales_"),
        ({"scales_": [1.0, -1.0]}, "scales_"),
        ({"n_features_in_": 3}, "lambdas_"),
    ],
    ids=str,
)
def test_malformed_files(fields, place):
    own = PowerTransformer().fit([[1.0, 2.0], [2.0, 3.0], [4.0, 7.0]])
    with pytest.raises(InvalidInput, match=place):
        changed(own, **fields)
    with pytest.raises(InvalidInput, match="means_"):
        changed(PowerTransformer(standardize=False).fit([[1.0], [2.0]]), means_=[1.0])


def test_in_a_chain():
    chain = Pipeline([("scale", StandardScaler()), ("power", PowerTransformer())])
    rows = [[1.0], [2.0], [4.0], [9.0]]
    made = holds(chain.fit(rows), [*rows, [nan]])
    assert same_bits(stored(chain).transform(rows), made[:4])


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(PowerTransformer()) == []
    assert failed_checks(PowerTransformer(standardize=False)) == []


def test_estimator_checks_of_box_cox():
    """Those that give numbers that are not above 0 fail, as they do for scikit-learn's own."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    names, theirs = (
        {failed.partition(":")[0] for failed in failed_checks(one("box-cox"))}
        for one in (PowerTransformer, preprocessing.PowerTransformer)
    )
    assert names <= theirs
