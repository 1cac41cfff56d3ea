"""The door to scikit-learn, both ways: random pipelines of whatever has a counterpart, and what is refused."""

from __future__ import annotations

import copy
import random
import sys
import warnings

import pytest

from ledger import InvalidInput, NotFitted
from tests.vectordb.transforms.composition import close, holds, mixed, numbers, same_bits
from vectordb.transforms import (
    ColumnTransformer,
    CyclicalFeatures,
    FeatureUnion,
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    StandardScaler,
    from_sklearn,
    to_sklearn,
)
from vectordb.transforms.functions.known_functions import FUNCTIONS
from vectordb.transforms.registry import TRANSFORMERS

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")
sklearn = pytest.importorskip("sklearn")
for module in ("compose", "impute", "linear_model", "pipeline", "preprocessing"):
    pytest.importorskip(f"sklearn.{module}")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:sklearn")
MODULES = (sklearn.preprocessing, sklearn.impute)
NUMERIC = {
    "StandardScaler": [{}, {"with_mean": False}, {"with_std": False}],
    "MinMaxScaler": [{}, {"feature_range": (-1, 2), "clip": True}],
    "MaxAbsScaler": [{}],
    "RobustScaler": [{}, {"unit_variance": True}],
    "Normalizer": [{}, {"norm": "l1"}, {"norm": "max"}],
    "Binarizer": [{}, {"threshold": 0.5}],
    "KBinsDiscretizer": [{"encode": "ordinal", "strategy": "uniform"}],
    "QuantileTransformer": [{"n_quantiles": 5}],
    "PowerTransformer": [{}],
    "PolynomialFeatures": [{}, {"degree": 2, "interaction_only": True}],
    "SimpleImputer": [{}, {"strategy": "median", "add_indicator": True}],
    "FunctionTransformer": [{}, {"func": numpy.abs, "feature_names_out": "one-to-one"}],
}
WORDY = {
    "OneHotEncoder": [{"sparse_output": False, "handle_unknown": "ignore"}, {"sparse_output": False, "drop": "first"}],
    "OrdinalEncoder": [{}, {"handle_unknown": "use_encoded_value", "unknown_value": -1}],
}


def theirs(name, parameters):
    return next(getattr(module, name) for module in MODULES if hasattr(module, name))(**parameters)


def leaves(families):
    """The definitions of scikit-learn's that have a counterpart."""
    return [
        (name, parameters)
        for name, several in families.items()
        if hasattr(TRANSFORMERS.get(name), "_from_sklearn")
        for parameters in several
    ]


class Random:
    """Random definitions of scikit-learn's, some levels deep."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def leaf(self, families):
        name, parameters = self.rng.choice(leaves(families))
        if name == "FunctionTransformer":
            parameters = {"feature_names_out": "one-to-one", **parameters}
        return theirs(name, parameters)

    def part(self, depth):
        """Of numbers, to numbers."""
        kind = self.rng.choice(["leaf", "leaf", "chain", "union", "columns"]) if depth else "leaf"
        if kind == "leaf":
            return self.leaf(NUMERIC)
        count = self.rng.randrange(1, 4)
        if kind == "chain":
            steps = [(f"s{n}", self.part(0) if n else self.part(depth - 1)) for n in range(count)]
            return sklearn.pipeline.Pipeline([*steps, ("none", "passthrough")][:: self.rng.choice([1, -1])])
        parts = [(f"p{n}", self.rng.choice([self.part(depth - 1), "passthrough"])) for n in range(count)]
        if kind == "union":
            names = [name for name, _ in parts]
            weights = self.rng.choice([None, {self.rng.choice(names): 2.5}])
            return sklearn.pipeline.FeatureUnion([*parts, ("no", "drop")], transformer_weights=weights)
        chosen = [(*part, self.rng.choice([[0], [-1], slice(0, 1), slice(0, None)])) for part in parts]
        return sklearn.compose.ColumnTransformer(chosen, remainder=self.rng.choice(["drop", "passthrough"]))

    def whole(self):
        """Of a frame of numbers and words."""
        hot = self.rng.choice([self.leaf(WORDY), "drop"])
        chain = sklearn.pipeline.Pipeline([("words", self.leaf(WORDY)), ("numbers", self.leaf(NUMERIC))])
        columns = [
            ("numbers", self.part(2), self.rng.choice([["age", "trips"], ["trips", "age"], [0, 2]])),
            ("hot", hot, ["city"]),
            ("chain", chain, self.rng.choice([["kind"], [5], ["kind", "city"]])),
            ("empty", self.leaf(NUMERIC), []),
        ]
        remainder = self.rng.choice(["drop", "passthrough", self.leaf(NUMERIC)])
        weights = self.rng.choice([None, {"numbers": 0.25, "remainder": 3.0}])
        return sklearn.compose.ColumnTransformer(columns, remainder=remainder, transformer_weights=weights)


def frame(seed):
    data = pandas.DataFrame(mixed(seed)).drop(columns=["pay"])
    data.insert(1, "pay", [row[0] for row in numbers(seed, missing=0.0)])
    return data


def agrees(fitted, given, fresh):
    """Ours of theirs, and theirs of ours again, do what theirs does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = from_sklearn(fitted)
        for table in (given, fresh):
            assert close(holds(ours, table), numpy.asarray(fitted.transform(table)))
        names = fitted.get_feature_names_out().tolist()
        assert ours.get_feature_names_out() == names
        assert ours.n_features_in_ == given.shape[1]
        back = to_sklearn(ours)
        assert type(back) is type(fitted)
        for table in (given, fresh):
            assert close(numpy.asarray(back.transform(table)), numpy.asarray(fitted.transform(table)))
        assert back.get_feature_names_out().tolist() == names
        assert same_bits(from_sklearn(back).transform(fresh), ours.transform(fresh))
    return ours


@pytest.mark.parametrize("seed", range(25))
def test_random_pipelines_of_numbers(seed):
    made = Random(seed)
    given, definition = numpy.array(numbers(seed, missing=0.0)), made.part(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = definition.fit(given)
    agrees(fitted, given, given[::-1] * 0.875)


@pytest.mark.parametrize("seed", range(25))
def test_random_pipelines_of_frames(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Random(f"frame {seed}").whole().fit(frame(seed))
    ours = agrees(fitted, frame(seed), frame(seed).iloc[::-1])
    assert ours.feature_names_in_ == tuple(frame(seed).columns)


@pytest.mark.parametrize(("name", "parameters"), leaves({**NUMERIC, **WORDY}), ids=str)
def test_each_alone(name, parameters):
    given = frame(1)[["age", "trips"] if name in NUMERIC else ["city", "kind"]]
    if name == "FunctionTransformer":
        parameters = {"feature_names_out": "one-to-one", **parameters}
    fitted = theirs(name, parameters).fit(given)
    assert type(agrees(fitted, given, given.iloc[::-1])).__name__ == name


def test_a_fit_of_the_definition_taken_over_is_the_same():
    fitted = Random("again").whole().fit(frame(2))
    ours = from_sklearn(fitted)
    before = ours.transform(frame(2))
    assert close(ours.fit(frame(2)).transform(frame(2)), before)


@pytest.mark.parametrize(
    "choice",
    [["age"], ("age", "trips"), [0, -1], slice(0, 2), slice("age", "pay"), [True, False, True, False, False, False]]
    + [numpy.array([0, 1]), numpy.array([True] + [False] * 5), pandas.Index(["age"])]
    + [sklearn.compose.make_column_selector(dtype_include="number")],
    ids=repr,
)
def test_choices_of_columns(choice):
    definition = [("keep", sklearn.preprocessing.FunctionTransformer(feature_names_out="one-to-one"), choice)]
    data = frame(3).drop(columns=["city", "kind"]).assign(a=1.0, b=2.0)
    fitted = sklearn.compose.ColumnTransformer(definition, remainder="passthrough").fit(data)
    ours = agrees(fitted, data, data.iloc[::-1])
    again = Pipeline([("own", ColumnTransformer(**ours.get_params(False)))]).fit(data)
    assert close(again.transform(data), fitted.transform(data))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "identity"])
def test_functions_of_numpy(name):
    given = numpy.array([[0.25], [0.5], [1.0]])
    func = FunctionTransformer(name)._to_sklearn().func
    fitted = sklearn.preprocessing.FunctionTransformer(func, feature_names_out="one-to-one").fit(given)
    assert agrees(fitted, given, given).func == name
    inverse = sklearn.preprocessing.FunctionTransformer(inverse_func=func, feature_names_out="one-to-one").fit(given)
    assert from_sklearn(inverse).inverse_func == name
    assert close(from_sklearn(inverse).inverse_transform(given), inverse.inverse_transform(given))


@pytest.mark.parametrize(
    "parameters",
    [
        {"func": numpy.log1p, "kw_args": {"dtype": float}},
        {"inverse_func": numpy.log1p, "inv_kw_args": {"dtype": float}},
        {"func": numpy.arctan},
        {"func": numpy.round},
        {"func": abs},
        {"func": lambda values: values},
        {"func": numpy.frompyfunc(abs, 1, 1)},
        {"feature_names_out": lambda own, names: names},
    ],
    ids=str,
)
def test_functions_that_have_no_name_are_refused(parameters):
    fitted = sklearn.preprocessing.FunctionTransformer(check_inverse=False, **parameters)
    with pytest.raises(InvalidInput) as refused:
        from_sklearn(fitted)
    assert refused.value.values["parameter"] in parameters


class Own(sklearn.preprocessing.StandardScaler):
    """A class of a user's: what it does is not known."""


def test_what_has_no_counterpart_is_refused():
    given = numpy.array([[1.0, 2.0], [3.0, 5.0]])
    model = sklearn.linear_model.LinearRegression().fit(given, [1, 2])
    inside = sklearn.pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(with_mean=False), model)
    for other in (model, inside[1:], Own().fit(given), StandardScaler().fit(given), given, None, "StandardScaler", 3):
        with pytest.raises(InvalidInput, match="counterpart") as refused:
            from_sklearn(other)
        assert {"OneHotEncoder", "Pipeline", "FunctionTransformer"} <= set(refused.value.values["known"])
    union = sklearn.pipeline.FeatureUnion([("own", Own())]).fit(given)
    with pytest.raises(InvalidInput, match="counterpart"):
        from_sklearn(union)


@pytest.mark.parametrize("name", ["MinMaxScaler", "KBinsDiscretizer", "OrdinalEncoder"])
def test_an_option_unknown_here_is_refused_unless_it_is_at_its_default(name):
    """As of a scikit-learn to come."""
    kind = getattr(sklearn.preprocessing, name)

    class Later(kind):
        def __init__(self, *, mirrored=False):
            super().__init__()
            self.mirrored = mirrored

        def get_params(self, deep=True):
            return {**kind().get_params(deep), "mirrored": self.mirrored}

    Later.__name__, Later.__module__ = name, "sklearn.later"
    given = numpy.arange(12.0).reshape(6, 2)
    fitted = kind().fit(given)
    for mirrored in (False, True):
        later = Later(mirrored=mirrored)
        vars(later).update(vars(fitted))
        if not mirrored:
            assert same_bits(from_sklearn(later).transform(given), from_sklearn(fitted).transform(given))
            continue
        with pytest.raises(InvalidInput, match="option") as refused:
            from_sklearn(later)
        assert refused.value.values["parameter"] == "mirrored"


def test_a_name_alone_opens_nothing():
    fake = type("OneHotEncoder", (), {"__module__": "sklearnish"})()
    with pytest.raises(InvalidInput, match="counterpart"):
        from_sklearn(fake)


def test_what_is_not_fitted_is_refused():
    hot = sklearn.preprocessing.OneHotEncoder
    for unfit in (
        hot(),
        sklearn.preprocessing.OrdinalEncoder(),
        sklearn.pipeline.make_pipeline(hot()),
        sklearn.pipeline.make_union(hot()),
        sklearn.compose.ColumnTransformer([("hot", hot(), [0])]),
    ):
        with pytest.raises(NotFitted):
            from_sklearn(unfit)
    for unfit in (OneHotEncoder(), Pipeline([("hot", OneHotEncoder())]), ColumnTransformer([("a", "drop", [0])])):
        with pytest.raises(NotFitted):
            to_sklearn(unfit)


def test_names_by_a_format_are_refused():
    definition = [("keep", "passthrough", [0])]
    pattern = "{feature_name}__{transformer_name}"
    fitted = sklearn.compose.ColumnTransformer(definition, verbose_feature_names_out=pattern).fit([[1.0]])
    with pytest.raises(InvalidInput) as refused:
        from_sklearn(fitted)
    assert refused.value.values["parameter"] == "verbose_feature_names_out"


def test_ours_inside_theirs_is_copied():
    given = numpy.array([[1.0], [3.0]])
    cycle = CyclicalFeatures(4.0)
    absolute = sklearn.preprocessing.FunctionTransformer(numpy.abs, feature_names_out="one-to-one")
    fitted = sklearn.pipeline.make_pipeline(absolute, cycle).fit(given)
    ours = from_sklearn(fitted)
    assert same_bits(holds(ours, given), fitted.transform(given))
    cycle.set_params(period=2.0).fit(given)
    assert ours.steps[1][1].periods_ == (4.0,)


def test_ours_without_a_counterpart_is_refused():
    for ours in (CyclicalFeatures(), Pipeline([("cycle", CyclicalFeatures())])):
        with pytest.raises(InvalidInput, match="counterpart") as refused:
            to_sklearn(ours.fit([[1.0]]))
        assert refused.value.values["type"] == "CyclicalFeatures"


def test_what_was_taken_over_goes_on_by_itself():
    fitted = sklearn.preprocessing.OrdinalEncoder().fit([["a"], ["b"]])
    ours = from_sklearn(fitted)
    fitted.fit([["b"], ["c"]])
    assert ours.transform([["b"]]) == [[1.0]]
    copied = copy.deepcopy(ours)
    back = to_sklearn(ours)
    back.fit([["x"], ["y"]])
    assert ours.transform([["b"]]) == copied.transform([["b"]]) == [[1.0]]


def test_theirs_of_ours_takes_ours_names():
    data = frame(4)[["city", "kind"]]
    ours = FeatureUnion([("hot", OneHotEncoder()), ("order", OrdinalEncoder()), ("keep", FunctionTransformer())])
    back = to_sklearn(ours.fit(data))
    assert back.get_feature_names_out().tolist() == ours.get_feature_names_out()
    assert back.transform(data).tolist() == [list(row) for row in ours.transform(data)]
    with pytest.raises(ValueError, match="feature names should match"):
        back.transform(data[["kind", "city"]])


def test_importing_the_package_does_not_import_sklearn():
    import subprocess

    code = "import sys, vectordb.transforms; print('sklearn' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
