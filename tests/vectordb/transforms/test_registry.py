"""Stored forms: only known names, everything malformed refused with ``InvalidInput``, nothing run, nothing endless."""

from __future__ import annotations

import json
import random
import sys
import warnings
from math import inf, nan

import pytest

from ledger import InvalidInput
from tests.vectordb.transforms.composition import listed, mixed, numbers, same_bits
from vectordb.transforms import (
    ColumnTransformer,
    FeatureUnion,
    FunctionTransformer,
    OfType,
    OneHotEncoder,
    Pipeline,
    StandardScaler,
    dumps,
    loads,
    transformer_from_dict,
)
from vectordb.transforms.registry import TRANSFORMERS

CITIES = {name: mixed(1, 24)[name] for name in ("city", "kind")}
POSITIVE = [[abs(value) + 0.5 for value in row] for row in numbers(2, 24, 2, missing=0.0)]
LABELS = [row % 2 for row in range(24)]
SPECIAL = {
    "Pipeline": lambda: Pipeline([("hot", OneHotEncoder()), ("scale", StandardScaler())]),
    "FeatureUnion": lambda: FeatureUnion([("hot", OneHotEncoder()), ("keep", "passthrough")]),
    "ColumnTransformer": lambda: ColumnTransformer(
        [("hot", OneHotEncoder(), ["city"]), ("type", "passthrough", OfType("text"))],
        remainder=OneHotEncoder(handle_unknown="ignore"),
        transformer_weights={"hot": 2.0},
    ),
    "FunctionTransformer": lambda: FunctionTransformer("log1p", "expm1"),
}


def example(name):
    """A fitted transformer of a name, and a table that it takes."""
    last = None
    for given in (POSITIVE, CITIES) if name != "LabelEncoder" else (CITIES["city"],):
        made = SPECIAL.get(name, TRANSFORMERS[name])()
        try:
            made.fit(given) if name == "LabelEncoder" else made.fit(given, LABELS)
            made.transform(given)
        except InvalidInput as error:
            last = error
        else:
            return made, given
    raise AssertionError(f"{name} takes none of the tables: {last}")


def outcome(made, given):
    """The transformed table as rows, or the name of the refusal."""
    try:
        rows = made.transform(given)
    except InvalidInput as error:
        str(error)
        return type(error).__name__
    return [list(row) if isinstance(row, (list, tuple)) else [row] for row in rows]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of few rows, of a constant
@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_every_transformer_is_stored_by_its_name(name):
    made, given = example(name)
    plain = json.loads(dumps(made))
    assert plain["type"] == name and TRANSFORMERS[name] is type(made)
    again = loads(dumps(made))
    assert type(again) is type(made) and dumps(again) == dumps(made)
    assert same_bits(outcome(again, given), outcome(made, given))
    assert repr(loads(dumps(type(made)(**made.get_params(False))))) == repr(made)


JUNK = [
    None,
    True,
    0,
    -1,
    1,
    2,
    3.5,
    -0.0,
    1e-320,
    1e308,
    nan,
    inf,
    2**53 + 1,
    10**30,
    "",
    "x",
    "drop",
    "passthrough",
    "__import__('os')",
    [],
    [0],
    [[0, 1]],
    {},
    {"float": "nan"},
    {"float": "1"},
    {"int": "0x20000000000001"},
    {"int": "f" * 400},
    {"tuple": [1, 2]},
    {"dict": [["a", 1]]},
    {"slice": [None, None, None]},
    {"transformer": {"type": "StandardScaler", "parameters": {}}},
    {"types": ["number"]},
    {"type": "StandardScaler", "parameters": {}},
]


def places(plain, path=()):
    """Every path in plain data."""
    yield path
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def mutate(plain, rng):
    """A copy of plain data in which one thing is another."""
    plain = json.loads(json.dumps(plain))
    path = rng.choice([path for path in places(plain) if path])
    held = plain
    for key in path[:-1]:
        held = held[key]
    key = path[-1]
    how = rng.randrange(6)
    if how == 0:
        del held[key]
    elif how == 1 and isinstance(held, list):
        held.insert(key, json.loads(json.dumps(rng.choice(held))))
    elif how == 1:
        held[rng.choice(["more", "fitted", "type", "n_features_in_"])] = held[key]
    elif how == 2:
        other = rng.choice(list(held.values()) if isinstance(held, dict) else held)
        held[key] = json.loads(json.dumps(other))
    else:
        held[key] = rng.choice(JUNK)
    return plain


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_a_changed_file_is_refused_or_works(name):
    made, given = example(name)
    plain, rng = json.loads(dumps(made)), random.Random(f"{name}7")
    loaded = refused = 0
    for _ in range(400):
        changed = plain
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            changed = mutate(changed, rng)
        try:
            other = transformer_from_dict(changed)
        except InvalidInput as error:
            assert str(error)
            refused += 1
            continue
        loaded += 1
        works(other, given, changed)
    assert loaded and refused > 100


def works(made, given, changed):
    """Whatever was loaded transforms, or refuses what it is given."""
    try:
        outcome(made, given)
        repr(made)
        if made.is_fitted and hasattr(made, "n_features_in_"):
            width = len(made.get_feature_names_out())
            inverse(made, [[1.0] * width])
            again = transformer_from_dict(json.loads(json.dumps(made.to_dict())))
            assert json.dumps(again.to_dict()) == json.dumps(made.to_dict())
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{json.dumps(changed)[:3000]}") from error


def inverse(made, given):
    try:
        made.inverse_transform(given)
    except (InvalidInput, AttributeError) as error:
        if isinstance(error, AttributeError) and "inverse_transform" not in str(error):
            raise


# -- one by one --------------------------------------------------------------------------------------------

SCALER = StandardScaler().fit([[1.0], [2.0]]).to_dict()


@pytest.mark.parametrize("plain", JUNK, ids=repr)
def test_what_is_no_transformer_is_refused(plain):
    if isinstance(plain, dict) and "parameters" in plain:
        return
    with pytest.raises(InvalidInput) as refused:
        transformer_from_dict(plain)
    assert refused.value.values["place"].startswith("transformer")
    with pytest.raises(InvalidInput):
        loads(json.dumps(plain))


@pytest.mark.parametrize(
    "name",
    [
        "Nothing",
        "standardscaler",
        "Transformer",
        "Incremental",
        "Composite",
        "os.system",
        "builtins.print",
        "",
        "OfType",
    ],
)
def test_unknown_types_are_refused(name):
    with pytest.raises(InvalidInput, match="no transformer of that name") as refused:
        transformer_from_dict({**SCALER, "type": name})
    assert refused.value.values["place"] == "transformer.type"


@pytest.mark.parametrize("names", [["more"], ["copy", "self"], ["kwargs"], ["__class__"], ["sums_"]], ids=repr)
def test_unknown_parameters_are_refused(names):
    with pytest.raises(InvalidInput, match="parameters of StandardScaler") as refused:
        transformer_from_dict({**SCALER, "parameters": dict.fromkeys(names, True)})
    assert refused.value.values["place"] == "transformer.parameters"


def test_missing_parameters_are_refused():
    with pytest.raises(InvalidInput, match="steps"):
        transformer_from_dict({"type": "Pipeline", "parameters": {}})


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000, "1" * 5000, b"\xff", None, '{"type": 1', "NaN"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(InvalidInput):
        loads(text)


def nested(depth, wrap):
    plain = SCALER
    for _ in range(depth):
        plain = wrap(plain)
    return plain


WRAPS = {
    "pipelines": lambda inner: {
        "type": "Pipeline",
        "parameters": {"steps": [{"tuple": ["a", {"transformer": inner}]}]},
    },
    "parameters": lambda inner: {"type": "StandardScaler", "parameters": {"copy": {"transformer": inner}}},
    "fitted": lambda inner: {
        "type": "ColumnTransformer",
        "parameters": {"transformers": [{"tuple": ["a", "drop", [0]]}]},
        "fitted": {
            "n_features_in_": 1,
            "feature_names_in_": None,
            "transformers_": [["a", {"transformer": inner}, [0]]],
        },
    },
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("depth", [40, 300, 20_000])
def test_transformers_nested_deep_are_refused(wrap, depth):
    with pytest.raises(InvalidInput) as refused:
        transformer_from_dict(nested(depth, wrap))
    assert len(str(refused.value)) < 5000


def test_transformers_nested_a_little_are_fine():
    made = StandardScaler()
    for _ in range(10):
        made = Pipeline([("a", ColumnTransformer([("b", made, [0])]))])
    made.fit([[1.0], [2.0]])
    assert same_bits(loads(dumps(made)).transform([[3.0]]), made.transform([[3.0]]))


@pytest.mark.parametrize("depth", [40, 300, 20_000])
@pytest.mark.parametrize("place", ["parameters", "fitted"])
def test_lists_nested_deep_are_refused(depth, place):
    deep = []
    for _ in range(depth):
        deep = [deep]
    name = "copy" if place == "parameters" else "mean_"
    with pytest.raises(InvalidInput) as refused:
        transformer_from_dict({**SCALER, place: {**SCALER[place], name: deep}})
    assert len(str(refused.value)) < 5000


HUGE = ["f" * 300, "0x1" + "0" * 19_000, "1" * 20_001, "-0xffffffffffffffff", "1e5", "0b1", "", "zz", "１", " 1_0 "]


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:12])
@pytest.mark.parametrize("name", ["mean_", "scale_", "n_samples_seen_", "sums_"])
@pytest.mark.filterwarnings("ignore")
def test_huge_whole_numbers_are_refused_or_work(name, text):
    fitted = {**SCALER["fitted"], name: [{"int": text}] if name != "sums_" else [[{"int": text}] * 4]}
    try:
        made = transformer_from_dict({**SCALER, "fitted": fitted})
    except InvalidInput as error:
        assert str(error)
    else:
        works(made, [[1.0]], fitted)


def test_whole_numbers_come_back():
    for size in (1, 2**53, 2**53 + 1, -(2**64), 10**4000):
        encoder = OneHotEncoder().fit([[size], [0]])
        assert loads(dumps(encoder)).categories_ == encoder.categories_


@pytest.mark.parametrize("value", [-0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3], ids=repr)
def test_floats_come_back(value):
    scaler = StandardScaler(with_std=False).fit([[value]])
    assert same_bits([loads(dumps(scaler)).mean_], [scaler.mean_])


def test_a_number_of_features_beyond_reason_is_refused_at_once():
    for width in (2**20 + 1, 2**31 - 1, 10**30, -1, 0, True, 1.0, None, "1"):
        with pytest.raises(InvalidInput) as refused:
            transformer_from_dict(
                {
                    "type": "FunctionTransformer",
                    "parameters": {"func": "abs"},
                    "fitted": {"n_features_in_": width, "feature_names_in_": None},
                }
            )
        assert refused.value.values["place"] == "transformer.fitted.n_features_in_"


def test_what_cannot_be_stored_is_refused_with_its_place():
    for value in (print, object(), {1, 2}, 1j, StandardScaler):
        with pytest.raises(InvalidInput, match="plain data") as refused:
            dumps(StandardScaler(copy=value))
        assert refused.value.values["parameter"] == "StandardScaler.copy"


def test_reading_imports_nothing():
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("antigravity", "this.s", "xml.dom.minidom"):
            with pytest.raises(InvalidInput):
                transformer_from_dict({"type": name, "parameters": {}})
    assert set(sys.modules) == before


def test_parameters_of_every_kind_come_back():
    given = [1, 2.5, "x", None, True, (1, (2,)), [[], ()], slice(1, None, 2), {"a": [1], 2: None}, nan, -inf, 10**40]
    made = loads(dumps(StandardScaler(copy=given))).copy
    assert repr(made) == repr(given)
    assert loads(dumps(StandardScaler(copy=OfType("int", "text")))).copy == OfType("int", "text")
    rows = listed(CITIES)
    inner = loads(dumps(StandardScaler(copy=OneHotEncoder().fit(rows)))).copy
    assert same_bits(inner.transform(rows), OneHotEncoder().fit(rows).transform(rows))
