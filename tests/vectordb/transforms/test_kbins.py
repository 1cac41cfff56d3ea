"""KBinsDiscretizer against scikit-learn's, in three ways, back, and through its file."""

from __future__ import annotations

import random
import warnings
from itertools import pairwise
from math import inf, nan

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
)
from vectordb.transforms import KBinsDiscretizer, Pipeline, StandardScaler, from_sklearn, to_sklearn
from vectordb.transforms.shaping.clusters import centres
from vectordb.transforms.shaping.spacing import METHODS, evenly, points

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

STRATEGIES = ("uniform", "quantile", "kmeans")


def judge(rows, **parameters):
    """scikit-learn's, fitted."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constants, narrow bins, few distinct clusters
        return preprocessing.KBinsDiscretizer(**parameters).fit(rows)


def fitted(rows, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return KBinsDiscretizer(**parameters).fit(rows)


def dense(made):
    return (made.toarray() if hasattr(made, "toarray") else made).tolist()


@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense", "onehot"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", [0, 1, 3])  # no cluster without numbers is offered two equally far ones
def test_agrees_with_sklearn(encode, strategy, seed):
    numpy = pytest.importorskip("numpy")
    rng = random.Random(seed)
    places = (0, 1, 2, 4, 6) if strategy == "kmeans" else (0, 1, 2, 3, 4, 6, 7)  # whole numbers are midway at times
    rows, fresh = ([[row[at] for at in places] for row in sample(seed + more, missing=0.0)] for more in (0, 50))
    counts = [rng.randrange(2, 9) for _ in rows[0]]
    parameters = {"n_bins": counts, "strategy": strategy, "encode": encode}
    theirs, own = judge(numpy.array(rows), **parameters), fitted(rows, **parameters)
    assert own.n_bins_ == tuple(theirs.n_bins_.tolist())
    assert close(own.bin_edges_, [edges.tolist() for edges in theirs.bin_edges_], slack=1e-15)
    wanted = theirs.transform(numpy.array(fresh))
    made = holds(own, fresh)
    assert same_bits(made, dense(wanted))
    assert own.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scikit-learn's: the middle of a constant feature's edges
        back = theirs.inverse_transform(wanted).tolist()
        assert close(own.inverse_transform(made), back, slack=1e-15)
        taken = from_sklearn(theirs)
        assert same_bits(holds(taken, fresh), dense(wanted))
        given_back = to_sklearn(own)
        assert same_bits(dense(given_back.transform(numpy.array(fresh))), made)
        assert close(given_back.inverse_transform(wanted).tolist(), back, slack=1e-15)
    assert given_back.get_feature_names_out().tolist() == own.get_feature_names_out()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [1, 2, 3, 10, 37, 100])
def test_quantile_methods(method, rows):
    numpy = pytest.importorskip("numpy")
    rng = random.Random(rows)
    column = sorted(rng.choice([rng.gauss(0, 1), float(rng.randrange(4))]) for _ in range(rows))
    for count in (1, 2, 3, 4, 5, 7, 10, 20):
        shares = [number / count for number in range(count + 1)]
        wanted = numpy.quantile(numpy.array(column), shares, method=method).tolist()
        assert close([points(column, shares, method)], [wanted])


@pytest.mark.parametrize("method", METHODS)
def test_bins_of_quantile_methods(method):
    rng = random.Random(3)
    rows = [[rng.gauss(0, 1), float(rng.randrange(30))] for _ in range(61)]
    parameters = {"n_bins": 6, "quantile_method": method}
    theirs, own = judge(rows, **parameters), fitted(rows, **parameters)
    assert close(own.bin_edges_, [edges.tolist() for edges in theirs.bin_edges_])
    assert from_sklearn(theirs).quantile_method == method


@pytest.mark.parametrize("seed", range(30))
def test_clusters(seed):
    """The tails leave clusters without numbers on the way. Seeds without equal distances, where rounding decides."""
    numpy = pytest.importorskip("numpy")
    cluster = pytest.importorskip("sklearn.cluster")
    rng = random.Random(seed)
    draw = rng.choice([lambda: rng.gauss(0, 1), lambda: rng.expovariate(1), lambda: rng.lognormvariate(0, 1)])
    column, count = [draw() for _ in range(rng.choice([10, 90, 400]))], rng.randrange(2, 9)
    edges = evenly(min(column), max(column), count + 1)
    start = [(low + high) * 0.5 for low, high in pairwise(edges)]
    theirs = cluster.KMeans(n_clusters=count, init=numpy.array(start)[:, None], n_init=1)
    wanted = theirs.fit(numpy.array(column)[:, None]).cluster_centers_[:, 0].tolist()
    assert close([centres(column, start)], [sorted(wanted)], slack=1e-14)


def test_clusters_of_few_numbers():
    assert centres([1.0, 1.0, 2.0], [1.1, 1.5, 1.9]) == [1.0, 1.0, 2.0]
    assert centres([1.0, 5.0, 9.0], [0.0, 1.0, 1e9]) == [1.0, 5.0, 9.0]
    assert centres([-1.7e308, 1.7e308], [-1e308, 1e308]) == [-1.7e308, 1.7e308]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e308, 1e308) | st.integers(-3, 3).map(float), min_size=1, max_size=20), st.integers(1, 5))
def test_clusters_are_means(column, count):
    """In order, and between the least and the greatest number."""
    found = centres(column, evenly(min(column), max(column), count))
    assert len(found) == count and found == sorted(found)
    assert min(column) <= found[0] and found[-1] <= max(column)


def test_first_values():
    rows = [[-2.0], [-1.0], [0.0], [1.0]]
    assert KBinsDiscretizer(3, strategy="uniform").fit(rows).bin_edges_ == ((-2.0, -1.0, 0.0, 1.0),)
    assert KBinsDiscretizer(3, strategy="kmeans").fit(rows).bin_edges_ == ((-2.0, -0.75, 0.5, 1.0),)
    own = KBinsDiscretizer(3, strategy="uniform", encode="ordinal").fit(rows)
    assert holds(own, [[-9.0], [-1.0], [-1e-9], [0.0], [9.0]]) == [[0.0], [1.0], [1.0], [2.0], [2.0]]
    assert own.inverse_transform([[0.0], [2.0]]) == [[-1.5], [0.5]]
    hot = KBinsDiscretizer(3, strategy="uniform").fit(rows)
    assert hot.transform([[0.5]]) == [[0.0, 0.0, 1.0]]
    assert hot.get_feature_names_out() == ["x0_0.0", "x0_1.0", "x0_2.0"]


def test_a_constant_feature_has_one_bin():
    with pytest.warns(UserWarning, match="Feature 0 is constant"):
        own = KBinsDiscretizer(encode="ordinal", strategy="uniform").fit([[2.0], [2.0]])
    assert own.n_bins_ == (1,) and own.bin_edges_ == ((-inf, inf),)
    assert holds(own, [[1.0], [3.0]]) == [[0.0], [0.0]]
    assert same_bits(own.inverse_transform([[0.0]]), [[nan]])


def test_narrow_bins_are_dropped():
    rows = [[0.0], [0.0], [0.0], [1.0]]
    with pytest.warns(UserWarning, match="too small"):
        own = KBinsDiscretizer(4, encode="ordinal").fit(rows)
    theirs = judge(rows, n_bins=4, encode="ordinal")
    assert list(own.bin_edges_[0]) == theirs.bin_edges_[0].tolist() and own.n_bins_ == tuple(theirs.n_bins_)
    with pytest.warns(UserWarning, match="too small"):
        tiny = KBinsDiscretizer(4).fit([[0.0], [1e-9]])
    assert tiny.n_bins_ == (1,) and holds(tiny, [[5.0]]) == [[1.0]]  # scikit-learn is left with no bin at all


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(strategy, name):
    rows = [[value if value == value else 7.0 for value in row] for row in EXTREMES[name]]
    parameters = {"n_bins": 3, "strategy": strategy, "encode": "ordinal"}
    own = fitted(rows, **parameters)
    made = holds(own, rows)
    if name != "huge" and not (name == "subnormal" and strategy == "quantile"):  # see the tests above
        theirs = judge(rows, **parameters)
        assert close(own.bin_edges_, [edges.tolist() for edges in theirs.bin_edges_])
        assert same_bits(made, theirs.transform(rows).tolist())
    assert all(0 <= value < 3 for row in made for value in row)


def test_subsample():
    rows = [[float(number % 97)] for number in range(400)]
    edges = [fitted(rows, subsample=40, random_state=seed).bin_edges_ for seed in (0, None, 0, 1)]
    assert edges[0] == edges[1] == edges[2] != edges[3]
    assert fitted(rows, subsample=None).bin_edges_ == fitted(rows, subsample=400, random_state=5).bin_edges_


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_bins": 1},
        {"n_bins": "3"},
        {"n_bins": 2.5},
        {"n_bins": None},
        {"n_bins": [2]},
        {"n_bins": [2, 1]},
        {"n_bins": [2, 2.5]},
        {"n_bins": [[2, 2]]},
        {"n_bins": ["a", 2]},
        {"encode": "sparse"},
        {"strategy": "equal"},
        {"quantile_method": "lower"},
        {"dtype": "float32"},
        {"subsample": 0},
        {"random_state": 1.5},
        {"n_bins": 5, "strategy": "kmeans"},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        KBinsDiscretizer(**parameters).fit([[1.0, 2.0], [2.0, 3.0]])


def test_float32_is_refused():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(InvalidInput, match="dtype"):
        from_sklearn(judge([[1.0], [2.0]], n_bins=2, dtype=numpy.float32))
    taken = from_sklearn(judge([[1.0], [2.0]], n_bins=2, dtype=numpy.float64))
    assert taken.dtype == "float64" and to_sklearn(taken).dtype is numpy.float64


def test_values_refused():
    own = fitted([[1.0, 2.0], [2.0, 3.0]], encode="ordinal")
    for row in [*INFINITE, [nan, 1.0], [1.0, None]]:
        with pytest.raises(InvalidInput):
            fitted([row, [1.0, 2.0]])
        with pytest.raises(InvalidInput):
            own.transform([row])
    for row in ([5.0, 0.0], [-1.0, 0.0], [nan, 0.0], [0.0]):
        with pytest.raises(InvalidInput):
            own.inverse_transform([row])
    hot = fitted([[1.0], [2.0]], n_bins=2)
    for row in ([0.0, 0.0], [nan, 1.0], [1.0]):
        with pytest.raises(InvalidInput):
            hot.inverse_transform([row])
    assert hot.inverse_transform([[0.25, 0.5]]) == [[1.75]]
    chain = Pipeline([("scale", StandardScaler()), ("bin", KBinsDiscretizer(2, encode="ordinal"))])
    with pytest.raises(CannotTransform, match="NaN"):
        chain.fit([[1.0], [2.0]]).transform_one([nan])


@pytest.mark.parametrize(
    "edges",
    [
        [[0.0, 1.0]],
        [[0.0, 1.0], [1.0]],
        [[0.0, 1.0], [2.0, 1.0]],
        [[0.0, 1.0], [{"float": "nan"}, 1.0]],
        [[0.0, 1.0], "01"],
        [[0.0, 1.0], [0.0, "a"]],
        {},
    ],
    ids=str,
)
def test_malformed_files(edges):
    own = fitted([[1.0, 2.0], [2.0, 3.0]], n_bins=2)
    with pytest.raises(InvalidInput, match="bin_edges_"):
        changed(own, bin_edges_=edges)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_estimator_checks(strategy):
    pytest.importorskip("sklearn")
    assert failed_checks(KBinsDiscretizer(strategy=strategy)) == []
    assert failed_checks(KBinsDiscretizer(strategy=strategy, encode="ordinal")) == []
