"""OneHotEncoder against scikit-learn's, in three ways; what it refuses and warns of."""

from __future__ import annotations

import random
import warnings
from itertools import product
from math import nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.encoders import failed_checks, same_bits, stored, three_ways
from vectordb.transforms import OneHotEncoder, dumps

WORDS = ["a", "b", "c", "d", "e", None, nan]
BOTH = {"min_frequency": 5, "max_categories": 2}
PARAMETERS = [
    {"drop": drop, "handle_unknown": unknown, **limit}
    for drop, unknown, limit in product(
        [None, "first", "if_binary"],
        ["error", "ignore", "infrequent_if_exist", "warn"],
        [{}, {"min_frequency": 8}, {"min_frequency": 0.2}, {"max_categories": 3}, BOTH],
    )
]


def sample(seed: int, rows: int = 60) -> list[list]:
    """A column of words with gaps, one of two words, one of whole numbers, one of fractions with NaN."""
    rng = random.Random(seed)
    weights = [9, 6, 4, 3, 1, 2, 2]
    return [
        [rng.choices(WORDS, weights)[0], rng.choice("xy"), rng.randrange(5), rng.choice([0.5, 1.5, nan])]
        for _ in range(rows)
    ]


def theirs(parameters: dict, rows: list[list]):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    array = numpy.array(rows, dtype=object)
    return preprocessing.OneHotEncoder(sparse_output=False, **parameters).fit(array), array


def plain(categories) -> list:
    return [repr(list(own)) for own in categories]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_sklearn(parameters, seed):
    rows, fresh = sample(seed), sample(seed + 100)
    other, array = theirs(parameters, rows)
    own = OneHotEncoder(**parameters).fit(rows)
    assert plain(own.categories_) == plain(c.tolist() for c in other.categories_)
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    drops = other.drop_idx_
    assert own.drop_idx_ == (None if drops is None else tuple(drops.tolist()))
    if len(parameters) > 2:
        groups = [None if c is None else c.tolist() for c in other.infrequent_categories_]
        assert repr([None if c is None else list(c) for c in own.infrequent_categories_]) == repr(groups)
    made = three_ways(own, rows)
    assert made == other.transform(array).tolist()
    if parameters["handle_unknown"] != "error":
        fresh[0][0], fresh[1][2] = "unseen", 77
    numpy = pytest.importorskip("numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert three_ways(own, fresh) == other.transform(numpy.array(fresh, dtype=object)).tolist()
        encoded = numpy.array(own.transform(fresh))
        # Zeros of an ignored category stand for the dropped one, which scikit-learn looks up by its place among the
        # grouped categories in the list of ungrouped ones.
        if not (parameters["handle_unknown"] == "ignore" and parameters["drop"] and len(parameters) > 2):
            assert repr(own.inverse_transform(encoded).tolist()) == repr(other.inverse_transform(encoded).tolist())
        again = OneHotEncoder._from_sklearn(other)
        assert again.get_feature_names_out() == own.get_feature_names_out()
        assert same_bits(again.transform(fresh), own.transform(fresh))
        assert same_bits(stored(again).transform(fresh), own.transform(fresh))
        back = own._to_sklearn()
        assert back.transform(numpy.array(fresh, dtype=object)).tolist() == encoded.tolist()
        assert back.get_feature_names_out().tolist() == own.get_feature_names_out()


@pytest.mark.parametrize(
    "column",
    [[1, 2, 3], [1.5, 2, nan], [True, False, True], ["x"] * 3, [1, None, 3], [0, -0.0, 1], [5e-324, 1e308, 1e8]],
    ids=repr,
)
def test_types_of_categories(column):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows = [[value] for value in column]
    other = preprocessing.OneHotEncoder(sparse_output=False).fit(rows)
    own = OneHotEncoder().fit(rows)
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    assert three_ways(own, rows) == other.transform(rows).tolist()
    if None not in column:
        assert own.transform(numpy.array(rows)).tolist() == other.transform(rows).tolist()


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_inverse_of_known_categories(parameters):
    rows = sample(7)
    own = OneHotEncoder(**parameters).fit(rows)
    rare = [set(map(repr, group or ())) for group in own.infrequent_categories_]
    wanted = [
        ["infrequent_sklearn" if repr(value) in group else value for value, group in zip(row, rare)] for row in rows
    ]
    assert repr([list(row) for row in own.inverse_transform(own.transform(rows))]) == repr(wanted)


def test_given_categories():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    categories = [["b", "a", "z"], [1, 2, 5]]
    rows = [["a", 1], ["b", 5], ["z", 2]]
    own = OneHotEncoder(categories=categories).fit(rows)
    other = preprocessing.OneHotEncoder(categories=categories, sparse_output=False).fit(rows)
    assert three_ways(own, rows) == other.transform(rows).tolist()
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    assert same_bits(stored(own).transform(rows), own.transform(rows))
    ignoring = OneHotEncoder(categories=categories, handle_unknown="ignore", min_frequency=2).fit([["a", 1], ["q", 1]])
    same = preprocessing.OneHotEncoder(
        categories=categories, handle_unknown="ignore", min_frequency=2, sparse_output=False
    ).fit([["a", 1], ["q", 1]])
    assert ignoring.transform(rows) == same.transform(rows).tolist()


@pytest.mark.parametrize(
    "categories, rows",
    [
        ([["a"]], [["a", 1]]),  # of fewer features
        ([["a", "a"]], [["a"]]),
        ([[nan, 1.0]], [[1.0]]),
        ([[3, 1]], [[1]]),
        ([["a"]], [["b"]]),  # unknown in the fit
        (["ab"], [["a"]]),
        ("all", [["a"]]),
    ],
)
def test_given_categories_refused(categories, rows):
    with pytest.raises(InvalidInput):
        OneHotEncoder(categories=categories).fit(rows)


@pytest.mark.parametrize(
    "parameters",
    [
        {"drop": "last"},
        {"handle_unknown": "skip"},
        {"min_frequency": 0},
        {"min_frequency": 1.5},
        {"max_categories": 0},
        {"dtype": "text"},
        {"feature_name_combiner": "join"},
        {"drop": ["a", "b"]},
        {"drop": ["q"]},
        {"drop": ["a"], "min_frequency": 2},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        OneHotEncoder(**parameters).fit([["a"], ["b"], ["b"]])


def test_dropped_by_name():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows = [["a", 1.0], ["b", nan], ["c", 2.0]]
    own = OneHotEncoder(drop=["b", nan]).fit(rows)
    other = preprocessing.OneHotEncoder(drop=["b", nan], sparse_output=False).fit(rows)
    assert three_ways(own, rows) == other.transform(rows).tolist()
    assert repr(own.inverse_transform(own.transform(rows))) == repr(rows)
    assert same_bits(stored(own).transform(rows), own.transform(rows))


def test_unknown_is_refused_by_name():
    own = OneHotEncoder().fit({"city": ["a", "b"]})
    with pytest.raises(CannotTransform, match="unknown") as caught:
        own.transform_one({"city": "c"})
    assert "city" in str(caught.value)
    with pytest.raises(CannotTransform):
        own.transform([[None]])
    with pytest.raises(CannotTransform):  # also where the feature has no column
        OneHotEncoder(drop="first").fit([["a"]]).transform([["b"]])


def test_unknown_is_warned_of():
    own = OneHotEncoder(handle_unknown="warn").fit([["a"], ["b"]])
    with pytest.warns(UserWarning, match="all zeros"):
        assert own.transform([["c"]]) == [[0.0, 0.0]]
    grouped = OneHotEncoder(handle_unknown="warn", min_frequency=2).fit([["a"], ["a"], ["b"]])
    with pytest.warns(UserWarning, match="infrequent"):
        assert grouped.transform([["c"]]) == [[0.0, 1.0]]
    with pytest.warns(UserWarning, match="all zeros"):
        OneHotEncoder(handle_unknown="ignore", drop="first").fit([["a"], ["b"]]).transform([["c"]])


def test_inverse_refuses_zeros():
    own = OneHotEncoder().fit([["a"], ["b"]])
    for row in ([0.0, 0.0], [nan, 1.0]):
        with pytest.raises(CannotTransform):
            own.inverse_transform([row])
    with pytest.raises(InvalidInput):
        own.inverse_transform([[1.0]])


def test_infinities_refused():
    with pytest.raises(InvalidInput):
        OneHotEncoder().fit([[float("inf")]])
    with pytest.raises(InvalidInput):
        OneHotEncoder(handle_unknown="ignore").fit([[1.0]]).transform([[float("-inf")]])
    with pytest.raises(InvalidInput):
        OneHotEncoder().fit([[float("inf"), "a"], ["b", "c"]])


def test_mixed_types_are_ordered():
    own = OneHotEncoder().fit([["b"], [2], [None], [1.5], ["a"], [True], [nan]])
    assert repr(own.categories_) == "((True, 1.5, 2, 'a', 'b', None, nan),)"
    assert own.transform_one([1.0]) == own.transform_one([1]) == own.transform_one([True])


def test_own_names():
    own = OneHotEncoder(feature_name_combiner=lambda feature, category: f"{feature}={category}").fit([["a"], ["b"]])
    assert own.get_feature_names_out(["x"]) == ["x=a", "x=b"]
    with pytest.raises(InvalidInput):
        dumps(own)
    with pytest.raises(InvalidInput):
        OneHotEncoder(feature_name_combiner=lambda *_: 1).fit([["a"]]).get_feature_names_out()


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(OneHotEncoder()) == []
    assert failed_checks(OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="first")) == []
