"""Pipeline against scikit-learn's; parameters inside, fusion, the inverse, the stored form."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from ledger import CannotTransform, InvalidInput, NotFitted
from tests.vectordb.transforms.composition import close, holds, listed, mixed, numbers, same_bits
from vectordb.transforms import (
    CyclicalFeatures,
    FunctionTransformer,
    OneHotEncoder,
    Pipeline,
    StandardScaler,
    TargetEncoder,
    dumps,
    loads,
    transformer_from_dict,
)
from vectordb.transforms.composing import unfitted


def scaled_twice(**parameters):
    return Pipeline([("first", StandardScaler(**parameters)), ("none", "passthrough"), ("second", StandardScaler())])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("parameters", [{}, {"with_mean": False}, {"with_std": False}], ids=str)
def test_agrees_with_sklearn(seed, parameters):
    numpy = pytest.importorskip("numpy")
    pipeline = pytest.importorskip("sklearn.pipeline")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    rows = numbers(seed)
    theirs = pipeline.Pipeline([("a", scaler(**parameters)), ("n", "passthrough"), ("b", scaler())])
    array = numpy.array(rows)
    ours = scaled_twice(**parameters).fit(rows)
    assert close(holds(ours, rows), theirs.fit_transform(array))
    assert close(ours.inverse_transform(rows), theirs.inverse_transform(array))
    assert ours.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    assert ours.get_feature_names_out(list("abcd")) == theirs.get_feature_names_out(list("abcd")).tolist()


def test_categories_go_through():
    data = mixed(1)
    held = {"city": data["city"], "kind": data["kind"]}
    pipeline = Pipeline([("hot", OneHotEncoder()), ("scale", StandardScaler())]).fit(held)
    made = holds(pipeline, listed(held))
    assert pipeline.get_feature_names_out()[-3:] == ["kind_x", "kind_y", "kind_z"]
    assert same_bits(made, pipeline.transform(held))
    with pytest.raises(CannotTransform) as refused:
        pipeline.transform_one({"city": "nowhere", "kind": "x"})
    assert refused.value.values["feature"] == "city"


def test_a_step_that_learns_from_labels_cross_fits():
    data = mixed(2, 60)
    held, labels = {"city": data["city"]}, [row % 3 == 0 for row in range(60)]
    alone = TargetEncoder(random_state=1).fit_transform(held, labels)
    pipeline = Pipeline([("mean", TargetEncoder(random_state=1)), ("scale", StandardScaler())])
    crossed = pipeline.fit_transform(held, labels)
    assert same_bits(crossed, StandardScaler().fit_transform(alone))
    assert not same_bits(crossed, pipeline.transform(held))
    with pytest.raises(InvalidInput, match="requires y"):
        pipeline.fit(held)


def test_parameters_inside():
    pipeline = scaled_twice(with_mean=False)
    assert pipeline.get_params()["first__with_mean"] is False
    assert set(pipeline.get_params(deep=False)) == {"steps", "memory", "verbose"}
    pipeline.set_params(first__with_mean=True, second=FunctionTransformer("square"), second__func="abs")
    assert pipeline.steps[0][1].with_mean is True
    assert pipeline.named_steps.second.func == "abs"
    assert pipeline["second"] is pipeline[2] and len(pipeline) == 3
    replaced = pipeline.set_params(only__func="sqrt", steps=[("only", FunctionTransformer())])
    assert repr(replaced) == "Pipeline(steps=[('only', FunctionTransformer(func='sqrt'))])"
    for wrong in ({"third": 1}, {"only__with_mean": True}, {"third__copy": 1}, {"verbose__x": 1}):
        with pytest.raises(InvalidInput, match="no such parameter"):
            pipeline.set_params(**wrong)


def test_parameters_are_those_of_sklearn():
    pipeline = pytest.importorskip("sklearn.pipeline")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    theirs = pipeline.Pipeline([("first", scaler()), ("none", "passthrough"), ("second", scaler())])
    known = set(theirs.get_params()) - {"transform_input"}  # metadata routing: there is none here
    assert set(scaled_twice().get_params()) == known


def test_a_slice_is_as_far_fitted():
    rows = numbers(3)
    pipeline = scaled_twice().fit({name: [row[n] for row in rows] for n, name in enumerate("abcd")})
    head, tail = pipeline[:1], pipeline[1:]
    assert same_bits(pipeline.transform(rows), tail.transform(head.transform(rows)))
    assert head.get_feature_names_out() == list("abcd")
    with pytest.raises(NotFitted):
        scaled_twice()[:1].transform(rows)


def test_a_new_fit_forgets():
    pipeline = scaled_twice().fit(numbers(4))
    pipeline.fit([[1.0], [2.0]])
    assert pipeline.n_features_in_ == 1 and same_bits(pipeline.transform([[1.0]]), [[-1.0]])
    pipeline.set_params(second="passthrough")
    assert pipeline.fit([[1.0], [3.0]]).transform([[3.0]]) == [[1.0]]
    assert not unfitted(pipeline).is_fitted and not unfitted(pipeline)["first"].is_fitted


def test_copies_and_pickles_are_alike():
    rows = numbers(5)
    pipeline = scaled_twice().fit(rows)
    made = pipeline.transform(rows)
    for other in (copy.deepcopy(pipeline), pickle.loads(pickle.dumps(pipeline)), copy.copy(pipeline)):
        assert same_bits(other.transform(rows), made)


def test_a_long_chain_compiles():
    chain = Pipeline([(f"s{n}", StandardScaler()) for n in range(300)]).fit([[1.0], [2.0], [4.0]])
    made = holds(chain, [[1.0], [None], [7.5]])
    by_hand = [[1.0], [None], [7.5]]
    for step in dict(chain.steps).values():
        by_hand = step.transform(by_hand)
    assert same_bits(made, by_hand)


def test_the_inverse_takes_what_a_row_holds():
    pipeline = scaled_twice().fit(numbers(6, width=2))
    whole = pipeline.inverse_transform([[1, 2], [None, 3]])
    assert same_bits(whole, pipeline.inverse_transform([[1.0, 2.0], [float("nan"), 3.0]]))
    assert pipeline.inverse_transform([[None, 1.0]])[0][0] != pipeline.inverse_transform([[None, 1.0]])[0][0]
    with pytest.raises(InvalidInput, match="as many columns"):
        pipeline.inverse_transform([[1.0]])
    with pytest.raises(InvalidInput, match="no inverse"):
        Pipeline([("c", CyclicalFeatures())]).fit([[1.0]]).inverse_transform([[1.0, 0.0]])


@pytest.mark.parametrize(
    "steps",
    [
        [],
        None,
        "ab",
        [("a", StandardScaler()), ("a", StandardScaler())],
        [("a__b", StandardScaler())],
        [("", StandardScaler())],
        [("steps", StandardScaler())],
        [("a", "drop")],
        [("a", StandardScaler)],
        [("a", 3)],
        [("a", StandardScaler(), [0])],
        [StandardScaler()],
        [(1, StandardScaler())],
    ],
    ids=repr,
)
def test_malformed_steps_are_refused_by_the_fit(steps):
    with pytest.raises(InvalidInput):
        Pipeline(steps).fit([[1.0]])


def test_what_is_not_fitted_says_so():
    for asked in ("transform", "inverse_transform", "transform_one"):
        with pytest.raises(NotFitted):
            getattr(scaled_twice(), asked)([[1.0]])
    with pytest.raises(NotFitted):
        scaled_twice().get_feature_names_out()


def test_features_are_compared():
    pipeline = scaled_twice().fit({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert pipeline.transform_one({"b": 3.0, "a": 1.0}) == pipeline.transform_one([1.0, 3.0])
    with pytest.raises(InvalidInput, match="has every feature"):
        pipeline.transform_one({"a": 1.0})
    with pytest.raises(InvalidInput, match="same order"):
        pipeline.transform({"b": [1.0], "a": [1.0]})
    with pytest.raises(InvalidInput, match="expecting 2 features"):
        pipeline.transform([[1.0]])
    with pytest.raises(InvalidInput, match="feature_names_in_"):
        pipeline.get_feature_names_out(["b", "a"])


def changed(plain, *path, to):
    plain = json.loads(json.dumps(plain))
    held = plain
    for one in path[:-1]:
        held = held[one]
    held[path[-1]] = to
    return plain


def test_malformed_stored_forms_are_refused_with_their_place():
    plain = scaled_twice().fit(numbers(7)).to_dict()
    step = ("parameters", "steps", 0, "tuple", 1, "transformer")
    cases = [
        ((*step, "type"), "os.system", "transformer.parameters.steps[0][1].type"),
        ((*step, "fitted", "mean_"), [1.0], "transformer.parameters.steps[0][1]"),
        ((*step, "fitted", "mean_", 2), "x", "transformer.parameters.steps[0][1].fitted.mean_[2]"),
        ((*step, "fitted", "n_features_in_"), 0, "transformer.parameters.steps[0][1].fitted.n_features_in_"),
        ((*step, "fitted", "n_features_in_"), 2**40, "transformer.parameters.steps[0][1].fitted.n_features_in_"),
        ((*step, "parameters", "copied"), True, "transformer.parameters.steps[0][1].parameters"),
        (("fitted", "feature_names_in_"), ["a"], "transformer.fitted.feature_names_in_"),
        (("fitted", "more"), 1, "transformer.fitted"),
        (("parameters", "steps"), {"tuple": 3}, "transformer.parameters.steps"),
        (("parameters",), [], "transformer.parameters"),
        (("type",), ["Pipeline"], "transformer.type"),
    ]
    for path, to, place in cases:
        with pytest.raises(InvalidInput) as refused:
            transformer_from_dict(changed(plain, *path, to=to))
        assert refused.value.values["place"].startswith(place), (path, refused.value)
    unlearnt = json.loads(json.dumps(plain))
    del unlearnt["parameters"]["steps"][0]["tuple"][1]["transformer"]["fitted"]
    with pytest.raises(InvalidInput, match="every step"):
        transformer_from_dict(unlearnt)


def test_a_definition_alone_is_stored_too():
    text = dumps(scaled_twice(with_std=False))
    again = loads(text)
    assert repr(again) == repr(scaled_twice(with_std=False)) and not again.is_fitted and dumps(again) == text
