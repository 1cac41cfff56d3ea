"""MissingIndicator against scikit-learn's, of numbers and of words, and through its file."""

from __future__ import annotations

import random
from math import inf, nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import changed, failed_checks, holds, refuses_changed, same_bits
from vectordb.transforms import MissingIndicator, from_sklearn, to_sklearn

PARAMETERS = [
    {},
    {"features": "all"},
    {"error_on_new": False},
    {"features": "all", "error_on_new": False, "sparse": False},
]


def sample(seed, marker, values):
    """Two columns with gaps, one without, and one that is wholly missing."""
    rng = random.Random(seed)
    return [
        [rng.choice([*values, marker]), rng.choice(values), rng.choice([values[0], marker]), marker] for _ in range(12)
    ]


def agrees(parameters, rows, fresh, dtype):
    numpy = pytest.importorskip("numpy")
    impute = pytest.importorskip("sklearn.impute")
    array = numpy.array(fresh, dtype=dtype)
    other = impute.MissingIndicator(**parameters).fit(numpy.array(rows, dtype=dtype))
    own = MissingIndicator(**parameters).fit(rows)
    wanted = other.transform(array).astype(float).tolist()
    assert list(own.features_) == other.features_.tolist()
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    assert same_bits(holds(own, fresh), wanted)
    taken, back = from_sklearn(other), to_sklearn(own)
    assert same_bits(holds(taken, fresh), wanted)
    for one in (back, to_sklearn(taken)):
        assert same_bits(one.transform(array).astype(float).tolist(), wanted)
        assert one.get_feature_names_out().tolist() == own.get_feature_names_out()


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("marker", [nan, -1.0, 0], ids=str)
def test_numbers_agree_with_sklearn(parameters, marker):
    rows, fresh = (sample(seed, marker, [1.0, 2.0, 3.5]) for seed in (1, 2))
    agrees({"missing_values": marker, **parameters}, rows, fresh, float)


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("marker", [nan, None, "?"], ids=str)
def test_words_agree_with_sklearn(parameters, marker):
    rows, fresh = (sample(seed, marker, ["a", "b", "c"]) for seed in (1, 2))
    agrees({"missing_values": marker, **parameters}, rows, fresh, object)


def test_none_and_nan_are_both_missing():
    for marker in (None, nan):
        own = MissingIndicator(missing_values=marker).fit([[1.0, None], [nan, "a"]])
        assert holds(own, [[None, nan], [2.0, "b"], [nan, None]]) == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    pytest.importorskip("sklearn")
    assert to_sklearn(MissingIndicator(missing_values=None).fit([[1.0], [None]])).transform([[nan]]).tolist() == [
        [True]
    ]


def test_what_is_newly_missing_is_refused_by_name():
    own = MissingIndicator().fit({"age": [1.0, None], "pay": [1.0, 2.0]})
    assert holds(own, [[None, 3.0]]) == [[1.0]]
    for given in ([[1.0, None]], [[1.0, nan]]):
        with pytest.raises(CannotTransform, match="error_on_new") as refused:
            own.transform(given)
        assert refused.value.values["feature"] == "pay"
        with pytest.raises(CannotTransform, match="error_on_new"):
            own.transform_one(given[0])
    assert holds(MissingIndicator(error_on_new=False).fit([[1.0, None]]), [[None, 1.0]]) == [[0.0]]


def test_nothing_was_missing():
    own = MissingIndicator().fit([[1.0, 2.0]])
    assert own.features_ == () and own.get_feature_names_out() == []
    assert own.transform([[1.0, 2.0]]) == [[]]
    with pytest.raises(CannotTransform):
        own.transform([[1.0, None]])


def test_outputs_are_never_blank():
    own = MissingIndicator(features="all").fit([[1.0, "a"]])
    assert [(value.kind, value.blank) for value in own._compile(("a", "b"), ("int", "text")).outputs] == [
        ("float", False)
    ] * 2


@pytest.mark.parametrize(
    "parameters",
    [{"features": "some"}, {"features": None}, {"sparse": True}, {"sparse": "no"}, {"error_on_new": 1},
     {"missing_values": [1]}, {"missing_values": "?"}],
    ids=str,
)  # fmt: skip
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        MissingIndicator(**parameters).fit([[1.0], [2.0]])


def test_sparse_outputs_are_not_taken_over():
    numpy = pytest.importorskip("numpy")
    impute = pytest.importorskip("sklearn.impute")
    with pytest.raises(InvalidInput) as refused:
        from_sklearn(impute.MissingIndicator(sparse=True).fit(numpy.array([[1.0], [nan]])))
    assert "sparse" in refused.value.values


def test_values_refused():
    own = MissingIndicator().fit([[1.0], [None]])
    for row in ([inf], ["a"], [10**400], [1.0, 2.0], []):
        with pytest.raises(InvalidInput):
            own.transform([row])
    with pytest.raises(InvalidInput, match="NaN"):
        MissingIndicator(missing_values=-1).fit([[nan]])
    with pytest.raises(InvalidInput, match="no inverse"):
        own.inverse_transform([[1.0]])


@pytest.mark.parametrize(
    "name, value",
    [
        ("features_", [2]),
        ("features_", [-1]),
        ("features_", [1, 0]),
        ("features_", [0, 0]),
        ("features_", [True]),
        ("features_", None),
        ("kinds_", ["number"]),
        ("kinds_", ["number", "words"]),
        ("kinds_", "ab"),
        ("n_features_in_", 3),
    ],
    ids=str,
)
def test_malformed_files_are_refused(name, value):
    own = MissingIndicator().fit([[1.0, None], [2.0, 3.0]])
    refuses_changed(own, **{name: value})
    if name == "features_":
        with pytest.raises(InvalidInput):
            changed(MissingIndicator(features="all").fit([[1.0, None]]), features_=[0])


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(MissingIndicator()) == []
    assert failed_checks(MissingIndicator(features="all")) == []
