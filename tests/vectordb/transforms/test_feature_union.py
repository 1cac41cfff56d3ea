"""FeatureUnion against scikit-learn's: names, weights, words, its file."""

from __future__ import annotations

import json

import pytest

from ledger import InvalidInput, NotFitted
from tests.vectordb.transforms.composition import close, holds, mixed, numbers, same_bits
from vectordb.transforms import (
    CyclicalFeatures,
    FeatureUnion,
    FunctionTransformer,
    OneHotEncoder,
    Pipeline,
    StandardScaler,
    TargetEncoder,
    transformer_from_dict,
)


def their_union(**options):
    numpy = pytest.importorskip("numpy")
    pipeline = pytest.importorskip("sklearn.pipeline")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    absolute = preprocessing.FunctionTransformer(numpy.abs, feature_names_out="one-to-one")
    parts = [
        ("scale", preprocessing.StandardScaler()),
        ("no", "drop"),
        ("keep", "passthrough"),
        ("size", pipeline.Pipeline([("abs", absolute), ("scale", preprocessing.StandardScaler())])),
    ]
    return pipeline.FeatureUnion(parts, **options)


def our_union(**options):
    chain = Pipeline([("abs", FunctionTransformer("abs")), ("scale", StandardScaler())])
    parts = [("scale", StandardScaler()), ("no", "drop"), ("keep", "passthrough"), ("size", chain)]
    return FeatureUnion(parts, **options)


@pytest.mark.parametrize("weights", [None, {"scale": 0.5, "keep": -3}], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_sklearn(seed, weights):
    numpy = pytest.importorskip("numpy")
    rows = numbers(seed)
    theirs, ours = their_union(transformer_weights=weights), our_union(transformer_weights=weights).fit(rows)
    assert close(holds(ours, rows), theirs.fit_transform(numpy.array(rows)))
    assert ours.get_feature_names_out(list("abcd")) == theirs.get_feature_names_out(list("abcd")).tolist()


def test_names_without_the_part_in_front():
    union = (
        our_union(verbose_feature_names_out=False).set_params(size="drop", keep="drop").fit({"a": [1.0], "b": [2.0]})
    )
    assert union.get_feature_names_out() == ["a", "b"]
    with pytest.raises(InvalidInput, match="differ"):
        our_union(verbose_feature_names_out=False).fit([[1.0]]).get_feature_names_out()


def test_parameters_are_those_of_sklearn():
    known = set(their_union().get_params())
    ours = {name for name in our_union().get_params() if not name.startswith("size__")}
    assert ours == {name for name in known if not name.startswith("size__")}
    union = our_union().set_params(size__scale__with_mean=False, scale="passthrough")
    assert union.get_params()["size__scale__with_mean"] is False
    assert union.transformer_list[0] == ("scale", "passthrough")


def test_kinds_pass_side_by_side():
    data = {name: mixed(1)[name] for name in ("city", "kind")}
    union = FeatureUnion([("hot", OneHotEncoder()), ("keep", "passthrough")]).fit(data)
    made = holds(union, data)
    assert made[0][-2:] == [data["city"][0], data["kind"][0]]
    assert same_bits(union.fit_transform(data), made)


def test_labels_cross_fit_a_part_and_its_weight():
    data, labels = {"city": mixed(2, 60)["city"]}, [row % 3 == 0 for row in range(60)]
    alone = TargetEncoder(random_state=1).fit_transform(data, labels)
    parts = [("mean", TargetEncoder(random_state=1)), ("hot", OneHotEncoder())]
    union = FeatureUnion(parts, transformer_weights={"mean": 0.5})
    made = union.fit_transform(data, labels)
    assert [row[0] for row in made] == [row[0] * 0.5 for row in alone]
    assert same_bits([row[1:] for row in made], [row[1:] for row in union.transform(data)])
    with pytest.raises(InvalidInput, match="requires y"):
        union.fit(data)


def test_cycles_side_by_side():
    union = FeatureUnion([("day", CyclicalFeatures(24)), ("week", CyclicalFeatures(168))]).fit({"hour": [0.0]})
    assert union.get_feature_names_out() == ["day__hour_sin", "day__hour_cos", "week__hour_sin", "week__hour_cos"]
    assert union.transform_one([42]) == (-1.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    "parameters",
    [
        {"transformer_list": []},
        {"transformer_list": [("a", StandardScaler(), [0])]},
        {"transformer_list": [("verbose", StandardScaler())]},
        {"transformer_list": [("a", "pass")]},
        {"transformer_weights": {"b": 1.0}},
        {"transformer_weights": {"a": None}},
        {"transformer_weights": {"a": 10**400}},
        {"verbose_feature_names_out": 1},
    ],
    ids=lambda given: repr(given)[:60],
)
def test_malformed_definitions_are_refused_by_the_fit(parameters):
    with pytest.raises(InvalidInput):
        FeatureUnion(**{"transformer_list": [("a", StandardScaler())], **parameters}).fit([[1.0]])


def test_there_is_no_inverse_and_no_transform_before_a_fit():
    with pytest.raises(NotFitted):
        our_union().transform([[1.0]])
    with pytest.raises(InvalidInput, match="no inverse"):
        our_union().fit([[1.0]]).inverse_transform([[1.0, 1.0, 1.0]])


def test_malformed_stored_forms_are_refused_with_their_place():
    plain = our_union().fit(numbers(3)).to_dict()
    scaler = plain["parameters"]["transformer_list"][0]["tuple"][1]["transformer"]
    here = "transformer.parameters.transformer_list[0][1]"
    narrow = StandardScaler().fit([[1.0], [2.0]]).to_dict()["fitted"]
    for name, to, place in [
        ("narrow", narrow, "transformer.fitted"),
        ("wide", {"n_features_in_": 5}, f"{here}.fitted.mean_"),
        ("text", {"scale_": [1.0, "2", 1.0, 1.0]}, f"{here}.fitted.scale_[1]"),
        ("no list", {"sums_": 3}, f"{here}.fitted.sums_"),
    ]:
        kept, scaler["fitted"] = scaler["fitted"], {**scaler["fitted"], **to}
        with pytest.raises(InvalidInput) as refused:
            transformer_from_dict(json.loads(json.dumps(plain)))
        assert refused.value.values["place"].startswith(place), (name, refused.value)
        scaler["fitted"] = kept
    del scaler["fitted"]
    with pytest.raises(InvalidInput, match="every part"):
        transformer_from_dict(json.loads(json.dumps(plain)))
