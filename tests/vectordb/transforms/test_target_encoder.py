"""TargetEncoder against scikit-learn's: equal encodings, cross-fitted by equal folds; in pieces; through its file."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import inf, isclose, nan

import pytest

from ledger import InvalidInput
from tests.vectordb.transforms.encoders import failed_checks, same_bits, stored, three_ways
from vectordb.transforms import Pipeline, StandardScaler, TargetEncoder, dumps, loads, transformer_from_dict

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

TARGETS = {
    "continuous": lambda rng: rng.gauss(3.0, 2.0),
    "binary": lambda rng: rng.choice(["no", "yes", "yes"]),
    "numbers": lambda rng: rng.choice([0, 1]),
    "multiclass": lambda rng: rng.choice(["p", "q", "r"]),
}


def sample(seed: int, rows: int = 80) -> list[list]:
    rng = random.Random(seed)
    return [[rng.choice(["a", "b", "c", None, nan]), rng.choice([1.0, 2.0, nan])] for _ in range(rows)]


def target(kind: str, seed: int, rows: int = 80) -> list:
    rng = random.Random(seed)
    return [TARGETS[kind](rng) for _ in range(rows)]


def close(one, other) -> bool:
    pairs = [pair for p, q in zip(one, other, strict=True) for pair in zip(p, q, strict=True)]
    return all(isclose(a, b, rel_tol=1e-12, abs_tol=1e-15) for a, b in pairs)


def folds(rows: int, count: int) -> list:
    places = list(range(rows))
    random.Random(5).shuffle(places)
    return [([p for p in places if p not in places[k::count]], places[k::count]) for k in range(count)]


class Given:
    """Folds as scikit-learn takes them."""

    def __init__(self, pairs):
        self.pairs = pairs

    def split(self, X, y=None, groups=None):
        numpy = pytest.importorskip("numpy")
        for train, test in self.pairs:
            yield numpy.array(train), numpy.array(test)

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.pairs)


@pytest.mark.parametrize("smooth", ["auto", 0.0, 2.5, 1000])
@pytest.mark.parametrize("kind", TARGETS)
def test_agrees_with_sklearn(kind, smooth):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows, y = sample(1), target(kind, 2)
    array = numpy.array(rows, dtype=object)
    other = preprocessing.TargetEncoder(smooth=smooth).fit(array, y)
    own = TargetEncoder(smooth=smooth).fit(rows, y)
    assert own.target_type_ == other.target_type_
    assert own.classes_ == (None if other.classes_ is None else tuple(other.classes_.tolist()))
    assert close([numpy.atleast_1d(own.target_mean_)], [numpy.atleast_1d(other.target_mean_)])
    assert close(own.encodings_, other.encodings_)
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    fresh = [["a", 2.0], ["unseen", 5.0], [None, nan], [nan, 1.0]]
    made = three_ways(own, fresh)
    assert close(made, other.transform(numpy.array(fresh, dtype=object)))
    assert same_bits(stored(own).transform(fresh), made)
    again = TargetEncoder._from_sklearn(other)
    assert close(stored(again).transform(fresh), made)
    assert close(own._to_sklearn().transform(numpy.array(fresh, dtype=object)), made)
    pairs = folds(len(rows), 4)
    other = preprocessing.TargetEncoder(smooth=smooth, cv=Given(pairs))
    own = TargetEncoder(smooth=smooth, cv=pairs)
    assert close(own.fit_transform(rows, y), other.fit_transform(array, y))


def test_values_to_start_from():
    own = TargetEncoder().fit([["a"], ["a"], ["b"], ["b"], ["b"]], [1, 0, 1, 1, 0])
    assert close(own.encodings_, [[0.5342465753424658, 0.6509433962264151]])
    assert own.target_mean_ == 0.6 and own.transform([["c"]]) == [[0.6]]


@pytest.mark.parametrize("y", [[1e308, 1e308, -1e308, 1e308], [1e15, 1e15 + 1, 1e15 + 2, 1e15], [5e-324, 0, 0, 1e-310]])
@pytest.mark.parametrize("smooth", ["auto", 0.5])
def test_encodings_are_rounded_once(y, smooth):
    rows = [["a"], ["b"], ["a"], ["b"]]
    own = TargetEncoder(smooth=smooth, target_type="continuous").fit(rows, y)
    exact = list(map(Fraction, y))
    mean = sum(exact) / 4
    for category, found in zip("ab", own.encodings_[0]):
        part = [value for value, row in zip(exact, rows) if row == [category]]
        inner = sum(part) / 2
        if smooth == "auto":
            all_of = sum((value - mean) ** 2 for value in exact) / 4
            within = sum((value - inner) ** 2 for value in part) / 2
            share = 2 * all_of / (2 * all_of + within)
            assert found == float(share * inner + (1 - share) * mean)
        else:
            assert found == float((sum(part) + Fraction(smooth) * mean) / (2 + Fraction(smooth)))


def test_a_target_that_is_constant():
    own = TargetEncoder().fit([["a"], ["b"]], [2.5, 2.5])
    assert own.encodings_ == ((2.5, 2.5),)
    one = TargetEncoder().fit([["a"], ["b"]], ["x", "x"])
    assert (one.target_type_, one.classes_, one.encodings_) == ("binary", ("x",), ((0.0, 0.0),))


def test_given_categories():
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows, y = [["a"], ["b"], ["b"], ["a"]], [1.5, 2.0, 9.0, 0.5]
    for smooth in ("auto", 0.0, 1.0):
        own = TargetEncoder([["a", "b", "c"]], smooth=smooth).fit(rows, y)
        other = preprocessing.TargetEncoder([["a", "b", "c"]], smooth=smooth).fit(numpy.array(rows, dtype=object), y)
        assert close(own.encodings_, other.encodings_)
        assert own.target_mean_ == other.target_mean_ == own.transform_one(["q"])[0]


def test_rows_of_no_given_category():
    """They count for the mean of all, and for no category; scikit-learn adds them to the first one."""
    own = TargetEncoder([["a", "b", "c"]], smooth=1.0).fit([["a"], ["b"], ["q"], ["a"]], [1.5, 2.0, 9.0, 0.5])
    assert own.target_mean_ == 3.25
    assert own.encodings_ == (((1.5 + 0.5 + 3.25) / 3, (2.0 + 3.25) / 2, 3.25),)


def test_cross_fitting():
    rows, y = sample(3), target("binary", 4)
    made = TargetEncoder(random_state=7).fit_transform(rows, y)
    assert same_bits(made, TargetEncoder(random_state=7).fit_transform(rows, y))
    assert not same_bits(made, TargetEncoder(random_state=8).fit_transform(rows, y))
    assert not same_bits(made, TargetEncoder().fit(rows, y).transform(rows))
    assert not same_bits(made, TargetEncoder(shuffle=False).fit_transform(rows, y))
    chain = Pipeline([("code", TargetEncoder(random_state=7)), ("scale", StandardScaler(with_std=False))])
    whole = chain.fit_transform(rows, y)
    means = chain.named_steps.scale.mean_
    assert same_bits(whole, [[value - mean for value, mean in zip(row, means)] for row in made])
    assert same_bits(loads(dumps(chain)).transform(rows), chain.transform(rows))


@pytest.mark.parametrize(
    "cv",
    [
        *(1, "5", 100, [[0, 1]], [([9], [0])]),
        [([0], [1, 2, 3])],
        [([0, 1], [2, 3]), ([2], [0, 1, 3])],
        [([], [0, 1, 2, 3])],
    ],
    ids=str,
)
def test_folds_refused(cv):
    with pytest.raises(InvalidInput):
        TargetEncoder(cv=cv).fit_transform([["a"], ["b"], ["a"], ["b"]], [0, 1, 0, 1])


@pytest.mark.parametrize(
    "parameters, y",
    [
        ({}, None),
        ({}, [1, 0]),
        ({}, [1, None, 0]),
        ({}, [1.5, nan, 0]),
        ({}, [1.5, inf, 0]),
        ({}, [[1, 2], [3, 4], [5, 6]]),
        ({"target_type": "binary"}, [1, 2, 3]),
        ({"target_type": "continuous"}, ["a", "b", "c"]),
        ({"target_type": "ranks"}, [1, 0, 1]),
        ({"smooth": -1}, [1, 0, 1]),
        ({"smooth": nan}, [1, 0, 1]),
        ({"smooth": "none"}, [1, 0, 1]),
        ({"random_state": "seed"}, [1, 0, 1]),
    ],
    ids=str,
)
def test_refused(parameters, y):
    with pytest.raises(InvalidInput):
        TargetEncoder(**parameters).fit([["a"], ["b"], ["a"]], y)


NUMBERS = st.floats(-1e308, 1e308, allow_nan=False)
ROWS = st.tuples(st.sampled_from(["a", "b", None, nan, 1, 1.0, True]), NUMBERS, st.sampled_from(["x", "y", "z"]))


@settings(deadline=None, max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=8), st.lists(ROWS, min_size=1, max_size=8), st.booleans())
def test_in_pieces(first, second, labels):
    def fitted(rows):
        y = [row[2] if labels else row[1] for row in rows]
        return TargetEncoder(target_type="auto" if labels else "continuous").fit([[row[0]] for row in rows], y)

    a, b, both = fitted(first), fitted(second), fitted(first + second)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both)
    assert dumps(a.merge(b).retract(b)) == dumps(a)
    assert same_bits(a.merge(b).encodings_, both.encodings_)
    assert same_bits(a.merge(b).retract(b).encodings_, a.encodings_)
    assert a.merge(b).classes_ == both.classes_
    assert same_bits(stored(both).encodings_, both.encodings_)


def test_pieces_of_a_kind():
    numbers = TargetEncoder().fit([["a"], ["b"]], [1.5, 2.0])
    labels = TargetEncoder().fit([["a"], ["b"]], [1, 0])
    with pytest.raises(InvalidInput, match="target_type"):
        numbers.merge(labels)
    with pytest.raises(InvalidInput, match="target_type"):
        labels.partial_fit([["a"]], [0.5])
    assert labels.encodings_ == TargetEncoder().fit([["a"], ["b"]], [1, 0]).encodings_
    more = numbers.partial_fit([["a"]], [1])
    assert dumps(more) == dumps(TargetEncoder().fit([["a"], ["b"], ["a"]], [1.5, 2.0, 1.0]))
    with pytest.raises(InvalidInput, match="taken back"):
        more.retract(TargetEncoder(target_type="auto").fit([["b"]], [7.5]))
    nothing = labels.retract(labels)
    assert nothing.categories_ == ((),) and nothing.target_mean_ != nothing.target_mean_
    assert dumps(nothing.merge(labels)) == dumps(labels) and dumps(stored(nothing)) == dumps(nothing)


@pytest.mark.parametrize(
    "change, place",
    [
        (lambda sums: sums.update(target="words"), "sums_.target"),
        (lambda sums: sums.update(more=1), "sums_"),
        (lambda sums: sums["features"].append([]), "sums_"),
        (lambda sums: sums["features"][0].append(["z", [1, 5, 1, 1]]), "sums_.features[0]"),
        (lambda sums: sums["features"][0].append(["z", [0, 0, 0, 1]]), "sums_.features[0]"),
        (lambda sums: sums["features"][0].append(["z", [1, 1, 1, 3]]), "sums_.features[0]"),
        (lambda sums: sums["features"][0].append(["z", 1]), "sums_.features[0]"),
        (lambda sums: sums["features"][0].append(["z", [1, 1, 1, 1]]), "sums_"),
    ],
)
def test_malformed_files(change, place):
    form = json.loads(dumps(TargetEncoder().fit([["a", 1], ["b", 2]], [0.5, 1.5])))
    change(form["fitted"]["sums_"])
    with pytest.raises(InvalidInput) as caught:
        transformer_from_dict(form)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        *({"target_type_": "auto"}, {"classes_": [1, 2]}, {"means_": []}),
        *({"encodings_": [[0.5]]}, {"encodings_": [[0.5, "x"]]}),
    ],
    ids=str,
)
def test_malformed_files_without_sums(change):
    form = json.loads(dumps(TargetEncoder().fit([["a"], ["b"]], [0.5, 1.5])))
    bare = {"categories_": [["a", "b"]], "encodings_": [[0.5, 1.5]], "means_": [1.0], "target_type_": "continuous"}
    form["fitted"].update(bare, classes_=None, sums_=None)
    assert transformer_from_dict(form).transform([["b"], ["c"]]) == [[1.5], [1.0]]
    form["fitted"].update(change)
    with pytest.raises(InvalidInput, match="well formed"):
        transformer_from_dict(form)


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(TargetEncoder()) == []
