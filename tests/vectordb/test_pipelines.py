"""Services with a pipeline: fitted on the ledger, applied by every read, pinned, reproduced, checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import START, World, everything, when
from vectordb import (
    CannotTransform,
    DefinitionConflict,
    Float,
    InvalidInput,
    NotFitted,
    Request,
    Timestamp,
    UnknownName,
    Vector,
    VectorDB,
)
from vectordb.transformed_row import TransformedRow
from vectordb.transforms import (
    ColumnTransformer,
    DatetimeFeatures,
    OfType,
    OneHotEncoder,
    Pipeline,
    SimpleImputer,
    StandardScaler,
    TargetEncoder,
    Transformer,
)

KEYS = ["drivers:trips", "drivers:rating", "drivers:city"]
CITIES = ["Rome", "Oslo", "Bonn"]


def usual(unknown: str = "ignore") -> Pipeline:
    """Imputer, scaler and one-hot, by type."""
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    cities = OneHotEncoder(handle_unknown=unknown)
    return Pipeline([("by_type", ColumnTransformer([("n", numbers, OfType("number")), ("c", cities, ["city"])]))])


class Fleet(World):
    """Nine drivers in three cities, one without a rating, and the service ``ranker`` over them."""

    def __init__(self, pipeline: Transformer | None = None, **options: Any) -> None:
        super().__init__(**options)
        for number in range(9):
            rating = None if number == 4 else 4.0 + number / 10
            self.put(f"d-{number}", trips=number * 3, rating=rating, city=CITIES[number % 3])
        self.ranker = self.db.create_service("ranker", features=KEYS, pipeline=pipeline or usual())


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    fleet.ranker.fit()
    yield fleet
    fleet.db.check()


def by_hand(service: Any, row: Any) -> tuple[float, ...]:
    """The pipeline's own answer for the inputs of a row."""
    found: tuple[float, ...] = service.pipeline.transform_one(row.inputs.vector())
    return found


# -- before and after the fit --------------------------------------------------------------------------


def test_a_service_is_read_raw_until_its_pipeline_is_fitted() -> None:
    fleet = Fleet()
    with pytest.raises(NotFitted, match="call fit"):
        fleet.ranker.get("d-1")
    with pytest.raises(NotFitted, match="ranker@1"):
        fleet.ranker.get_many(["d-1"])
    assert fleet.ranker.get("d-1", raw=True)["trips"] == 3
    assert fleet.ranker.get_many(["d-1"], raw=True).column("city") == ["Oslo"]
    assert fleet.ranker.fitted is None and not fleet.ranker.pipeline.is_fitted  # type: ignore[union-attr]


def test_a_fit_is_an_event_and_reads_go_through_it(fleet: Fleet) -> None:
    event = fleet.db.event(fleet.db.head)
    assert event.type == "pipeline_fitted"
    fitted = fleet.ranker.fitted
    assert fitted is not None and fitted.views == ("drivers@1",)
    assert (fitted.label, fitted.as_of, fitted.rows, fitted.target) == ("ranker#1", fleet.db.head - 1, 9, "")
    row = fleet.ranker.get("d-1")
    assert isinstance(row, TransformedRow)
    assert list(row) == [
        "by_type__n__trips", "by_type__n__rating", "by_type__c__city_Bonn", "by_type__c__city_Oslo",
        "by_type__c__city_Rome",
    ] or list(row) == ["n__trips", "n__rating", "c__city_Bonn", "c__city_Oslo", "c__city_Rome"]  # fmt: skip
    assert tuple(row.vector()) == by_hand(fleet.ranker, row) and row.vector()[2:] == [0.0, 1.0, 0.0]
    assert row.inputs.to_dict() == {"trips": 3, "rating": 4.1, "city": "Oslo"}
    assert (row.pipeline, row.service, row.entity, row.found) == ("ranker#1", "ranker@1", "d-1", True)
    assert row.versions == row.inputs.versions and row.status == row.inputs.status


def test_a_fit_is_that_of_the_pipeline_alone_on_the_same_rows(fleet: Fleet) -> None:
    rows = [[row.inputs["trips"], row.inputs["rating"], row.inputs["city"]] for row in fleet.ranker.get_many(
        [f"d-{number}" for number in range(9)])]  # fmt: skip
    alone = usual().fit({"trips": [r[0] for r in rows], "rating": [r[1] for r in rows], "city": [r[2] for r in rows]})
    pipeline = fleet.ranker.pipeline
    assert pipeline is not None and pipeline.to_dict() == alone.to_dict()


def test_a_matrix_has_the_rows_of_single_reads(fleet: Fleet) -> None:
    ids = ["d-4", "d-1", "nobody", "d-4"]
    for _ in range(2):  # cold, then held
        matrix = fleet.ranker.get_many(ids)
        assert matrix.shape == (4, 5) and matrix.label == "ranker@1" and matrix.pipeline == "ranker#1"
        assert matrix.to_rows() == [tuple(fleet.ranker.get(entity).vector()) for entity in ids]
        assert [row.inputs.found for row in matrix] == [True, True, False, True]
    assert matrix.versions == [fleet.ranker.get(entity).versions for entity in ids]
    assert [status["rating"] for status in matrix.status] == ["null", "present", "missing", "null"]
    assert matrix[1:3].to_rows() == matrix.to_rows()[1:3] and matrix.astype("float32").dtype == "float32"


def test_nulls_missing_and_expired_values_are_filled() -> None:
    fleet = Fleet(ttl=100)
    fleet.ranker.fit()
    mean = fleet.ranker.get("d-4").vector()[1]
    fleet.tick(200)
    row = fleet.ranker.get("d-1")
    assert row.inputs["rating"] is None and row.inputs["trips"] == 0  # expired: the default of trips
    assert row.vector()[1] == mean and row.vector()[2:] == [0.0, 0.0, 0.0]


def test_an_unknown_category_is_refused_with_its_entity() -> None:
    fleet = Fleet(usual("error"))
    fleet.ranker.fit()
    fleet.put("d-9", trips=1, rating=1.0, city="Paris")
    for read in (lambda: fleet.ranker.get("d-9"), lambda: fleet.ranker.get_many(["d-1", "d-9", "d-2"]),
                 lambda: fleet.db.as_of(fleet.db.head).service("ranker").get_many(["d-1", "d-9"])):  # fmt: skip
        with pytest.raises(CannotTransform) as caught:
            read()
        values = caught.value.values
        assert (values["feature"], values["entity"], values["value"]) == ("city", "d-9", "Paris")
        assert values["pipeline"] == "ranker#1"
    assert fleet.ranker.get("d-9", raw=True)["city"] == "Paris"


# -- versions and time ---------------------------------------------------------------------------------


def test_a_past_uses_the_pipeline_of_its_time(fleet: Fleet) -> None:
    first = fleet.ranker.get("d-1")
    fleet.put("d-0", trips=300)
    second = fleet.ranker.fit()
    assert fleet.ranker.get("d-1").vector() != first.vector() and fleet.ranker.get("d-1").pipeline == "ranker#2"
    then = fleet.db.as_of(first.as_of).service("ranker")
    assert then.get("d-1") == first and then.get_many(["d-1"]).to_rows() == [tuple(first.vector())]
    assert then.fitted.version == 1 and not hasattr(then, "fit")
    with pytest.raises(NotFitted):
        fleet.db.as_of(first.as_of - 1).service("ranker").get("d-1")
    assert fleet.db.as_of(second.offset - 1).service("ranker").get("d-1").pipeline == "ranker#1"


def test_a_fit_as_of_an_offset_sees_that_offset(fleet: Fleet) -> None:
    before, head = fleet.ranker.pipeline, fleet.db.head
    fleet.put("d-0", trips=300)
    fleet.ranker.fit(as_of=head)
    fitted = fleet.ranker.fitted
    assert fitted is not None and fitted.as_of == head and fitted.version == 2
    assert fleet.ranker.pipeline.to_dict() == before.to_dict()  # type: ignore[union-attr]


def test_a_new_pipeline_is_a_new_version_and_old_predictions_reproduce(fleet: Fleet) -> None:
    names = list(fleet.ranker.get("d-1"))
    fleet.db.create_model("m", "linear", features=names, coefficients=[0.1, 0.2, 0.3, 0.4, 0.5], intercept=1.0)
    prediction = fleet.db.record_prediction(fleet.ranker.get("d-1"), model="m")
    with pytest.raises(DefinitionConflict) as caught:
        fleet.db.create_service("ranker", features=KEYS[:2], pipeline=StandardScaler())
    assert set(caught.value.values["difference"]) == {"features", "pipeline"}
    fleet.db.create_service("ranker", features=KEYS[:2], pipeline=StandardScaler(), replace=True)
    with pytest.raises(NotFitted):
        fleet.ranker.get("d-1")
    fleet.ranker.fit()
    assert list(fleet.ranker.get("d-1")) == ["trips", "rating"] and fleet.ranker.get("d-1").pipeline == "ranker#2"
    result = fleet.db.reproduce(prediction.id)
    assert result.matches and result.output is True and result.row["n__trips" if "n__trips" in names else names[0]]
    assert prediction.pipeline == 1 and prediction.inputs == {"trips": 3, "rating": 4.1, "city": "Oslo"}


def test_other_words_keep_the_fit_and_other_inputs_do_not(fleet: Fleet) -> None:
    first = fleet.ranker.get("d-1").vector()
    fleet.db.create_service("ranker", features=KEYS, pipeline=usual(), description="better words", replace=True)
    row = fleet.ranker.get("d-1")
    assert row.vector() == first and (row.service, row.pipeline) == ("ranker@2", "ranker#1")
    fleet.db.create_service("ranker", features=KEYS[1:], pipeline=usual(), replace=True)
    assert fleet.ranker.fitted is None


def test_the_same_definition_again_writes_nothing(fleet: Fleet) -> None:
    head = fleet.db.head
    fleet.db.create_service("ranker", features=KEYS, pipeline=usual())
    fleet.db.create_service("ranker", features=KEYS, pipeline=usual().to_dict())
    assert fleet.db.head == head


def test_a_fitted_pipeline_serves_from_its_definition_on(fleet: Fleet) -> None:
    fitted = fleet.ranker.pipeline
    other = fleet.db.create_service("other", features=KEYS, pipeline=fitted)
    assert other.get("d-1").vector() == fleet.ranker.get("d-1").vector()
    assert other.fitted is not None and other.fitted.given and other.fitted.label == "other#1"
    fleet.put("d-0", trips=300)
    other.fit()
    assert other.get("d-1").pipeline == "other#2" and other.get("d-1").vector() != fleet.ranker.get("d-1").vector()


def test_a_pipeline_that_does_not_fit_is_refused(fleet: Fleet) -> None:
    before = everything(fleet.db)
    wrong: list[tuple[Any, type[Exception], str]] = [
        ({"type": "Nothing", "parameters": {}}, InvalidInput, "no transformer of that name"),
        ({"type": "StandardScaler", "parameters": {"speed": 3}}, InvalidInput, "speed"),
        ({"type": "StandardScaler"}, InvalidInput, "type, parameters"),
        (StandardScaler().fit([[1.0], [2.0]]), InvalidInput, "inputs of its service"),
        (fleet.ranker.pipeline, InvalidInput, "inputs of its service"),
        (Pipeline([]), InvalidInput, "at least one"),
    ]
    for pipeline, error, words in wrong:
        with pytest.raises(error, match=words):
            fleet.db.create_service("wrong", features=KEYS[:2], pipeline=pipeline)
    cities = Pipeline([("keep", ColumnTransformer([("c", "passthrough", ["city"])]))])
    cities.fit({"trips": [1], "rating": [1.0], "city": ["Rome"]})
    with pytest.raises(InvalidInput, match="gives numbers"):
        fleet.db.create_service("wrong", features=KEYS, pipeline=cities)
    assert everything(fleet.db) == before


def test_a_fit_that_cannot_be_is_refused(fleet: Fleet) -> None:
    db = fleet.db
    plain = db.create_service("plain", features=KEYS)
    empty = db.create_view("empty", entity="thing", features={"x": Float()})
    nothing = db.create_service("nothing", features=["empty:x"], pipeline=StandardScaler())
    asked = db.create_service("asked", features=["drivers:trips", Request("km", Float())], pipeline=StandardScaler())
    before = everything(db)
    for service, arguments, words in (
        (plain, {}, "has a pipeline"),
        (nothing, {}, "at least one row"),
        (asked, {}, "fitted on a spine"),
        (fleet.ranker, {"target": "label"}, "column of the spine"),
        (fleet.ranker, {"known_at": 3}, "belongs to a spine"),
        (fleet.ranker, {"as_of": 99}, "offset of the log"),
        (fleet.ranker, {"colour": "red"}, "colour"),
    ):
        with pytest.raises((ValueError, LookupError, TypeError), match=words):
            service.fit(**arguments)
    assert everything(db) == before and empty.get("x").found is False


# -- spines, labels, several kinds ---------------------------------------------------------------------


def test_a_spine_with_labels_fits_supervised_encoders(fleet: Fleet) -> None:
    encoder = ColumnTransformer([("city", TargetEncoder(target_type="continuous"), ["city"])], remainder="drop")
    priced = fleet.db.create_service("priced", features=KEYS, pipeline=encoder)
    ids = [f"d-{number}" for number in range(9)]
    spine = {"driver": ids, "time": [when(0)] * 9, "price": [float(number) for number in range(9)]}
    priced.fit(spine=spine, target="price")
    fitted = priced.fitted
    assert fitted is not None and fitted.target == "price" and len(fitted.spine) == 64 and fitted.rows == 9
    training = priced.training_set(spine)
    alone = ColumnTransformer([("city", TargetEncoder(target_type="continuous"), ["city"])], remainder="drop")
    alone.fit(training, spine["price"])
    assert priced.pipeline is not None and priced.pipeline.to_dict() == alone.to_dict()
    assert priced.get("d-0").vector() == list(alone.transform(training).row(0))


def test_several_kinds_and_request_inputs_are_transformed_too(fleet: Fleet) -> None:
    shops = fleet.db.create_view("shops", entity="shop", features={"size": Float()})
    shops.put_many({"shop": ["a", "b"], "size": [1.0, 3.0]})
    pair = fleet.db.create_service(
        "pair", features=["drivers:trips", Request("km", Float(default=2.0)), "shops:size"], pipeline=StandardScaler()
    )
    spine = {"driver": ["d-1", "d-2"], "shop": ["a", "b"], "time": [when(0)] * 2, "km": [1.0, 5.0]}
    pair.fit(spine=spine)
    row = pair.get({"driver": "d-2", "shop": "a"}, request={"km": 5.0})
    assert row.vector() == [1.0, 1.0, -1.0]
    many = {"driver": ["d-2", "d-1"], "shop": ["a", "b"]}
    matrix = pair.get_many(many, request={"km": [5.0, 3.0]})
    assert matrix.to_rows() == [(1.0, 1.0, -1.0), (-1.0, 0.0, 1.0)]
    assert matrix[1].inputs.to_dict() == {"trips": 3, "km": 3.0, "size": 3.0}
    prediction = fleet.db.record_prediction(row, model="m", output=1)
    assert fleet.db.reproduce(prediction.id).inputs and pair.parity().holds
    with pytest.raises(InvalidInput, match="one value for each row"):
        pair.get_many(many, request={"km": [5.0]})


def test_vectors_and_timestamps_are_inputs(fleet: Fleet) -> None:
    features = {"seen": Timestamp(), "face": Vector(2, metric="euclidean")}
    faces = fleet.db.create_view("faces", entity="driver", features=features)
    faces.put("d-1", {"seen": when(3600), "face": [1.0, 2.0]})
    faces.put("d-2", {"seen": when(7200), "face": [3.0, 6.0]})
    parts = [("hour", DatetimeFeatures(features=["hour"]), ["seen"]), ("face", StandardScaler(), ["face_0", "face_1"])]
    pipeline = ColumnTransformer(parts, verbose_feature_names_out=False)
    service = fleet.db.create_service("faces", features=["faces:seen", "faces:face"], pipeline=pipeline)
    service.fit()
    assert list(service.get("d-1")) == ["seen_hour", "face_0", "face_1"]
    assert service.get("d-1").vector() == [1.0, -1.0, -1.0]
    unknown = service.get_many(["d-2", "nobody"]).to_rows()
    assert unknown[0] == (2.0, 1.0, 1.0) and all(value != value for value in unknown[1])
    assert service.get("nobody").packed == service.get_many(["nobody"]).numbers.raw.tobytes()


# -- predictions ---------------------------------------------------------------------------------------


def test_predictions_pin_the_pipeline_and_what_it_made(fleet: Fleet) -> None:
    ids = ["d-1", "d-4", "nobody"]
    predictions = fleet.db.record_predictions(fleet.ranker.get_many(ids), model="m", outputs=[1, 2, 3])
    assert [prediction.pipeline for prediction in predictions] == [1, 1, 1]
    fleet.put("d-1", trips=1000)
    fleet.ranker.fit()
    for prediction, entity in zip(predictions, ids):
        result = fleet.db.reproduce(prediction.id, model=len)
        assert result.inputs and result.row.pipeline == "ranker#1"
        assert result.row == fleet.db.as_of(prediction=prediction.id).service("ranker").get(entity)
    raw = fleet.db.record_prediction(fleet.ranker.get("d-1", raw=True), model="m", output=0)
    assert raw.pipeline == 0 and fleet.db.reproduce(raw.id).inputs
    with pytest.raises(InvalidInput, match="one offset and clock"):
        both = [fleet.ranker.get("d-1"), fleet.ranker.get("d-1", raw=True)]
        fleet.db.record_predictions(both, model="m", outputs=[1, 2])


def test_other_bits_of_the_same_inputs_are_found(fleet: Fleet) -> None:
    row = fleet.ranker.get("d-1")
    wrong = TransformedRow(row.inputs, row._applied, row.packed[:-1] + b"\x00")
    assert fleet.ranker.parity().holds and fleet.ranker.parity().checked == 0
    fleet.db.record_prediction(row, model="m", output=1)
    assert fleet.ranker.parity().matching == 1
    fleet.put("d-8", city="Rome")
    row = fleet.ranker.get("d-8")
    wrong = TransformedRow(row.inputs, row._applied, bytes(len(row.packed)))
    prediction = fleet.db.record_prediction(wrong, model="m", output=1)
    result = fleet.db.reproduce(prediction.id)
    assert not result.matches and [drift.name for drift in result.drifted] == ["transformed"]
    parity = fleet.ranker.parity()
    assert not parity.holds and (parity.checked, parity.matching) == (2, 1)
    assert [(one.path, one.name) for one in parity.differences] == [
        ("serving", "transformed"), ("training", "transformed")]  # fmt: skip
    assert parity.to_dict()["differences"][0]["id"] == prediction.id
    assert [fleet.ranker.parity(last=last).checked for last in (0, 1, 2, 3)] == [0, 1, 2, 2]
    for last in (-1, True, "1"):
        with pytest.raises(InvalidInput, match="number of predictions"):
            fleet.ranker.parity(last=last)  # type: ignore[arg-type]


def test_drift_of_what_was_learnt(fleet: Fleet) -> None:
    drift = fleet.ranker.pipeline_drift()
    assert drift.statistics == () and drift.views["drivers"]["trips"].psi == 0.0
    for number in range(9):
        fleet.put(f"d-{number}", trips=1000 + number)
    drift = fleet.ranker.pipeline_drift()
    assert drift.pipeline == "ranker#1" and drift.rows_now == 9
    assert any("mean_" in one.place and one.change and one.change > 10 for one in drift.statistics)
    changes = [one.change for one in drift.statistics if one.change is not None]
    assert changes == sorted(changes, reverse=True)
    assert drift.views["drivers"]["trips"].psi > 1 and drift.views["drivers"]["rating"].psi == 0.0
    assert drift.to_dict()["views"]["drivers"]
    with pytest.raises(InvalidInput, match="has been fitted"):
        fleet.db.create_service("plain", features=KEYS).pipeline_drift()


# -- files ---------------------------------------------------------------------------------------------


def test_a_file_gives_identical_bits(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fleet = Fleet(path=path)
    fleet.ranker.fit()
    ids = [f"d-{number}" for number in range(9)] + ["nobody"]
    prediction = fleet.db.record_prediction(fleet.ranker.get("d-1"), model="m", output=1)
    bits = fleet.ranker.get_many(ids).numbers.raw.tobytes()
    fleet.db.checkpoint(tmp_path / "checkpoint")
    fleet.db.snapshot(tmp_path / "copy.jsonl")
    fleet.db.close()
    for db in (VectorDB.open(path, clock=fleet.clock, checkpoint=tmp_path / "checkpoint"),
               VectorDB.replay(tmp_path / "copy.jsonl", clock=fleet.clock)):  # fmt: skip
        ranker = db.service("ranker")
        assert ranker.get_many(ids).numbers.raw.tobytes() == bits
        assert b"".join(ranker.get(entity).packed for entity in ids) == bits
        assert db.reproduce(prediction.id).inputs and ranker.fitted.rows == 9
        branch = db.fork()
        branch.view("drivers").put("d-0", {"trips": 300})
        branch.service("ranker").fit()
        assert branch.service("ranker").fitted.version == 2 and db.service("ranker").fitted.version == 1
        assert ranker.get_many(ids).numbers.raw.tobytes() == bits
        db.check()
        db.close()


def test_a_follower_sees_a_new_fit(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    fleet = Fleet(path=path)
    fleet.ranker.fit()
    follower = VectorDB.open(path, read_only=True, clock=fleet.clock)
    ranker = follower.service("ranker")
    assert ranker.get("d-1") == fleet.ranker.get("d-1") and ranker.get("d-1").pipeline == "ranker#1"
    fleet.put("d-0", trips=300)
    fleet.ranker.fit()
    follower.refresh()
    assert ranker.get("d-1").pipeline == "ranker#2" and ranker.get("d-1") == fleet.ranker.get("d-1")
    follower.close()
    fleet.db.close()


def test_unknown_names(fleet: Fleet) -> None:
    with pytest.raises(UnknownName):
        fleet.db.service("nothing").fit()
    with pytest.raises(UnknownName):
        fleet.ranker.get_many(["d-1"]).column("trips_")
    assert START and "TransformedRow(ranker#1" in repr(fleet.ranker.get("d-1"))
