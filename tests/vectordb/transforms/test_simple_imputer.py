"""SimpleImputer against scikit-learn's, of numbers and of words, in pieces, and through its file."""

from __future__ import annotations

import random
from itertools import product
from math import inf, nan

import pytest

from ledger import CannotTransform, InvalidInput, NotANumber, NotFitted
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    bits,
    close,
    failed_checks,
    holds,
    refuses_changed,
    same_bits,
    sample,
    stored,
)
from vectordb.transforms import Pipeline, SimpleImputer, StandardScaler, dumps, from_sklearn, to_sklearn

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

STRATEGIES = ("mean", "median", "most_frequent", "constant")
FLAGS = [
    {"add_indicator": indicator, "keep_empty_features": keep} for indicator, keep in product([False, True], repeat=2)
]


def numbers(seed, marker):
    """Small whole numbers with ties, a column without gaps, and one that is wholly missing."""
    rng = random.Random(seed)
    rows = [[float(rng.randrange(-1, 4)) for _ in range(4)] for _ in range(15)]
    gaps = [[marker if value == -1.0 else value for value in row] for row in rows]
    return [[*row, 7.0 + place, marker] for place, row in enumerate(gaps)]


def words(seed, marker):
    rng = random.Random(seed)
    return [
        [rng.choice(["b", "a", "c", marker]), rng.choice(["x", marker]), marker, rng.choice("qr")] for _ in range(20)
    ]


def theirs(parameters, rows, dtype=float):
    numpy = pytest.importorskip("numpy")
    impute = pytest.importorskip("sklearn.impute")
    return impute.SimpleImputer(**parameters).fit(numpy.array(rows, dtype=dtype))


def agrees(own, other, fresh, dtype=float):
    """All ways to run ours, from its file too, and what is taken over and given back, do what theirs does."""
    numpy = pytest.importorskip("numpy")
    array = numpy.array(fresh, dtype=dtype)
    made, wanted = holds(own, fresh), other.transform(array)
    assert close(made, wanted)
    assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
    taken, back = from_sklearn(other), to_sklearn(own)
    assert close(holds(taken, fresh), wanted)
    assert close(back.transform(array), wanted)
    assert close(to_sklearn(taken).transform(array), wanted)
    assert back.get_feature_names_out().tolist() == own.get_feature_names_out()
    if own.add_indicator and not own.keep_empty_features and dtype is float:  # beyond them, theirs fails
        for one in (own, taken):
            assert close(one.inverse_transform(made), other.inverse_transform(wanted))
    return made


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("marker", [nan, -1.0, 0, 3], ids=str)
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.filterwarnings("ignore:Skipping features")
def test_numbers_agree_with_sklearn(strategy, marker, flags):
    for seed, fill in ((1, None), (2, -9)):
        parameters = {"strategy": strategy, "missing_values": marker, "fill_value": fill, **flags}
        rows, fresh = numbers(seed, marker), numbers(seed + 50, marker)
        agrees(SimpleImputer(**parameters).fit(rows), theirs(parameters, rows), fresh)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_all_sizes_agree_with_sklearn(strategy, seed):
    for rows in (sample(seed), sample(seed, rows=2, missing=0.0), sample(seed, rows=1, missing=0.0)):
        own = SimpleImputer(strategy=strategy).fit(rows)
        made = holds(own, sample(seed + 50))
        other = theirs({"strategy": strategy}, rows)
        assert close([own.statistics_], [other.statistics_], slack=1e-18)
        assert same_bits(holds(from_sklearn(other), made), made)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("marker", [nan, None, "?"], ids=str)
@pytest.mark.parametrize("strategy, fill", [("most_frequent", None), ("constant", None), ("constant", "zz")])
@pytest.mark.filterwarnings("ignore:Skipping features")
def test_words_agree_with_sklearn(strategy, fill, marker, flags):
    parameters = {"strategy": strategy, "missing_values": marker, "fill_value": fill, **flags}
    rows, fresh = words(1, marker), words(2, marker)
    made = agrees(SimpleImputer(**parameters).fit(rows), theirs(parameters, rows, object), fresh, object)
    if flags["add_indicator"]:
        own = SimpleImputer(**parameters).fit(rows)
        assert [list(map(bits, row)) for row in own.inverse_transform(made)] == [list(map(bits, row)) for row in fresh]


def test_each_feature_is_of_numbers_or_not():
    own = SimpleImputer(strategy="most_frequent").fit(
        [["a", 1, None], ["b", 2, None], [None, 2, None], ["b", None, None]]
    )
    assert own.statistics_[:2] == ("b", 2.0) and own.empty_ == (False, False, True)
    assert own.kinds_ == ("category", "number", "none")
    assert holds(own, [[None, None, None], ["z", 5, 1]]) == [["b", 2.0], ["z", 5.0]]
    filled = SimpleImputer(strategy="constant").fit({"word": ["a", None], "size": [1.5, None]})
    assert holds(filled, {"word": [None, "b"], "size": [None, 2.0]}) == [["missing_value", 0.0], ["b", 2.0]]


@pytest.mark.parametrize(
    "values, mode",
    [
        (["b", "a", None], "a"),
        ([3.0, -1.0, -1.0, 3.0, None], -1.0),
        ([0.0, -0.0, 1.0], 0.0),
        (["b", 2, None], 2),
        ([1, True, "a", "a"], True),
        ([True, 1, "a", "a"], True),
    ],
    ids=str,
)
def test_the_smallest_of_equally_frequent_ones(values, mode):
    own = SimpleImputer(strategy="most_frequent").fit([[value] for value in values])
    assert list(map(bits, own.statistics_)) == [bits(mode)]


def test_values_that_would_overflow_or_cancel():
    for strategy in ("mean", "median"):
        assert SimpleImputer(strategy=strategy).fit([[1e308], [None], [1.2e308]]).statistics_ == (1.1e308,)
    assert SimpleImputer().fit([[1e16], [1.0], [-1e16]]).statistics_ == (1 / 3,)


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_extremes_hold(strategy, name):
    made = holds(SimpleImputer(strategy=strategy).fit(EXTREMES[name]), EXTREMES[name])
    assert all(value - value == 0.0 for row in made for value in row)


def test_what_is_filled_is_never_blank():
    chain = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())]).fit([[1.0, nan], [nan, 2.0], [4.0, 3.0]])
    assert not any(value.blank for value in chain._compile(("a", "b"), ("float", "number")).outputs)
    assert all(value == value for value in holds(chain, [[nan, None]])[0])


# -- in pieces ---------------------------------------------------------------------------------------------

CELLS = st.one_of(st.none(), st.floats(allow_infinity=False), st.sampled_from([0.0, 1.0, 1, True]))
WORDS = st.sampled_from(["a", "b", None, 1, 1.0, True])
SUMMED = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(["mean", "most_frequent", "constant"]),
        "add_indicator": st.booleans(),
        "keep_empty_features": st.booleans(),
    }
)
ROWS = st.lists(st.tuples(CELLS, st.none(), st.floats(-9, 9)), min_size=1, max_size=8)


def in_pieces(parameters, first, second):
    both = SimpleImputer(**parameters).fit(first + second)
    a, b = SimpleImputer(**parameters).fit(first), SimpleImputer(**parameters).fit(second)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both) == dumps(stored(both))
    assert dumps(a.merge(b).retract(b)) == dumps(a)
    assert dumps(a.merge(b).retract(a)) == dumps(b)
    assert dumps(SimpleImputer(**parameters).partial_fit(first).partial_fit(second)) == dumps(both)
    assert same_bits(a.merge(b).transform(second), both.transform(second))
    assert same_bits(stored(a).merge(stored(b)).transform(first), both.transform(first))


@settings(deadline=None)
@given(SUMMED, ROWS, ROWS)
def test_numbers_in_pieces(parameters, first, second):
    in_pieces(parameters, first, second)


PIECE = st.one_of(
    st.lists(WORDS, max_size=6).map(lambda found: [*found, "c"]), st.lists(st.none(), min_size=1, max_size=2)
)


@settings(deadline=None)
@given(SUMMED, PIECE, PIECE)
def test_words_in_pieces(parameters, first, second):
    if parameters["strategy"] == "mean":
        parameters["strategy"] = "most_frequent"
    in_pieces(parameters, [[value] for value in first], [[value] for value in second])


def test_pieces_that_do_not_fit():
    own = SimpleImputer(strategy="most_frequent").fit([[1.0, 2.0], [1.0, None]])
    before = dumps(own)
    for rows in ([["a", 2.0]], [[1.0]], [[inf, 1.0]], [[1.0, 10**400]]):
        with pytest.raises(InvalidInput):
            own.partial_fit(rows)
        assert dumps(own) == before
    for other in (SimpleImputer().fit([[1.0, 2.0]]), SimpleImputer(strategy="most_frequent").fit([["a", 2.0]])):
        with pytest.raises(InvalidInput):
            own.merge(other)
    for other in ([[1.0, 2.0]] * 3, [[5.0, 2.0]], [[1.0, None], [1.0, None]]):
        with pytest.raises(InvalidInput, match="taken back"):
            own.retract(SimpleImputer(strategy="most_frequent").fit(other))
    with pytest.raises(NotFitted):
        own.merge(SimpleImputer(strategy="most_frequent"))


def test_a_median_is_of_all_rows():
    own = SimpleImputer(strategy="median").fit([[1.0], [2.0]])
    for how in ("merge", "retract"):
        with pytest.raises(InvalidInput, match=f"cannot {how}"):
            getattr(own, how)(own)
    assert not hasattr(own, "partial_fit") and not hasattr(SimpleImputer(strategy="median"), "partial_fit")
    taken = from_sklearn(theirs({}, [[1.0], [2.0]]))
    for how, more in (("partial_fit", [[1.0]]), ("merge", taken), ("retract", taken)):
        with pytest.raises(InvalidInput, match="no sums"):
            getattr(taken, how)(more)


# -- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"strategy": "mode"},
        {"strategy": max},
        {"strategy": ["mean"]},
        {"missing_values": [nan]},
        {"missing_values": object()},
        {"missing_values": "?"},
        {"strategy": "constant", "fill_value": "zero"},
        {"strategy": "constant", "fill_value": nan},
        {"strategy": "constant", "fill_value": inf},
        {"strategy": "constant", "fill_value": [0]},
        {"add_indicator": 1},
        {"keep_empty_features": "yes"},
    ],
    ids=str,
)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        SimpleImputer(**parameters).fit([[1.0], [2.0]])


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_words_have_no_mean(strategy):
    with pytest.raises(NotANumber) as refused:
        SimpleImputer(strategy=strategy).fit({"age": [1.0, 2.0], "city": ["a", None]})
    assert refused.value.values["feature"] == "city"


def test_values_refused():
    own = SimpleImputer().fit([[1.0], [2.0]])
    for row in (["a"], [inf], [10**400], [1.0, 2.0], []):
        with pytest.raises(InvalidInput):
            own.transform([row])
        with pytest.raises(InvalidInput):
            own.transform_one(row)
    for rows in ([[inf]], [[object()]], [[[1]]], [[b"a"]]):
        with pytest.raises(InvalidInput):
            SimpleImputer(strategy="most_frequent").fit(rows)


def test_nan_beside_another_marker_is_refused():
    for marker, good in ((-1, 1.0), ("?", "a")):
        own = SimpleImputer(missing_values=marker, strategy="most_frequent")
        with pytest.raises(InvalidInput, match="NaN"):
            own.fit([[good], [nan], [marker]])
        own.fit({"age": [good, marker]})
        assert holds(own, {"age": [marker, good]}) == [[good], [good]]
        with pytest.raises(InvalidInput, match="NaN") as refused:
            own.transform([[good], [nan]])
        assert refused.value.values["feature"] in ("age", "x0")
        with pytest.raises(CannotTransform, match="NaN"):
            own._compile(("age",), ("category",)).fused.row([nan])


def test_an_inverse_needs_an_indicator():
    with pytest.raises(InvalidInput, match="add_indicator=True"):
        SimpleImputer().fit([[1.0]]).inverse_transform([[1.0]])
    own = SimpleImputer(add_indicator=True, keep_empty_features=True).fit([[1.0, None], [None, None]])
    assert repr(own.inverse_transform(own.transform([[None, 5.0], [2.0, None]]))) == "[[nan, 5.0], [2.0, nan]]"


@pytest.mark.parametrize(
    "strategy, name, value",
    [
        ("mean", "statistics_", [1.0]),
        ("mean", "statistics_", [1.0, "a"]),
        ("mean", "statistics_", [1.0, None]),
        ("mean", "statistics_", [1.0, {"float": "nan"}]),
        ("mean", "kinds_", ["number"]),
        ("mean", "kinds_", ["number", "x"]),
        ("mean", "kinds_", [["number"], "number"]),
        ("mean", "empty_", [False]),
        ("mean", "empty_", [0, 1]),
        ("mean", "sums_", [[1, 1, 1, 1]]),
        ("mean", "sums_", [[[1.0, 1]], [[1.0, 1]]]),
        ("mean", "indicator_", None),
        ("mean", "indicator_", [1]),
        ("mean", "indicator_", [1, -1]),
        ("median", "sums_", [[1, 1, 1, 1], [1, 1, 1, 1]]),
        ("most_frequent", "sums_", [[1, 1, 1, 1], [1, 1, 1, 1]]),
        ("most_frequent", "sums_", [[[1.0, 0]], [[1.0, 1]]]),
        ("constant", "n_features_in_", 3),
    ],
    ids=str,
)
def test_malformed_files_are_refused(strategy, name, value):
    own = SimpleImputer(strategy=strategy, add_indicator=True).fit([[1.0, 2.0], [2.0, None]])
    refuses_changed(own, **{name: value})


@pytest.mark.filterwarnings("ignore:Skipping features")
def test_estimator_checks():
    pytest.importorskip("sklearn")
    for parameters in ({}, {"strategy": "most_frequent", "add_indicator": True}, {"strategy": "constant"}):
        assert failed_checks(SimpleImputer(**parameters)) == []
    assert failed_checks(SimpleImputer(strategy="median")) == []
