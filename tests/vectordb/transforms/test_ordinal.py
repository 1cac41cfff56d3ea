"""OrdinalEncoder and LabelEncoder against scikit-learn's, in three ways, in pieces, and through their files."""

from __future__ import annotations

import json
import random
from math import nan

import pytest

from ledger import CannotTransform, InvalidInput, NotANumber, NotFitted
from tests.vectordb.transforms.encoders import bits, failed_checks, same_bits, stored, three_ways
from vectordb.transforms import (
    LabelEncoder,
    OrdinalEncoder,
    Pipeline,
    StandardScaler,
    dumps,
    loads,
    transformer_from_dict,
)

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

UNKNOWN = {"handle_unknown": "use_encoded_value"}
PARAMETERS = [
    {},
    {"encoded_missing_value": -3},
    {**UNKNOWN, "unknown_value": -1},
    {**UNKNOWN, "unknown_value": nan},
    {**UNKNOWN, "unknown_value": -1, "encoded_missing_value": -1},
    {**UNKNOWN, "unknown_value": nan, "encoded_missing_value": -2},
    {**UNKNOWN, "unknown_value": 90, "min_frequency": 6},
    {**UNKNOWN, "unknown_value": 90, "max_categories": 3, "encoded_missing_value": 91},
    {"min_frequency": 0.15},
    {"max_categories": 2},
]


def sample(seed: int, rows: int = 60) -> list[list]:
    rng = random.Random(seed)
    words = rng.choices(["a", "b", "c", "d", None, nan], [9, 6, 4, 2, 2, 2], k=rows)
    return [[word, rng.choice("xy"), rng.choice([1.0, 2.0, nan])] for word in words]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_sklearn(parameters, seed):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows, fresh = sample(seed), sample(seed + 50)
    other = preprocessing.OrdinalEncoder(**parameters).fit(numpy.array(rows, dtype=object))
    own = OrdinalEncoder(**parameters).fit(rows)
    assert [repr(list(c)) for c in own.categories_] == [repr(c.tolist()) for c in other.categories_]
    if "handle_unknown" in parameters:
        fresh[0][0], fresh[1][2] = "unseen", 77
    theirs = other.transform(numpy.array(fresh, dtype=object))
    made = three_ways(own, fresh)
    assert same_bits(made, theirs.tolist())
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    if not {"min_frequency", "max_categories"} & set(parameters):
        back = other.inverse_transform(numpy.array(theirs))
        assert repr(own.inverse_transform(numpy.array(theirs)).tolist()) == repr(back.tolist())
    again = OrdinalEncoder._from_sklearn(other)
    assert same_bits(again.transform(fresh), made)
    assert same_bits(stored(again).transform(fresh), made)
    assert same_bits(stored(own).transform(fresh), made)
    assert same_bits(own._to_sklearn().transform(numpy.array(fresh, dtype=object)).tolist(), made)


def test_inverse_of_infrequent_beside_missing():
    """scikit-learn counts the missing category among the frequent ones here, and gives it for the infrequent."""
    own = OrdinalEncoder(min_frequency=2).fit([["a"], ["a"], ["b"], ["b"], ["c"], [nan]])
    assert own.infrequent_categories_ == [("c",)]
    back = own.inverse_transform([[0.0], [1.0], [2.0], [nan]])
    assert repr(back) == "[['a'], ['b'], ['infrequent_sklearn'], [nan]]"


@pytest.mark.parametrize(
    "parameters, error",
    [
        ({"unknown_value": 3}, TypeError),
        ({**UNKNOWN}, TypeError),
        ({**UNKNOWN, "unknown_value": 1.5}, TypeError),
        ({**UNKNOWN, "unknown_value": nan, "dtype": "int64"}, ValueError),
        ({**UNKNOWN, "unknown_value": 1}, ValueError),
        ({"encoded_missing_value": 1}, ValueError),
        ({"encoded_missing_value": 1.5}, ValueError),
        ({"dtype": "int64"}, ValueError),
        ({"handle_unknown": "ignore"}, ValueError),
        ({"dtype": float}, ValueError),
        ({"categories": [["a"]]}, ValueError),
    ],
    ids=str,
)
def test_parameters_refused(parameters, error):
    with pytest.raises(error) as caught:
        OrdinalEncoder(**parameters).fit([["a"], ["b"], [nan]])
    assert isinstance(caught.value, InvalidInput)


def test_given_categories_keep_their_order():
    own = OrdinalEncoder(categories=[["low", "mid", "high"]]).fit([["mid"], ["low"]])
    assert three_ways(own, [["high"], ["low"]]) == [[2.0], [0.0]]
    assert same_bits(stored(own).transform([["high"]]), [[2.0]])


def test_unknown_and_infinite_refused():
    own = OrdinalEncoder().fit([["a"], ["b"]])
    for row in (["c"], [None], [nan], [1.0]):
        with pytest.raises(CannotTransform):
            own.transform_one(row)
    with pytest.raises(InvalidInput):
        OrdinalEncoder().fit([[1.0], [float("inf")]])
    with pytest.raises(CannotTransform):
        own.inverse_transform([[2.0]])
    with pytest.raises(NotANumber):
        OrdinalEncoder().fit([["a"], [b"b"]])
    with pytest.raises(NotANumber):
        OrdinalEncoder().fit([[["a"]], [["b"]]])


def test_numbers_are_found_whatever_their_type():
    numpy = pytest.importorskip("numpy")
    own = OrdinalEncoder().fit([[1], [2], [3]])
    wanted = [[1.0], [0.0]]
    assert own.transform([[2.0], [1.0]]) == own.transform([[2], [True]]) == wanted
    assert own.transform(numpy.array([[2], [1]], dtype="int8")).tolist() == wanted
    assert own.transform(numpy.array([[2.0], [1.0]])).tolist() == wanted
    assert OrdinalEncoder().fit([[numpy.int64(1)], [numpy.str_("a")]]).categories_ == ((1, "a"),)


def test_a_chain_of_steps():
    chain = Pipeline([("code", OrdinalEncoder()), ("scale", StandardScaler())]).fit([["a"], ["b"], ["c"]])
    made = three_ways(chain, [["a"], ["c"]])
    assert made == [[-1.224744871391589], [1.224744871391589]]
    assert same_bits(loads(dumps(chain)).transform([["a"], ["c"]]), made)


CELLS = st.sampled_from(["a", "b", None, nan, 1, 1.0, True, 2])


@settings(deadline=None, max_examples=60)
@given(st.lists(CELLS, min_size=1, max_size=12), st.lists(CELLS, min_size=1, max_size=12))
def test_in_pieces(first, second):
    one, other = ([[value] for value in part] for part in (first, second))
    parameters = {"max_categories": 3, **UNKNOWN, "unknown_value": -1}
    both = OrdinalEncoder(**parameters).fit(one + other)
    a, b = OrdinalEncoder(**parameters).fit(one), OrdinalEncoder(**parameters).fit(other)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both)
    assert same_bits(a.merge(b).transform(other), both.transform(other))
    assert dumps(a.merge(b).retract(b)) == dumps(a)
    assert dumps(OrdinalEncoder(**parameters).partial_fit(one).partial_fit(other)) == dumps(both)


def test_a_refused_piece_changes_nothing():
    own = OrdinalEncoder(**UNKNOWN, unknown_value=2).fit([["a"], ["b"]])
    before = dumps(own)
    with pytest.raises(InvalidInput):
        own.partial_fit([["c"]])
    assert dumps(own) == before and own.categories_ == (("a", "b"),)


def test_malformed_files():
    for change in ({"sums_": [[["a", True]]]}, {"sums_": [[[["a"], 1]]]}, {"sums_": {}}, {"n_features_in_": 2}):
        form = json.loads(dumps(OrdinalEncoder().fit([["a"], ["b"]])))
        form["fitted"].update(change)
        with pytest.raises(InvalidInput, match="well formed") as caught:
            transformer_from_dict(form)
        assert "fitted" in str(caught.value)


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(OrdinalEncoder()) == []
    assert failed_checks(LabelEncoder()) == []


@pytest.mark.parametrize("labels", [["b", "a", "c"], [3, 1, 2, 1], [2.5, 1.0], [True, False], ["b", None]], ids=str)
def test_labels_agree_with_sklearn(labels):
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    array = numpy.array(labels, dtype=object if None in labels else None)
    other = preprocessing.LabelEncoder().fit(array)
    own = LabelEncoder().fit(labels)
    assert list(own.classes_) == other.classes_.tolist()
    assert list(map(bits, own.classes_)) == list(map(bits, other.classes_.tolist()))
    assert own.transform(labels) == other.transform(array).tolist() == own.fit_transform(labels)
    assert own.transform(array).tolist() == own.transform(labels)
    assert own.inverse_transform(own.transform(labels)) == labels
    again = LabelEncoder._from_sklearn(other)
    assert again.classes_ == own.classes_ == stored(own).classes_
    assert own._to_sklearn().transform(array).tolist() == own.transform(labels)


def test_labels_refused():
    own = LabelEncoder().fit(["a", "b"])
    with pytest.raises(InvalidInput, match="previously unseen"):
        own.transform(["c"])
    for places in ([2], [-1], ["a"], [0.5]):
        with pytest.raises(InvalidInput, match="previously unseen"):
            own.inverse_transform(places)
    for given_labels in ("ab", 3, [["a", "b"]]):
        with pytest.raises(InvalidInput):
            LabelEncoder().fit(given_labels)
    with pytest.raises(NotFitted):
        LabelEncoder().transform(["a"])
    assert own.transform([]) == [] == own.inverse_transform([])
    assert LabelEncoder().fit([["a"], ["b"]]).classes_ == ("a", "b")
    form = json.loads(dumps(own))
    form["fitted"]["classes_"] = ["a", "a"]
    with pytest.raises(InvalidInput, match="classes_"):
        transformer_from_dict(form)


def test_labels_in_a_program():
    chain = Pipeline([("label", LabelEncoder())]).fit([["b"], ["a"]])
    assert three_ways(chain, [["a"], ["b"]]) == [[0.0], [1.0]]
