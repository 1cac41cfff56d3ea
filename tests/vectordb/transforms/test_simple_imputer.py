"""SimpleImputer and MissingIndicator against scikit-learn's, their merging, and their stored form."""

from __future__ import annotations

import random
import warnings
from math import inf, nan
from typing import Any

import pytest

from tests.vectordb.transforms.agreement import close, holds, same_bits
from vectordb import CannotTransform, InvalidInput
from vectordb.transforms import MissingIndicator, SimpleImputer, from_sklearn, loads, to_sklearn, transformer_from_dict

numpy = pytest.importorskip("numpy")
impute = pytest.importorskip("sklearn.impute")
STRATEGIES = ["mean", "median", "most_frequent", "constant"]


def numbers(seed: int, rows: int = 40) -> Any:
    """Gaps everywhere, a column of gaps, a constant, near-constants at 1e8, subnormals and 1e308."""
    rng = random.Random(seed)
    columns = [
        [rng.gauss(0, 1) for _ in range(rows)],
        [float(rng.randrange(4)) for _ in range(rows)],
        [nan] * rows,
        [7.0] * rows,
        [1e8 + rng.random() for _ in range(rows)],
        [rng.choice([5e-324, 1e-310]) for _ in range(rows)],
        [rng.choice([1e308, -1e308]) for _ in range(rows)],
    ]
    for column in columns:
        for row in range(rows):
            if rng.random() < 0.2:
                column[row] = nan
        column[0] = column[0] if column[0] == column[0] or column is columns[2] else 1.0
    return numpy.array(columns).T


def theirs(made: Any, X: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns that are left out, and of sums that overflow
        return made.fit(X)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("indicator", [False, True])
def test_agreement(strategy: str, keep: bool, indicator: bool) -> None:
    options = {"strategy": strategy, "keep_empty_features": keep, "add_indicator": indicator}
    for seed in range(5):
        X = numbers(seed)
        if strategy in ("mean", "median"):
            X = X[:, :6]  # those of 1e308 overflow there
        own, judge = SimpleImputer(**options).fit(X), theirs(impute.SimpleImputer(**options), X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = judge.transform(X)
        assert close(holds(own, X), expected.tolist())
        assert own.get_feature_names_out() == judge.get_feature_names_out().tolist()
        assert same_bits(from_sklearn(judge).transform(X), own.transform(X)) or close(
            from_sklearn(judge).transform(X), expected)  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert close(to_sklearn(own).transform(X).tolist(), own.transform(X).tolist())


def test_values_of_a_single_row_and_of_huge_numbers() -> None:
    assert SimpleImputer().fit([[3.0]]).statistics_ == (3.0,)
    assert SimpleImputer().fit([[1e308], [1e308], [nan]]).statistics_ == (1e308,)
    assert SimpleImputer(strategy="median").fit([[1.7e308], [1.7e308]]).statistics_ == (1.7e308,)
    assert SimpleImputer(strategy="most_frequent").fit([[2.0], [1.0], [2.0], [1.0]]).statistics_ == (1.0,)


def test_categories_are_filled_and_None_is_missing() -> None:
    rows = [["a", 1], [None, 2], ["b", 2], ["b", None], ["a", nan]]
    own = SimpleImputer(strategy="most_frequent").fit(rows)
    assert own.statistics_ == ("a", 2.0) and own.transform_one([None, None]) == ("a", 2.0)
    judge = impute.SimpleImputer(strategy="most_frequent").fit(numpy.array([["a"], [nan], ["b"], ["b"], ["a"]], object))
    assert judge.statistics_.tolist() == ["a"] and from_sklearn(judge).transform([[None]]) == [["a"]]
    constant = SimpleImputer(strategy="constant").fit(rows)
    assert constant.transform([[None, None]]) == [["missing_value", 0.0]]
    named = SimpleImputer(strategy="constant", fill_value="none").fit([["a"], [None]])
    assert named.transform([[nan]]) == [["none"]] and loads(__import__("json").dumps(named.to_dict())).transform(
        [[None]]) == [["none"]]  # fmt: skip


def test_a_marker_of_ones_own() -> None:
    own = SimpleImputer(missing_values=-1).fit([[1.0, -1.0], [2.0, 3.0]])
    judge = impute.SimpleImputer(missing_values=-1).fit([[1.0, -1.0], [2.0, 3.0]])
    assert own.statistics_ == tuple(judge.statistics_.tolist()) == (1.5, 3.0)
    assert own.transform([[-1, -1]]) == [[1.5, 3.0]]
    for refused in ([[nan, 1.0]], [[inf, 1.0]]):
        with pytest.raises(ValueError):
            SimpleImputer(missing_values=-1).fit(refused)
    with pytest.raises(CannotTransform, match="NaN is refused"):
        own.transform([[nan, 1.0]])


@pytest.mark.parametrize("strategy", ["mean", "most_frequent", "constant"])
def test_merging_and_retracting(strategy: str) -> None:
    X = numbers(3)[:, [0, 1, 3, 4, 5, 6]]
    for cut in (1, 13, 39):
        whole, one, other = (SimpleImputer(strategy=strategy).fit(part) for part in (X, X[:cut], X[cut:]))
        assert one.merge(other).to_dict() == whole.to_dict() == other.merge(one).to_dict()
        assert whole.retract(other).to_dict() == one.to_dict()
        assert SimpleImputer(strategy=strategy).partial_fit(X[:cut]).partial_fit(X[cut:]).to_dict() == whole.to_dict()
    with pytest.raises(InvalidInput, match="taken back"):
        SimpleImputer(strategy="mean").fit([[1.0]]).retract(SimpleImputer(strategy="mean").fit([[1.0], [2.0]]))


def test_what_cannot_be_merged_says_so() -> None:
    for own in (SimpleImputer(strategy="median"), SimpleImputer(add_indicator=True)):
        own.fit([[1.0], [nan]])
        assert not hasattr(own, "partial_fit")
        for how in ("merge", "retract"):
            with pytest.raises(InvalidInput, match=f"cannot {how}"):
                getattr(own, how)(own)
    texts = SimpleImputer(strategy="most_frequent").fit([["a"]])
    with pytest.raises(InvalidInput, match="same kinds"):
        texts.merge(SimpleImputer(strategy="most_frequent").fit([[1.0]]))
    with pytest.raises(InvalidInput, match="stays one"):
        texts.partial_fit([[1.0]])


def test_an_inverse_where_there_is_an_indicator() -> None:
    rows = [[1.0, nan], [nan, 2.0], [3.0, 4.0]]
    own = SimpleImputer(add_indicator=True).fit(rows)
    assert same_bits(own.inverse_transform(own.transform(rows)), rows)
    with pytest.raises(InvalidInput, match="no inverse"):
        SimpleImputer().fit(rows).inverse_transform(rows)
    left_out = SimpleImputer(add_indicator=True).fit([[nan, 1.0], [nan, 2.0]])
    assert same_bits(left_out.inverse_transform(left_out.transform([[nan, 1.0]])), [[nan, 1.0]])


@pytest.mark.parametrize("features", ["missing-only", "all"])
def test_the_indicator(features: str) -> None:
    X = numbers(1)[:, :4]
    own, judge = MissingIndicator(features=features).fit(X), impute.MissingIndicator(features=features).fit(X)
    assert own.features_ == tuple(judge.features_.tolist())
    assert close(holds(own, X), judge.transform(X).astype(float).tolist())
    assert own.get_feature_names_out() == judge.get_feature_names_out().tolist()
    assert same_bits(from_sklearn(judge).transform(X), own.transform(X))
    assert close(to_sklearn(own).transform(X).astype(float).tolist(), own.transform(X).tolist())


def test_a_new_gap_is_refused_where_it_is_asked() -> None:
    rows = {"a": [1.0, nan], "b": [1.0, 2.0]}
    with pytest.raises(CannotTransform) as caught:
        MissingIndicator().fit(rows).transform({"a": [1.0], "b": [nan]})
    assert caught.value.values["feature"] == "b"
    assert MissingIndicator(error_on_new=False).fit(rows).transform({"a": [1.0], "b": [nan]}) == [[0.0]]
    texts = MissingIndicator().fit([["a"], [None]])
    assert texts.transform([[None], ["b"]]) == [[1.0], [0.0]]


def test_refusals() -> None:
    for arguments, words in (
        ({"strategy": "mode"}, "strategy is one of"),
        ({"missing_values": [1]}, "missing_values"),
        ({"strategy": "constant", "fill_value": object()}, "stored value"),
        ({"strategy": "constant", "fill_value": "x"}, "filled with a number"),
    ):
        with pytest.raises(InvalidInput, match=words):
            SimpleImputer(**arguments).fit([[1.0], [nan]])  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="features is"):
        MissingIndicator(features="some").fit([[1.0]])
    for strategy in ("mean", "median"):
        with pytest.raises(ValueError, match="could not convert"):
            SimpleImputer(strategy=strategy).fit([["a"], ["b"]])
    with pytest.raises(ValueError, match="infinity"):
        SimpleImputer().fit([[inf]])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"statistics_": [1.0, 2.0]}, "fitted"),
        ({"statistics_": ["x"]}, "statistics_"),
        ({"statistics_": [{"float": "inf"}]}, "statistics_"),
        ({"kinds_": ["colour"]}, "kinds_"),
        ({"empty_": [1]}, "fitted"),
        ({"sums_": [[2, 1, 0, 1]]}, "sums_[0]"),
        ({"sums_": [[["a", 0]]]}, "sums_[0]"),
        ({"indicator_": [0]}, "indicator_"),
    ],
)
def test_malformed_forms_are_refused_with_their_place(change: dict[str, Any], place: str) -> None:
    plain = SimpleImputer().fit([[1.0], [2.0]]).to_dict()
    plain["fitted"].update(change)
    with pytest.raises(InvalidInput) as caught:
        transformer_from_dict(plain)
    assert place in caught.value.values["place"]
    indicator = MissingIndicator().fit([[1.0], [nan]]).to_dict()
    for wrong in ({"features_": [1]}, {"features_": [0, 0]}, {"kinds_": ["x"]}):
        with pytest.raises(InvalidInput):
            transformer_from_dict({**indicator, "fitted": {**indicator["fitted"], **wrong}})


@pytest.mark.parametrize(
    "made",
    [
        SimpleImputer(),
        SimpleImputer(strategy="median"),
        SimpleImputer(strategy="most_frequent"),
        SimpleImputer(add_indicator=True),
        MissingIndicator(),
    ],
)
def test_scikit_learns_own_checks(made: Any) -> None:
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = checks.check_estimator(made, on_fail=None, on_skip=None)
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    assert len(results) > 30 and not failed
