"""Facts: what each of them may say."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import (
    DefinitionError,
    Fact,
    FeatureRef,
    Float,
    Int,
    InvalidInput,
    InvalidName,
    LogMarked,
    ModelDefinition,
    Origin,
    PredictionRow,
    Request,
    ServiceDefinition,
    ViewDefinition,
    check_plain,
    parse_input,
)
from tests.ledger.making import Colour
from tests.ledger.stored import every_fact


def test_a_fact_that_says_nothing_wrote_nothing() -> None:
    fact = Fact()
    assert (fact.rows, fact.views, tuple(fact.blocks())) == (0, (), ())
    with pytest.raises(NotImplementedError):
        fact.to_json(0)
    with pytest.raises(NotImplementedError):
        Fact.from_json({}, None)  # type: ignore[arg-type]


def test_a_fact_states_its_rows_and_views() -> None:
    found = [(event.type, event.rows, event.views) for event in every_fact().events()]
    assert found[9] == ("transaction_committed", 5, ("drivers", "riders"))
    assert found[7] == ("rows_put", 17, ("drivers",))
    assert found[2] == ("row_put", 1, ("drivers",))
    assert found[12] == ("predictions_recorded", 2, ())
    assert found[1] == ("view_defined", 0, ("riders",))


@pytest.mark.parametrize("name", ["", None, 7, b"x", "\ud800"], ids=ascii)
def test_a_mark_is_text_that_a_line_can_hold(name: Any) -> None:
    with pytest.raises(InvalidInput):
        LogMarked(name)


@pytest.mark.parametrize(
    ("label", "value"),
    [("owner", 7), ("owner", "\ud800"), ("description", None), ("tags", (1,)), ("tags", ("\udfff",))],
    ids=ascii,
)
def test_labels_are_text_that_a_line_can_hold(label: str, value: Any) -> None:
    arguments: dict[str, Any] = {label: value}
    with pytest.raises(DefinitionError):
        ViewDefinition("v", 1, "e", {"a": Int()}, **arguments)
    with pytest.raises(DefinitionError):
        ServiceDefinition("s", 1, (FeatureRef("v", "a"),), **arguments)
    with pytest.raises(DefinitionError):
        ModelDefinition("m", 1, "linear", {}, **arguments)


@pytest.mark.parametrize("features", [{}, {"a": int}, {"a": None}, {"a": "float"}])
def test_a_view_has_features_of_feature_types(features: Any) -> None:
    with pytest.raises(DefinitionError):
        ViewDefinition("v", 1, "e", features)


@pytest.mark.parametrize("arguments", [("1v", "e", "a"), ("v", "e-f", "a"), ("v", "e", "a b")])
def test_names_of_a_definition_match_the_one_pattern(arguments: tuple[str, str, str]) -> None:
    view, entity, feature = arguments
    with pytest.raises(InvalidName):
        ViewDefinition(view, 1, entity, {feature: Int()})


def test_a_view_has_at_most_ten_thousand_features() -> None:
    with pytest.raises(DefinitionError):
        ViewDefinition("v", 1, "e", {f"f{place}": Int() for place in range(10_001)})


def test_definitions_are_the_same_when_they_say_the_same() -> None:
    view = ViewDefinition("v", 1, "e", {"a": Int()})
    assert view.same_as(ViewDefinition("v", 2, "e", {"a": Int()}))
    assert not view.same_as(ViewDefinition("v", 1, "e", {"a": Int(default=1)}))
    assert not ViewDefinition("v", 1, "e", {"a": Int(), "b": Int()}).same_as(
        ViewDefinition("v", 1, "e", {"b": Int(), "a": Int()})
    )
    assert view.label == "v@1"
    service = ServiceDefinition("s", 1, (FeatureRef("v", "a"),))
    assert service.same_as(ServiceDefinition("s", 5, (FeatureRef("v", "a"),)))
    assert service.label == "s@1"
    model = ModelDefinition("m", 1, "linear", {"a": 1})
    assert model.same_as(ModelDefinition("m", 5, "linear", {"a": 1}))
    assert not model.same_as(ModelDefinition("m", 1, "linear", {"a": 2}))
    assert model.label == "m@1"


def test_a_service_names_each_input_once_and_tells_shared_names_apart() -> None:
    features = (
        FeatureRef("users", "age"),
        FeatureRef("items", "age"),
        FeatureRef("items", "price"),
        Request("km", Float()),
    )
    service = ServiceDefinition("s", 1, features)
    assert service.keys == ("users:age", "items:age", "price", "km") and service.views == ("users", "items")
    assert [str(feature) for feature in features] == ["users:age", "items:age", "items:price", "km"]
    for wrong in ((), (features[0], features[0]), (Request("age", Int()), Request("age", Float()))):
        with pytest.raises(DefinitionError):
            ServiceDefinition("s", 1, wrong)


def test_an_input_of_a_service_reads_view_and_feature_or_is_a_request() -> None:
    assert parse_input("drivers:trips") == FeatureRef("drivers", "trips")
    assert parse_input(FeatureRef("a", "b")) == FeatureRef("a", "b")
    assert parse_input({"request": "km", "type": "float"}) == Request("km", Float())
    for wrong in (
        "drivers",
        "",
        ":",
        "a:b:c",
        "a:",
        7,
        None,
        [],
        {},
        {"type": "float"},
        {"request": 7, "type": "float"},
    ):
        with pytest.raises((InvalidInput, DefinitionError)):
            parse_input(wrong)
    with pytest.raises(DefinitionError):
        Request("km", float)  # type: ignore[arg-type]


def test_an_origin_states_the_fields_that_are_set() -> None:
    assert Origin().to_json() == {}
    assert Origin((3 << 24 | 2,), "t", "k", "a").to_json() == {
        "derived_from": [[3, 2]],
        "transformation": "t",
        "key": "k",
        "args": "a",
    }


def test_a_prediction_is_of_one_entity_or_of_all_of_them_in_order() -> None:
    def entity(*entities: Any) -> Any:
        return PredictionRow(entities, (), (), None).entity

    assert entity("u") == "u"
    assert entity(("eu", 7)) == ("eu", 7)
    assert entity("u", 7) == ("u", 7)
    assert entity(("eu", 7), "i") == ("eu", 7, "i")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**1023), 0.5, -0.0, "é", [], {}, [1, [2]], {"a": {"b": None}}, nested(32)]
)
def test_plain_data_is_what_a_line_can_hold(value: Any) -> None:
    assert check_plain(value, "an output") == value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**1100,
        b"x",
        {1},
        object(),
        1j,
        {1: 2},
        {"\ud800": 1},
        "\ud800",
        ["\udfff"],
        nested(40),
    ],
    ids=lambda value: ascii(value)[:20].split(" at ")[0],
)
def test_other_data_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        check_plain(value, "an output")


def test_plain_data_of_other_libraries_becomes_pythons() -> None:
    assert check_plain((1, (2,)), "x") == [1, [2]]
    assert check_plain([Colour.RED], "x") == ["red"]
    numpy = pytest.importorskip("numpy")
    given = {"a": numpy.float64(0.5), "b": numpy.array([1, 2]), "c": numpy.True_, "d": [numpy.int8(3)]}
    found = check_plain(given, "x")
    assert found == {"a": 0.5, "b": [1, 2], "c": True, "d": [3]}
    assert [type(item) for item in found.values()] == [float, list, bool, list]
