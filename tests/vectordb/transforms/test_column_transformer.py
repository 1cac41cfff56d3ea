"""ColumnTransformer against scikit-learn's: choices of columns, names, the remainder, weights, merging, its file."""

from __future__ import annotations

import json
from math import nan

import pytest

from ledger import InvalidInput, NotFitted
from tests.vectordb.transforms.composition import close, holds, listed, mixed, numbers, same_bits
from vectordb.transforms import (
    ColumnTransformer,
    FunctionTransformer,
    OfType,
    OneHotEncoder,
    Pipeline,
    StandardScaler,
    TargetEncoder,
    dumps,
    transformer_from_dict,
)

NUMBERS = ["age", "pay", "trips"]
KINDS = {
    "names": (["age", "trips"], ["city"]),
    "a tuple of names": (("age", "trips"), ("city",)),
    "places": ([0, 2], [4]),
    "from the end": ([-6, -4], [-2]),
    "a slice of places": (slice(0, 3), slice(4, 5)),
    "a slice of names": (slice("age", "trips"), slice("city", "city")),
    "open slices": (slice(None, "trips"), slice(-2, -1)),
    "masks": ([True, False, True, False, False, False], [False] * 4 + [True, False]),
    "one twice": (["age", "trips"], ["trips", "city"]),
    "none": ([], ["city"]),
}


def both_sides(choice, **options):
    """Ours and theirs, fitted on the same frame."""
    pandas = pytest.importorskip("pandas")
    compose = pytest.importorskip("sklearn.compose")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    frame = pandas.DataFrame(mixed(1))
    hot = preprocessing.OneHotEncoder(sparse_output=False)
    places, own_places = list(choice), [list(one) if isinstance(one, tuple) else one for one in choice]
    theirs = compose.ColumnTransformer(
        [("scale", preprocessing.StandardScaler(), own_places[0]), ("hot", hot, own_places[1])], **options
    )
    ours = ColumnTransformer([("scale", StandardScaler(), places[0]), ("hot", OneHotEncoder(), places[1])], **options)
    return ours.fit(frame), theirs.fit(frame), frame


@pytest.mark.parametrize("options", [{}, {"verbose_feature_names_out": False}], ids=str)
@pytest.mark.parametrize("choice", KINDS.values(), ids=KINDS)
def test_choices_of_columns_are_those_of_sklearn(choice, options):
    if choice == KINDS["one twice"]:
        options = {}  # else names meet: see below
    ours, theirs, frame = both_sides(choice, **options)
    assert close(holds(ours, frame), theirs.transform(frame))
    assert ours.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    assert [name for name, _, _ in ours.transformers_] == [name for name, _, _ in theirs.transformers_]
    indices = theirs._transformer_to_input_indices
    assert [list(places) for _, _, places in ours.transformers_] == [
        list(indices[name]) for name, _, _ in theirs.transformers_
    ]


@pytest.mark.parametrize("remainder", ["drop", "passthrough", "scale"])
@pytest.mark.parametrize("first", ["drop", "passthrough", "scale"])
def test_words_and_the_remainder(first, remainder):
    numpy = pytest.importorskip("numpy")
    compose = pytest.importorskip("sklearn.compose")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    rows = numbers(2, missing=0.0)
    parts = [first if first != "scale" else StandardScaler(), remainder if remainder != "scale" else StandardScaler()]
    their_parts = [scaler() if part not in ("drop", "passthrough") else part for part in parts]
    theirs = compose.ColumnTransformer([("one", their_parts[0], [2, 0])], remainder=their_parts[1])
    ours = ColumnTransformer([("one", parts[0], [2, 0])], remainder=parts[1]).fit(rows)
    expected = theirs.fit_transform(numpy.array(rows))
    assert ours.get_feature_names_out() == theirs.get_feature_names_out().tolist()
    if expected.shape[1]:
        assert close(holds(ours, rows), expected)
    else:
        assert ours.transform(rows) == [[] for _ in rows] and ours.transform_one(rows[0]) == ()


def test_weights_are_those_of_sklearn():
    weights = {"scale": 10.0, "hot": 0.5}
    ours, theirs, frame = both_sides(KINDS["names"], transformer_weights=weights)
    assert close(holds(ours, frame), theirs.transform(frame))


def test_types_choose():
    parts = [("scale", StandardScaler(), OfType("number")), ("hot", OneHotEncoder(), OfType("category"))]
    ours = ColumnTransformer(parts).fit(mixed(3))
    assert [places for _, _, places in ours.transformers_] == [(0, 1, 2, 3), (4, 5)]
    holds(ours, mixed(3))
    parts[0] = ("scale", StandardScaler(), OfType("int", "bool"))
    fitted = ColumnTransformer(parts).fit(mixed(3)).transformers_
    assert [places for _, _, places in fitted] == [(2, 3), (4, 5), (0, 1)]
    with pytest.raises(InvalidInput, match="a type is one"):
        OfType("numbers")
    with pytest.raises(InvalidInput, match="a type is one"):
        OfType()


def test_numbers_pass_as_floats_and_others_as_they_are():
    part = ColumnTransformer([("keep", "passthrough", ["trips", "city", "pay"])], verbose_feature_names_out=False)
    data = mixed(4)
    made = holds(part.fit(data), data)
    assert part.get_feature_names_out() == ["trips", "city", "pay"]
    assert type(made[0][0]) is float and made[0][1] == data["city"][0]
    assert same_bits(part.fit_transform(data), made)


def test_labels_cross_fit_a_part_and_its_weight():
    data, labels = mixed(5, 60), [row % 3 == 0 for row in range(60)]
    city = {"city": data["city"]}
    alone = TargetEncoder(random_state=1).fit_transform(city, labels)
    parts = [("mean", TargetEncoder(random_state=1), ["city"]), ("keep", "passthrough", ["kind", "trips", "pay"])]
    ours = ColumnTransformer(parts, transformer_weights={"mean": 2.0})
    made = ours.fit_transform(data, labels)
    assert [row[0] for row in made] == [row[0] * 2.0 for row in alone]
    assert same_bits([row[1:] for row in made], [row[1:] for row in ours.transform(data)])
    assert [row[0] for row in made] != [row[0] for row in ours.transform(data)]
    with pytest.raises(InvalidInput, match="requires y"):
        ours.fit(data)


def test_what_was_given_is_not_fitted():
    scaler = StandardScaler()
    ours = ColumnTransformer([("a", scaler, [0])], remainder=scaler).fit([[1.0, 2.0], [3.0, 5.0]])
    assert not scaler.is_fitted and ours.named_transformers_["a"].is_fitted
    assert ours.named_transformers_["remainder"].mean_ == (3.5,)


def test_parameters_inside():
    ours = ColumnTransformer([("a", StandardScaler(), [0])], remainder=StandardScaler())
    ours.set_params(a__with_mean=False, remainder__with_std=False)
    assert ours.get_params()["a__with_mean"] is False and ours.remainder.with_std is False
    ours.set_params(a="passthrough")
    assert ours.transformers == [("a", "passthrough", [0])]
    assert ours.fit([[3.0, 1.0]]).transform([[3.0, 2.0]]) == [[3.0, 1.0]]
    with pytest.raises(InvalidInput, match="no such parameter"):
        ours.set_params(a__with_mean=True)


def test_parameters_are_those_of_sklearn():
    compose = pytest.importorskip("sklearn.compose")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    theirs = compose.ColumnTransformer([("a", scaler(), [0]), ("b", "drop", [1])], remainder=scaler())
    ours = ColumnTransformer([("a", StandardScaler(), [0]), ("b", "drop", [1])], remainder=StandardScaler())
    known = set(theirs.get_params()) - {"force_int_remainder_cols"}  # deprecated, without effect
    assert set(ours.get_params()) == known


@pytest.mark.parametrize(
    "columns",
    [["nothing"], [6], [-7], [True, False], [1.5], 2.5, None, [None], slice("a", "b"), slice(0, 9, 0), slice(0.5, 2)],
    ids=repr,
)
def test_columns_that_are_not_there_are_refused(columns):
    with pytest.raises(InvalidInput) as refused:
        ColumnTransformer([("own", StandardScaler(), columns)]).fit(mixed(6))
    assert refused.value.values["part"] == "own"


def test_a_callable_is_refused():
    with pytest.raises(InvalidInput, match="OfType"):
        ColumnTransformer([("own", StandardScaler(), lambda table: [0])]).fit([[1.0]])


@pytest.mark.parametrize(
    "parameters",
    [
        {"transformers": []},
        {"transformers": [("a", StandardScaler())]},
        {"transformers": [("remainder", StandardScaler(), [0])]},
        {"transformers": [("a", StandardScaler(), [0]), ("a", StandardScaler(), [0])]},
        {"transformers": [("a", "pass", [0])]},
        {"remainder": "pass"},
        {"remainder": StandardScaler},
        {"transformer_weights": {"a": "x"}},
        {"transformer_weights": {"a": nan}},
        {"transformer_weights": [1.0]},
        {"verbose_feature_names_out": "{transformer_name}.{feature_name}"},
    ],
    ids=repr,
)
def test_malformed_definitions_are_refused_by_the_fit(parameters):
    parameters = {"transformers": [("a", StandardScaler(), [0])], **parameters}
    with pytest.raises(InvalidInput):
        ColumnTransformer(**parameters).fit([[1.0]])


def test_names_that_meet_are_refused():
    parts = [("a", StandardScaler(), [0]), ("b", StandardScaler(), [0, 1])]
    ours = ColumnTransformer(parts, verbose_feature_names_out=False).fit([[1.0, 2.0]])
    with pytest.raises(InvalidInput, match="differ") as refused:
        ours.get_feature_names_out()
    assert refused.value.values["repeated"] == ["x0"]


# -- merging -----------------------------------------------------------------------------------------------


def whole():
    parts = [
        ("scale", StandardScaler(), ["age", "pay"]),
        ("hot", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ("log", FunctionTransformer("log1p"), ["trips"]),
        ("empty", StandardScaler(), []),
    ]
    return ColumnTransformer(parts, remainder="passthrough")


def half(data, start):
    return {name: column[start::2] for name, column in data.items()}


def test_merge_equals_one_fit_and_retract_takes_it_back():
    data = mixed(7, 80)
    one, other, both = whole().fit(half(data, 0)), whole().fit(half(data, 1)), whole().fit(data)
    assert dumps(one.merge(other)) == dumps(other.merge(one)) == dumps(both)
    assert dumps(one.merge(other).retract(other)) == dumps(one)
    assert same_bits(one.merge(other).transform(data), both.transform(data))
    assert dumps(one) == dumps(whole().fit(half(data, 0)))  # what was merged is not touched


def test_what_does_not_match_is_not_merged():
    data = mixed(8)
    one = whole().fit(data)
    others = [
        ColumnTransformer([("scale", StandardScaler(), ["age"])]).fit(data),
        whole().set_params(scale="passthrough").fit(data),
        whole().set_params(transformer_weights={"hot": 2.0}).fit(data),
        whole().fit({**data, "more": data["age"]}),
        StandardScaler().fit([[1.0]]),
    ]
    for other in others:
        for how in ("merge", "retract"):
            with pytest.raises(InvalidInput):
                getattr(one, how)(other)
    with pytest.raises(InvalidInput, match="equal parameters"):
        one.merge(whole().set_params(scale__with_mean=False).fit(data))
    with pytest.raises(NotFitted):
        one.merge(whole())
    nested = ColumnTransformer([("p", Pipeline([("s", StandardScaler())]), [0])]).fit([[1.0]])
    with pytest.raises(InvalidInput, match="Pipeline cannot merge"):
        nested.merge(nested)


# -- the stored form ---------------------------------------------------------------------------------------


def test_nested_ones_are_stored():
    inner = ColumnTransformer([("a", StandardScaler(), [1])], remainder="passthrough")
    chain = Pipeline([("inner", inner), ("scale", StandardScaler())])
    ours = ColumnTransformer([("chain", chain, ["pay", "age"]), ("hot", OneHotEncoder(), OfType("category"))])
    holds(ours.fit(mixed(9)), mixed(9))
    assert ours.get_feature_names_out()[:2] == ["chain__a__age", "chain__remainder__pay"]


def test_malformed_stored_forms_are_refused_with_their_place():
    plain = whole().fit(mixed(10)).to_dict()
    here = "transformer.fitted.transformers_"
    cases = [
        ((0, 2), [0, 9], f"{here}[0]"),
        ((0, 2), [0], f"{here}[0]"),
        ((0, 2), [0, 1.0], f"{here}[0][1]"),
        ((0, 2), "ab", f"{here}[0]"),
        ((0, 1), "pass", f"{here}[0]"),
        ((0, 1), None, f"{here}[0]"),
        ((0, 0), 3, f"{here}[0]"),
        ((1,), ["hot"], f"{here}[1]"),
        ((0, 1, "transformer", "type"), "Nothing", f"{here}[0].type"),
        ((0, 1, "transformer", "fitted", "scale_", 1), True, f"{here}[0].fitted.scale_[1]"),
    ]
    for path, to, place in cases:
        changed = json.loads(json.dumps(plain))
        held = changed["fitted"]["transformers_"]
        for one in path[:-1]:
            held = held[one]
        held[path[-1]] = to
        with pytest.raises(InvalidInput) as refused:
            transformer_from_dict(changed)
        assert refused.value.values["place"].startswith(place), (path, refused.value)
    changed = json.loads(json.dumps(plain))
    del changed["fitted"]["transformers_"][0][1]["transformer"]["fitted"]
    with pytest.raises(InvalidInput, match="is fitted"):
        transformer_from_dict(changed)


def test_a_mapping_is_a_row_whatever_its_order():
    ours, data = whole().fit(mixed(11)), mixed(11)
    row = {name: column[0] for name, column in reversed(data.items())}
    assert same_bits([ours.transform_one(row)], [ours.transform_one(listed(data)[0])])
