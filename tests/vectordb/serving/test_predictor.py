"""The predictor, against its parts called one by one."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import make_world
from vectordb import Assignment, InvalidInput, NotFitted, VectorDB
from vectordb.serving import Application, LedgerModel, Limits, Predictor
from vectordb.transforms import MinMaxScaler

IDS = [f"d-{number}" for number in range(40)]
BY_ARM = {"control": "risk", "treatment": "risk@1"}
KM = [float(number) for number in range(40)]


def split(db: VectorDB) -> dict[str, str | None]:
    return {one: db.experiment("ranking").assign(one).arm for one in IDS}


def test_one_and_many_are_the_parts_one_by_one() -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", "risk", experiment="ranking")
    model, arms = db.model("risk"), split(db)
    drivers = [one for one in IDS if one != "d-8"]  # whose trips are null: no input of this model
    rows = [db.service("ranker").get(one, request={"km": km}) for one, km in zip(drivers, KM)]
    ones = [predictor(one, request={"km": km}) for one, km in zip(drivers, KM)]
    many = predictor.many(drivers, request={"km": KM[: len(drivers)]})
    for served in (ones, many):
        assert [one.output for one in served] == [model.predict(row) for row in rows]
        assert [one.arm for one in served] == [arms[one] for one in drivers]
        for one, driver in zip(served, drivers):
            stored = db.prediction(one.prediction or "")
            assert (stored.entity, stored.output, stored.model) == (driver, one.output, "risk@1")
            assert stored.assignment == one.assignment.to_dict() and db.reproduce(stored.id).matches  # type: ignore[union-attr]
    assert len(db.experiment("ranking").exposures()) == len(drivers)  # once a unit, not once a call
    variant = db.audit.explain(many[0].prediction or "").variant
    assert variant is not None and variant.exposed is not None
    assert many[3].to_dict()["arm"] == many[3].arm and predictor.many([], request={"km": []}) == []


@pytest.mark.parametrize("batched", [False, True])
def test_each_arm_has_its_model(batched: bool) -> None:
    db = make_world()
    asked: list[int] = []

    def ask(times: float) -> Any:
        def one(row: Any) -> float:
            return row["km"] * times  # type: ignore[no-any-return]

        def every(matrix: Any) -> list[float]:
            asked.append(len(matrix))
            return [km * times for km in matrix.column("km")]

        return every if batched else one

    predictor = Predictor(db, "ranker", {"control": ask(1), "treatment": ask(-1)}, experiment="ranking",
                          label="sign", batched=batched)  # fmt: skip
    arms = split(db)
    want = [-km if arms[one] == "treatment" else km for one, km in zip(IDS, KM)]
    many = predictor.many(IDS, request={"km": KM})
    assert [one.output for one in many] == want
    assert [one.model for one in many] == [f"sign-{arms[one]}" for one in IDS]
    assert {db.prediction(one.prediction or "").entity for one in many} == set(IDS)
    assert [predictor(one, request={"km": km}).output for one, km in zip(IDS[:6], KM)] == want[:6]
    assert not batched or sorted(asked[:2]) == sorted([list(arms.values()).count("control"),
                                                       list(arms.values()).count("treatment")])  # fmt: skip


def test_a_batched_model_without_an_experiment() -> None:
    db = make_world()
    made = db.create_service("made", features=["users:age", "users:trips"], pipeline=MinMaxScaler())
    db.view("users").put("u-2", {"age": 65, "trips": 4})
    made.fit()
    predictor = Predictor(db, "made", lambda matrix: matrix.numbers.flat[::2], batched=True, label="age@1")
    assert [one.output for one in predictor.many(["u-1", "u-2"])] == [0.0, 1.0]
    one = predictor({"user": "u-2"})
    assert one.output == 1.0 and db.reproduce(one.prediction or "", model=lambda row: row.vector()[0]).matches
    with pytest.raises(InvalidInput, match="one output for each row"):
        Predictor(db, "made", lambda matrix: [1.0], batched=True).many(["u-1", "u-2"])


def test_nothing_is_written_where_the_model_fails() -> None:
    db = make_world()
    before = db.head
    predictor = Predictor(db, "ranker", lambda row: 1 / 0, experiment="ranking")
    for call in (lambda: predictor("d-7", request={"km": 1.0}), lambda: predictor.many(IDS, request={"km": KM})):
        with pytest.raises(ZeroDivisionError):
            call()
    assert db.head == before


def test_an_experiment_that_changes_meanwhile_is_asked_again() -> None:
    db = make_world()
    ranking = db.experiment("ranking")
    changes: list[Any] = [lambda: ranking.restart_buckets("another salt")]

    def model(row: Any) -> int:
        if changes:
            changes.pop()()
        return len(changes)

    served = Predictor(db, "ranker", model, experiment="ranking")("d-7", request={"km": 1.0})
    assert served.output == 0 and served.assignment is not None and served.assignment.bucket_version == 2
    assert served.assignment == ranking.assign("d-7") and [one.unit for one in ranking.exposures()] == ["d-7"]
    assert db.prediction(served.prediction or "").assignment == served.assignment.to_dict()  # type: ignore[union-attr]
    changes[:] = [lambda: ranking.reweight({"control": 0.0, "treatment": 1.0})]
    many = Predictor(db, "ranker", model, experiment="ranking").many(IDS, request={"km": KM})
    assert {one.arm for one in many} == {"treatment"}


def test_an_experiment_that_never_stands_still_is_refused() -> None:
    db = make_world()
    ranking = db.experiment("ranking")
    predictor = Predictor(db, "ranker", lambda row: ranking.restart_buckets() and 0, experiment="ranking")
    with pytest.raises(InvalidInput):
        predictor("d-7", request={"km": 1.0})
    flips = iter([{"control": 0.0, "treatment": 1.0}, {"control": 1.0, "treatment": 0.0}] * 100)
    restless = Predictor(db, "ranker", lambda row: ranking.reweight(next(flips)) and 0, experiment="ranking")
    with pytest.raises(InvalidInput, match="stands still"):
        restless.many(IDS[:9], request={"km": KM[:9]})


def test_units_of_other_kinds_and_without_an_arm() -> None:
    db = make_world()
    db.create_experiment("users_only", arms={"a": 0.5, "b": 0.5}, unit="user", traffic=0.0)
    for unit in (None, "user", lambda row: "u-1"):
        pair = Predictor(db, "pairs", lambda row: row["age"], experiment="users_only", unit=unit)
        served = pair({"user": "u-1", "driver": "d-7"})
        assert served.output == 33 and isinstance(served.assignment, Assignment)
        assert (served.assignment.unit, served.arm) == ("u-1", None)
    assert not db.experiment("users_only").exposures()
    with pytest.raises(InvalidInput, match="a unit is an entity"):
        Predictor(db, "pairs", "risk", experiment="users_only", unit="item")


def test_a_past_is_predicted_and_not_written() -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", "risk", experiment="ranking")
    db.view("drivers").put("d-7", {"trips": 100})
    head = db.head
    past = predictor.on(db.as_of(16))
    assert past("d-7", request={"km": 0.0}) == past.many(["d-7"], request={"km": [0.0]})[0]
    assert past("d-7", request={"km": 0.0}).output == 12.5 and db.head == head and not past.records
    with pytest.raises(InvalidInput, match="record=False"):
        Predictor(db.as_of(16), "ranker", "risk")
    quiet = Predictor(db, "ranker", "risk", experiment="ranking", record=False)
    assert quiet("d-7", request={"km": 0.0}).prediction is None and db.head == head
    exposing = Predictor(db, "ranker", "risk", experiment="ranking", record=False, expose=True)
    exposing("d-7", request={"km": 0.0})
    assert db.head == head + 1 and exposing.records


def test_what_makes_no_predictor() -> None:
    db = make_world()
    for model, options in (
        (7, {}), ({"control": "risk"}, {"experiment": "ranking"}), ({"control": "risk", "treatment": "risk"}, {}),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            Predictor(db, "ranker", model, **options)  # type: ignore[arg-type]
    assert repr(Predictor(db, "ranker", "risk")) == "Predictor(ranker@1, risk@1, record=True)"


def test_mlflow_model_inputs_of_every_form() -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", "risk", record=False)
    predictor.load_context(None)
    columns = {"driver": ["d-7", "a/b"], "km": [1.0, 2.0]}
    rows = [{"driver": "d-7", "km": 1.0}, {"driver": "a/b", "km": 2.0}]
    for given in (columns, rows):
        assert predictor.predict(None, given) == predictor.predict(None, given, {"as_of": db.head}) == [14.5, 9.5]
    ids = Predictor(db, "shown", lambda row: row["trips"], record=False)
    assert ids.predict(None, ["d-7", 7]) == [12, 70]
    for wrong in ({"driver": ["d-7"], "x": [1]}, {"km": [1.0]}, "d-7", 7, [{"driver": "d-7"}, {"km": 1}]):
        with pytest.raises(InvalidInput):
            predictor.predict(None, wrong)
    with pytest.raises(InvalidInput, match="params"):
        predictor.predict(None, columns, {"temperature": 1})


def test_mlflow_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    predictor = Predictor(make_world(), "ranker", "risk", record=False)
    frame = pandas.DataFrame({"driver": ["d-7", "a/b"], "km": [1.0, 2.0]})
    assert predictor.predict(None, frame) == [14.5, 9.5]


def test_a_ledger_model_travels_as_data(tmp_path: Path) -> None:
    db = make_world()
    db.snapshot(tmp_path / "ledger.jsonl")
    model = pickle.loads(pickle.dumps(LedgerModel("ranker", BY_ARM, "ranking", as_of=16)))
    with pytest.raises(NotFitted):
        model.predict(None, [])
    model.load_context(SimpleNamespace(artifacts={"ledger": str(tmp_path / "ledger.jsonl")}))
    assert model.predict(None, {"driver": ["d-7"], "km": [1.0]}) == [14.5]
    lasting = LedgerModel("ranker", "risk")  # at the clock of today: the features are older than they may be
    lasting.load_context(SimpleNamespace(artifacts={"ledger": str(tmp_path / "ledger.jsonl")}))
    assert lasting.predict(None, {"driver": ["d-7"], "km": [1.0]}) == [2.5]
    assert pickle.loads(pickle.dumps(model)) == model  # without the open ledger


def test_applications_that_are_refused() -> None:
    db = make_world()
    recording = Predictor(db, "ranker", "risk")
    for options in ({"writes": True}, {"writes": ["all"], "authorize": bool}, {"predictors": {"p": recording}},
                    {"predictors": {"a b": recording}}):  # fmt: skip
        with pytest.raises(InvalidInput):
            Application(db, **options)  # type: ignore[arg-type]
    for options in ({"writes": "push", "authorize": bool}, {"refresh_seconds": 1.0}):
        with pytest.raises(InvalidInput, match="a past"):
            Application(db.as_of(3), **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="follows"):
        Application(db, refresh_seconds=1.0)
    with pytest.raises(InvalidInput, match="a limit"):
        Limits(k=0)
    assert "writes=['push']" in repr(Application(db, writes="push", authorize=bool))
