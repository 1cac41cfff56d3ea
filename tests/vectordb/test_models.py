"""Models as data: linear, logistic and tree, to the same bits everywhere."""

from __future__ import annotations

import random
from math import exp, fsum, inf, isclose
from typing import Any

import pytest

from tests.vectordb.world import World, everything
from vectordb import DefinitionError, InvalidInput, Model, VectorDB
from vectordb.models.linear import sigmoid
from vectordb.models.model import exact_exp

TREE = {
    "features": ["x", "y"], "feature": [0, 1, 0, 0, 0], "threshold": [0.5, 2.0, 0.0, 0.0, 0.0],
    "left": [1, 2, -1, -1, -1], "right": [4, 3, -1, -1, -1], "value": [0.0, 0.0, 1.0, 2.0, 3.0],
}  # fmt: skip


def model(kind: str, **parameters: Any) -> Model:
    return VectorDB(seed=1).create_model("m", kind, **parameters)


def test_linear_is_one_exact_sum() -> None:
    linear = model("linear", features=["a", "b", "c"], coefficients=[1e16, 1.0, -1e16], intercept=0.1)
    assert linear.predict({"a": 1, "b": 1.0, "c": 1}) == fsum([1e16, 1.0, -1e16, 0.1]) == 1.1


def test_linear_with_several_outputs() -> None:
    linear = model("linear", features=["a", "b"], coefficients=[[1, 2], [3, 4]], intercept=[10, 20])
    assert linear.predict({"a": 1, "b": 1}) == [13.0, 27.0]
    assert model("linear", features=["a"], coefficients=[[1], [3]]).predict({"a": 1}) == [1.0, 3.0]


def test_logistic_of_one_score_and_softmax_of_several() -> None:
    assert model("logistic", features=["a"], coefficients=[0.0]).predict({"a": 5}) == 0.5
    soft = model("logistic", features=["a"], coefficients=[[1], [1], [1], [1]])
    assert soft.predict({"a": 5}) == [0.25] * 4
    big = model("logistic", features=["a"], coefficients=[[1000], [-1000]]).predict({"a": 1})
    assert big == [1.0, 0.0]


@pytest.mark.parametrize(("x", "y", "leaf"), [(0.5, 2.0, 1.0), (0.5, 2.5, 2.0), (0.6, 0.0, 3.0), (-9.0, -9.0, 1.0)])
def test_a_tree_goes_left_up_to_the_threshold(x: float, y: float, leaf: float) -> None:
    assert model("tree", **TREE).predict({"x": x, "y": y}) == leaf


def test_a_leaf_of_several_numbers_is_given_as_a_copy() -> None:
    tree = model("tree", **{**TREE, "value": [[0.0, 1.0]] * 5})
    found = tree.predict({"x": 0.0, "y": 0.0})
    assert isinstance(found, list)
    found[0] = 9.0
    assert tree.predict({"x": 0.0, "y": 0.0}) == [0.0, 1.0]
    assert tree.definition.parameters["value"][2] == [0.0, 1.0]


def test_a_model_takes_what_it_needs_from_a_row(world: World) -> None:
    world.put("d", trips=3, rating=0.5)
    linear = world.db.create_model("m", "linear", features=["rating", "trips"], coefficients=[2.0, 1.0])
    assert linear.predict(world.drivers.get("d")) == 4.0
    assert linear.predict({"trips": True, "rating": 0.0}) == 1.0, "a bool is 0 or 1"
    for row in ({"trips": 1}, {"trips": 1, "rating": None}, {"trips": 1, "rating": "2"}):
        with pytest.raises(InvalidInput):
            linear.predict(row)


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_a_sum_beyond_float_is_a_stated_refusal(kind: str) -> None:
    large = model(kind, features=["a", "b"], coefficients=[1e10, 1e10])
    with pytest.raises(InvalidInput):
        large.predict({"a": 1e308, "b": -1e308})
    with pytest.raises(InvalidInput):
        model("linear", features=["a", "b"], coefficients=[1.0, 1.0]).predict({"a": 1e308, "b": 1e308})


@pytest.mark.parametrize(("coefficients", "value"), [([[10.0], [1.0]], 1e308), ([[10.0], [20.0]], -1e308)])
def test_shares_of_scores_beyond_float_are_a_stated_refusal(coefficients: list[list[float]], value: float) -> None:
    several = model("logistic", features=["a"], coefficients=coefficients)
    with pytest.raises(InvalidInput, match="greatest score"):
        several.predict({"a": value})


def test_a_score_below_float_has_no_share() -> None:
    assert model("logistic", features=["a"], coefficients=[[-10.0], [0.0]]).predict({"a": 1e308}) == [0.0, 1.0]


BAD: list[tuple[str, dict[str, Any]]] = [
    ("linear", {"features": []}),
    ("linear", {"features": [1], "coefficients": [1.0]}),
    ("linear", {"features": ["a"]}),
    ("linear", {"features": ["a"], "coefficients": [1.0, 2.0]}),
    ("linear", {"features": ["a"], "coefficients": ["1"]}),
    ("linear", {"features": ["a"], "coefficients": [True]}),
    ("linear", {"features": ["a"], "coefficients": [inf]}),
    ("linear", {"features": ["a"], "coefficients": [[1.0], [2.0]], "intercept": 1.0}),
    ("linear", {"features": ["a"], "coefficients": [1.0], "slope": 1}),
    ("linear", {"features": "ab", "coefficients": [1.0, 2.0]}),
    ("linear", {"features": ["a"], "coefficients": [10**400]}),
    ("linear", {"features": ["a"], "coefficients": [2**1024 - 1]}),
    ("tree", {**TREE, "left": [1, 2, -1, -1]}),
    ("tree", {**TREE, "left": [0, 2, -1, -1, -1]}),
    ("tree", {**TREE, "right": [9, 3, -1, -1, -1]}),
    ("tree", {**TREE, "feature": [2, 1, 0, 0, 0]}),
    ("tree", {**TREE, "value": ["a", 0.0, 1.0, 2.0, 3.0]}),
    ("tree", {**TREE, "value": 5}),
    ("tree", {"features": ["x"], "feature": [], "threshold": [], "left": [], "right": [], "value": []}),
]


@pytest.mark.parametrize(("kind", "parameters"), BAD)
def test_a_model_that_cannot_be_computed_is_refused(world: World, kind: str, parameters: dict[str, Any]) -> None:
    before = everything(world.db)
    with pytest.raises((DefinitionError, InvalidInput)):
        world.db.create_model("m", kind, **parameters)
    assert everything(world.db) == before


def test_models_are_listed_and_found_by_version(world: World) -> None:
    world.db.create_model("m", "linear", features=["a"], coefficients=[1.0])
    world.db.create_model("m", "linear", features=["a"], coefficients=[2.0], replace=True)
    world.db.create_model("n", "tree", **TREE)
    assert world.db.models() == ["m", "n"]
    assert [world.db.model(label).predict({"a": 1}) for label in ("m", "m@1", "m@2")] == [2.0, 1.0, 2.0]
    assert world.db.model("n").definition.kind == "tree"


def test_a_model_has_the_same_bits_after_a_replay(tmp_path: Any) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    rng = random.Random(5)
    names = [f"x{place}" for place in range(20)]
    weights = [rng.uniform(-3, 3) for _ in names]
    made = world.db.create_model("m", "logistic", features=names, coefficients=weights, intercept=rng.random())
    rows = [{name: rng.gauss(0, 2) for name in names} for _ in range(50)]
    world.db.close()
    again = VectorDB.replay(tmp_path / "ledger.jsonl").model("m")
    assert [made.predict(row).hex() for row in rows] == [again.predict(row).hex() for row in rows]


def test_exp_agrees_with_the_c_library_to_the_last_places() -> None:
    rng = random.Random(3)
    for x in [0.0, -0.0, 1.0, -1.0, 709.0, -700.0, *(rng.uniform(-700, 700) for _ in range(200))]:
        assert isclose(exact_exp(x), exp(x), rel_tol=4e-16)
    assert exact_exp(-800.0) == 0.0 and exact_exp(800.0) == inf and exact_exp(-inf) == 0.0
    assert (sigmoid(0.0), sigmoid(-1000.0), sigmoid(1000.0)) == (0.5, 0.0, 1.0)


EDGES = [709.782712893384, 709.7827128933841, 710.0, -745.1332191019411, -745.1332191019412, -708.4, -0.0, 5e-324]


@pytest.mark.parametrize("x", EDGES)
def test_exp_at_the_edges_of_float(x: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    mpmath.mp.prec = 300
    assert exact_exp(x) == rounded(mpmath.exp(mpmath.mpf(x)))


def test_exp_is_correctly_rounded() -> None:
    mpmath = pytest.importorskip("mpmath")
    mpmath.mp.prec = 300
    rng = random.Random(7)
    small = [rng.gauss(0, 1) * 10 ** rng.uniform(-20, 1) for _ in range(600)]
    for x in [*small, *(rng.uniform(-745, 710) for _ in range(600))]:
        assert exact_exp(x) == rounded(mpmath.exp(mpmath.mpf(x))), x.hex()


def rounded(value: Any) -> float:
    """The nearest float, ties to even, from 300 bits, subnormals rounded once."""
    from fractions import Fraction

    sign, mantissa, exponent, _ = value._mpf_
    exact = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    try:
        number = float(exact)
    except OverflowError:
        number = inf
    return -number if sign else number


def data() -> tuple[Any, Any, list[str]]:
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_iris

    return (*load_iris(return_X_y=True), [f"x{place}" for place in range(4)])


def rows_of(features: Any, names: list[str]) -> list[dict[str, float]]:
    return [dict(zip(names, row, strict=True)) for row in features.tolist()]


def test_linear_regression_as_scikit_learn_has_it() -> None:
    features, target, names = data()
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit(features, target)
    ours = model("linear", features=names, coefficients=fitted.coef_, intercept=float(fitted.intercept_))
    for row, expected in zip(rows_of(features, names), fitted.predict(features), strict=True):
        assert isclose(ours.predict(row), expected, rel_tol=1e-12, abs_tol=1e-13)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_as_scikit_learn_has_it(classes: int) -> None:
    features, target, names = data()
    from sklearn.linear_model import LogisticRegression

    keep = target < classes
    fitted = LogisticRegression(max_iter=2000).fit(features[keep], target[keep])
    many = classes > 2
    weights = fitted.coef_ if many else fitted.coef_[0]
    intercept = fitted.intercept_ if many else float(fitted.intercept_[0])
    ours = model("logistic", features=names, coefficients=weights, intercept=intercept)
    for row, expected in zip(rows_of(features, names), fitted.predict_proba(features), strict=True):
        found = ours.predict(row)
        found = found if many else [1 - found, found]
        assert all(isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", ["DecisionTreeClassifier", "DecisionTreeRegressor"])
def test_trees_as_scikit_learn_has_them(kind: str) -> None:
    features, target, names = data()
    import numpy
    import sklearn.tree

    features = features.astype(numpy.float32)  # scikit-learn compares float32 inputs with float64 thresholds
    fitted = getattr(sklearn.tree, kind)(random_state=0).fit(features, target)
    tree, classifies = fitted.tree_, kind.endswith("Classifier")
    ours = model(
        "tree", features=names, feature=numpy.maximum(tree.feature, 0), threshold=tree.threshold,
        left=tree.children_left, right=tree.children_right,
        value=tree.value[:, 0] if classifies else tree.value[:, 0, 0],
    )  # fmt: skip
    expected = fitted.predict_proba(features) if classifies else fitted.predict(features)
    for row, one in zip(rows_of(features, names), expected.tolist(), strict=True):
        assert ours.predict(row) == one
