"""An explanation says what the log says; each step of a pipeline against its own transformer alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isnan
from struct import pack
from typing import Any

import pytest

from ledger import Erased
from tests.replay.fixtures import V1, folders, replayed
from tests.vectordb.world import World, when
from vectordb import Category, Float, Int, Metric, Prediction, Request, UnknownVersion, Vector, VectorDB
from vectordb.audit import Explanation
from vectordb.transforms import (
    ColumnTransformer,
    FeatureUnion,
    MinMaxScaler,
    OneHotEncoder,
    Pipeline,
    SimpleImputer,
    StandardScaler,
)

STORIES = [name for name in folders(V1) if name != "digits"]


# -- inputs --------------------------------------------------------------------------------------------------------


def ranked(world: World, **options: Any) -> Prediction:
    inputs = ["drivers:trips", "drivers:rating", "drivers:city", Request("km", Float(default=1.0))]
    service = world.db.create_service("ranker", features=inputs)
    return world.db.record_prediction(service.get("d-7", request={"km": 3.5}), model="gbm@3", output=0.5, **options)


def test_every_input_tells_where_it_comes_from() -> None:
    world = World()
    world.tick(10)
    world.drivers.put_many({"driver": ["d-6", "d-7"], "trips": [1, 12]}, event_time=[when(3), when(4)])
    world.tick(5)
    world.put("d-7", city=None)
    world.tick(5)
    found = world.db.audit.explain(ranked(world))
    trips, rating, city, km = found.inputs
    assert (trips.name, trips.entity, trips.view, trips.feature) == ("trips", "d-7", "drivers", "trips")
    assert (trips.value, trips.status, trips.version) == (12, "present", "drivers/d-7@2.1")
    assert (trips.offset, trips.row, trips.event_time, trips.recorded_time) == (2, 1, when(4), when(10))
    assert trips.age_s == 16.0
    assert (rating.value, rating.status, rating.version, rating.age_s) == (None, "missing", None, None)
    assert (city.value, city.status, city.version, city.offset) == (None, "null", "drivers/d-7@3", 3)
    assert (km.value, km.status, km.view, km.version) == (3.5, "present", None, None)
    assert found.request == {"km": 3.5} and found.entities == ("d-7",)
    assert (found.service, found.model, found.model_kind, found.output) == ("ranker@1", "gbm@3", None, 0.5)
    assert (found.as_of, found.offset, found.at, found.recorded_time) == (4, 5, when(20), when(20))
    assert found.pipeline is None and found.steps == () and found.variant is None


def test_an_expired_value_has_its_status_and_age() -> None:
    world = World(ttl=60)
    world.put("d-7", trips=5)
    world.tick(61)
    trips = world.db.audit.explain(ranked(world)).inputs[0]
    assert (trips.value, trips.status, trips.version, trips.age_s) == (0, "expired", "drivers/d-7@2", 61.0)


def test_later_writes_change_nothing_and_a_past_explains_what_it_knows() -> None:
    world = World()
    world.put("d-7", trips=5)
    prediction = ranked(world)
    before = world.db.audit.explain(prediction.id)
    world.put("d-7", at=-5, trips=6)
    world.db.create_view("drivers", entity="driver", features={"city": Category()}, replace=True)
    after = world.db.audit.explain(prediction)
    assert after == before and after.to_dict() == before.to_dict()
    assert world.db.as_of(prediction.offset).audit.explain(prediction.id) == before
    with pytest.raises(UnknownVersion):
        world.db.as_of(prediction.offset - 1).audit.explain(prediction)
    with pytest.raises(UnknownVersion):
        world.db.audit.explain("drivers/d-7@2")
    with pytest.raises(AttributeError):
        after.output = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", STORIES)
def test_predictions_of_the_stories_are_explained_as_the_reads_show(name: str) -> None:
    db = replayed(name)
    for prediction in db.predictions():
        found = db.audit.explain(prediction.id)
        if prediction.as_of < db.state.log.pruned:
            assert {one.name: one.version for one in found.inputs} == prediction.versions
            assert found.reproduction.missing
            continue
        past = db.as_of(prediction=prediction.id)
        for one in found.inputs:
            if one.view is None:
                assert one.value == prediction.request[one.name]
                continue
            row = past.view(one.view).get(one.entity)
            assert (one.value, one.status, one.version) == (
                row[one.feature], str(row.status[one.feature]), row.versions[one.feature])  # fmt: skip
            assert one.event_time == row.event_times[one.feature]
        again = db.reproduce(prediction.id)
        assert found.reproduction.drifted == again.drifted == ()
        assert found.to_dict()["reproduction"]["matches"] is again.matches is True
        assert json.loads(json.dumps(found.to_dict()))["id"] == prediction.id
        assert str(found).startswith(f"prediction {prediction.id} = ") and "reproduced: yes" in str(found)


# -- the pipeline --------------------------------------------------------------------------------------------------


def part_at(whole: Any, way: str) -> Any:
    """The fitted transformer that a dotted way leads to."""
    for name in way.split("."):
        if isinstance(whole, ColumnTransformer):
            whole = whole.named_transformers_[name]
        else:
            parts = whole.steps if isinstance(whole, Pipeline) else whole.transformer_list
            whole = dict(parts)[name]
    return whole


def bits(values: Any) -> list[Any]:
    """Floats by their bits, NaN as one."""
    return ["nan" if isnan(value) else pack("d", value) for value in values]


def check_steps(db: VectorDB, prediction: Prediction) -> list[str]:
    found = db.audit.explain(prediction)
    whole = db.reproduce(prediction.id).row
    assert found.pipeline is not None and isinstance(whole, Mapping)
    assert list(found.pipeline.outputs) == list(whole)
    assert bits(found.pipeline.outputs.values()) == bits(whole.values())
    service = db.as_of(prediction=prediction.id).service(prediction.definition.name)
    ways = []
    for step in found.steps:
        part = part_at(service.pipeline, step.name) if len(found.steps) > 1 or "." in step.name else service.pipeline
        if isinstance(part, str):
            assert step.kind == part
        else:
            assert step.kind == type(part).__name__
            assert bits(part.transform_one(list(step.inputs.values()))) == bits(step.outputs.values())
            assert list(step.outputs) == part.get_feature_names_out()
        ways.append(step.name)
    return ways


def test_each_step_makes_what_its_transformer_makes_alone() -> None:
    db = replayed("pipeline")
    predictions = [one for one in db.predictions() if one.service == "ranker@1" and one.pipeline == 1]
    assert len(predictions) > 5
    for prediction in predictions[:-1]:
        past = db.as_of(prediction=prediction.id)
        if past.service("ranker").fitted.version == prediction.pipeline:  # type: ignore[union-attr]
            assert check_steps(db, prediction) == ["numbers.fill", "numbers.scale", "city", "seen"]


def test_branches_that_pass_on_or_drop_are_shown_and_names_go_along() -> None:
    world = World()
    world.drivers.put_many({"driver": ["a", "b", "c"], "trips": [1, 2, 4], "rating": [1.0, None, 3.0],
                            "city": ["Rome", "Oslo", "Rome"]})  # fmt: skip
    inner = FeatureUnion([("std", StandardScaler()), ("same", "passthrough"), ("none", "drop")],
                         transformer_weights={"std": 2.0})  # fmt: skip
    numbers = Pipeline([("fill", SimpleImputer()), ("idle", "passthrough"), ("both", inner)])
    parts = [("n", numbers, ["trips", "rating"]), ("raw", "passthrough", ["rating"]), ("out", "drop", ["city"]),
             ("hot", OneHotEncoder(), ["city"])]  # fmt: skip
    whole = Pipeline([("columns", ColumnTransformer(parts)), ("scale", MinMaxScaler())])
    keys = ["drivers:trips", "drivers:rating", "drivers:city"]
    service = world.db.create_service("deep", features=keys, pipeline=whole)
    service.fit()
    prediction = world.db.record_prediction(service.get("b"), model="m", output=1)
    assert check_steps(world.db, prediction) == [
        "columns.n.fill", "columns.n.idle", "columns.n.both.std", "columns.n.both.same", "columns.n.both.none",
        "columns.raw", "columns.out", "columns.hot", "scale"]  # fmt: skip
    found = world.db.audit.explain(prediction)
    steps = {step.name: step for step in found.steps}
    assert steps["columns.n.fill"].outputs == {"trips": 2.0, "rating": 2.0}
    assert steps["columns.n.both.none"].outputs == {} and steps["columns.out"].outputs == {}
    assert steps["columns.hot"].outputs == {"city_Oslo": 1.0, "city_Rome": 0.0}
    assert list(steps["scale"].inputs) == ["n__std__trips", "n__std__rating", "n__same__trips", "n__same__rating",
                                           "raw__rating", "hot__city_Oslo", "hot__city_Rome"]  # fmt: skip
    both = found.pipeline.parts[0].parts[0].parts[2]  # type: ignore[union-attr]
    assert both.kind == "FeatureUnion"
    assert both.outputs["std__trips"] == 2.0 * both.parts[0].outputs["trips"]
    assert "columns.hot (OneHotEncoder): city='Oslo' -> city_Oslo=1.0, city_Rome=0.0" in found.text()


def test_a_vector_goes_through_a_pipeline_by_its_elements() -> None:
    world = World()
    world.db.create_view("songs", entity="song", features={"e": Vector(2), "year": Int()})
    world.db.view("songs").put_many({"song": ["a", "b"], "e": [[1, 2], [3, 6]], "year": [1, 2]})
    service = world.db.create_service("s", features=["songs:e", "songs:year"], pipeline=StandardScaler())
    service.fit()
    prediction = world.db.record_prediction(service.get("b"), model="m", output=1)
    (step,) = world.db.audit.explain(prediction).steps
    assert step.inputs == {"e_0": 3.0, "e_1": 6.0, "year": 2.0}
    assert step.outputs == {"e_0": 1.0, "e_1": 1.0, "year": 1.0}
    nothing = world.db.record_prediction(service.get("nobody"), model="m", output=1)
    (step,) = world.db.audit.explain(nothing).steps
    assert all(isnan(value) for value in (*step.inputs.values(), *step.outputs.values()))


# -- model, variant, cone ------------------------------------------------------------------------------------------


def test_a_model_that_is_data_is_shown_with_its_version_then() -> None:
    world = World()
    world.put("d-7", trips=2, rating=1.0)
    linear = {"features": ["trips"], "coefficients": [2.0], "intercept": 1.0}
    world.db.create_model("cost", "linear", **linear)
    service = world.db.create_service("s", features=["drivers:trips"])
    prediction = world.db.record_prediction(service.get("d-7"), model="cost")
    world.db.create_model("cost", "linear", **{**linear, "intercept": 9.0}, replace=True)
    found = world.db.audit.explain(prediction)
    assert (found.model, found.model_kind, found.parameters) == ("cost@1", "linear", linear)
    assert found.reproduction.recomputed == found.output == 5.0
    assert "by model cost@1 (linear, stored as data)" in str(found)


def test_the_variant_says_whether_its_exposure_was_recorded() -> None:
    world = World()
    db = world.db
    world.put("d-7", trips=2)
    world.put("d-9", trips=2)
    test = db.create_experiment("test", unit="driver", arms={"a": 0.5, "b": 0.5}, forced={"d-9": "b"},
                                metrics={"m": Metric()})  # fmt: skip
    service = db.create_service("s", features=["drivers:trips"])
    assigned = test.assign("d-7")
    prediction = db.record_prediction(service.get("d-7"), model="m", output=1, assignment=assigned)
    variant = db.audit.explain(prediction).variant
    assert variant is not None and variant.exposed is None
    assert (variant.experiment, variant.unit, variant.arm, variant.reason, variant.propensity) == (
        "test@1", "d-7", assigned.arm, "split", 0.5)  # fmt: skip
    test.expose("d-7")
    exposed = db.head
    test.restart_buckets(salt="again")
    test.expose("d-7")
    assert db.audit.explain(prediction).variant.exposed == exposed  # type: ignore[union-attr]
    assert db.as_of(prediction.offset).audit.explain(prediction).variant == variant
    assert f"exposure recorded at offset {exposed}" in str(db.audit.explain(prediction))
    forced = test.expose("d-9")
    one = db.record_prediction(service.get("d-9"), model="m", output=1, assignment=forced)
    assert db.audit.explain(one).variant.exposed == db.head - 1  # type: ignore[union-attr]


@pytest.mark.parametrize("said", [{"arm": "b"}, {"experiment": "x", "arm": "b", "unit": "u"},
                                  {"experiment": "x", "unit": 1.5, "arm": "b"}])  # fmt: skip
def test_an_assignment_of_any_form_is_shown(said: dict[str, Any]) -> None:
    world = World()
    found = world.db.audit.explain(ranked(world, assignment=said))
    assert found.variant is not None and found.variant.exposed is None and found.variant.arm == "b"
    assert found.to_dict()["variant"]["experiment"] == said.get("experiment")


def test_the_cone_names_what_stands_behind_each_version() -> None:
    world = World()
    raw, other = world.put("r-1", trips=1), world.put("r-2", trips=2)
    middle = world.drivers.put("m", {"trips": 3}, derived_from=[raw, other], transformation="sum@1").versions[0]
    world.drivers.put("d-7", {"trips": 4}, derived_from=[middle, raw], transformation="scale@2")
    found = world.db.audit.explain(ranked(world))
    assert [(one.version, one.depth, one.derived_from, one.transformation) for one in found.cone] == [
        ("drivers/d-7@5", 0, (middle, raw), "scale@2"),
        (middle, 1, (raw, other), "sum@1"),
        (raw, 1, (), None),
        (other, 2, (), None),
    ]
    assert f"    drivers/d-7@5 from {middle}, {raw} by scale@2" in str(found).splitlines()


# -- erased values -------------------------------------------------------------------------------------------------


def test_an_erased_value_is_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    raw = world.put("r-1", trips=1)
    world.drivers.put("d-7", {"trips": 4}, derived_from=[raw])
    world.put("d-7", rating=2.0)
    prediction = ranked(world)
    log = world.db.state.log
    rows, names, counts = log.row, log.owner, log.rows_at

    def erased(answer: Any) -> Any:
        def ask(ref: int) -> Any:
            if ref in (3, 3 << 24):
                raise Erased("the row's values were destroyed", offset=3)
            return answer(ref)

        return ask

    monkeypatch.setattr(log, "row", erased(rows))
    monkeypatch.setattr(log, "owner", erased(names))
    monkeypatch.setattr(log, "rows_at", erased(counts))
    found = world.db.audit.explain(prediction)
    assert isinstance(found, Explanation)
    assert (found.inputs[0].status, found.inputs[0].value, found.inputs[0].version) == ("erased", None, "drivers/d-7@3")
    assert found.inputs[1].status == "present" and found.pipeline is None
    assert [(one.version, one.status, one.derived_from) for one in found.cone] == [
        ("erased@3.0", "erased", (raw,)), ("drivers/d-7@4", "present", ()), (raw, "present", ())]  # fmt: skip
    assert "trips = ? (erased), drivers/d-7@3" in str(found)
    assert not found.reproduction.matches and "reproduced: no" in str(found)
    assert {change.after.status for change in world.db.audit.changes(prediction, before=True)} >= {"erased"}
