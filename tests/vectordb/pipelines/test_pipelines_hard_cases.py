"""Pipelines where something goes wrong, or comes in a form that nobody had in mind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.replay.broken_ledger import Sealed
from tests.replay.damaged_definitions import ROW, SERVICE
from tests.replay.damaged_pipelines import FITTED, LEARNT, PLAIN
from tests.vectordb.world import START, World, everything
from vectordb import (
    Category,
    DamagedLog,
    DefinitionError,
    Float,
    InvalidInput,
    ManualClock,
    NotFitted,
    Request,
    Vector,
    VectorDB,
)
from vectordb.pipelines.transformed_gather import TransformedGather
from vectordb.transforms import (
    ColumnTransformer,
    CountEncoder,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    SimpleImputer,
    StandardScaler,
    Transformer,
    transformer_from_dict,
)


def three(**options: Any) -> World:
    """Three drivers; ``trips`` of the last one is null."""
    world = World(**options)
    for number, trips in enumerate([1, 2, None]):
        world.put(f"d{number}", trips=trips, rating=float(number), city="Rome")
    return world


def test_a_deep_pipeline_leaves_a_ledger_that_opens(tmp_path: Path) -> None:
    leaf: Transformer = StandardScaler()
    for _ in range(8):
        leaf = Pipeline([("p", leaf)])
    world = three(path=tmp_path / "ledger.jsonl")
    world.db.create_service("s", features=["drivers:rating"], pipeline=leaf).fit()
    bits = world.db.service("s").get("d1").packed
    for _ in range(60):
        leaf = Pipeline([("p", leaf)])
    with pytest.raises(InvalidInput, match=r"levels deep|inside one another"):
        world.db.create_service("t", features=["drivers:rating"], pipeline=leaf).fit()
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl", clock=world.clock) as again:
        assert again.service("s").get("d1").packed == bits


@pytest.mark.parametrize("first", ["at", "refused"])
def test_no_row_of_a_table_that_was_rebuilt_is_served(first: str) -> None:
    world = three()
    parts = [("n", StandardScaler(with_mean=False, with_std=False), ["rating"]), ("c", OrdinalEncoder(), ["city"])]
    features = ["drivers:rating", "drivers:city"]
    service = world.db.create_service("s", features=features, pipeline=ColumnTransformer(parts))
    service.fit()
    world.put("bad", rating=0.0, city="Oslo")
    assert service.get("d1").vector() == service.get("d1").vector() == [1.0, 0.0]
    fold = world.db.state.fold
    real = fold.apply

    def interrupted(event: Any) -> None:
        raise KeyboardInterrupt

    fold.apply = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.put("d1", rating=100.0)
    fold.apply = real  # type: ignore[method-assign]
    if first == "at":
        service.get("d1", at=world.db.at)
    else:
        with pytest.raises(InvalidInput):
            service.get("bad")
    row = service.get("d1")
    assert row.inputs["rating"] == 100.0 and row.vector() == [100.0, 0.0]


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder(), CountEncoder()])
def test_a_null_number_is_the_same_when_served_as_when_fitted(encoder: Transformer) -> None:
    world = three()
    service = world.db.create_service("s", features=["drivers:trips"], pipeline=encoder)
    service.fit()
    ids = ["d0", "d1", "d2"]
    trained = service.pipeline.transform(service.get_many(ids, raw=True))  # type: ignore[union-attr]
    served = service.get_many(ids).to_rows()  # compared as text: NaN is NaN
    assert str(served) == str([tuple(service.get(entity).vector()) for entity in ids])
    assert str(served) == str([tuple(trained.row(number)) for number in range(3)])
    world.db.record_predictions(service.get_many(ids), model="m", outputs=[1, 2, 3])
    assert service.parity().holds


def test_a_fit_that_could_not_be_served_is_refused() -> None:
    world = three()
    db = world.db
    db.create_view("gaps", entity="driver", features={"x": Float(), "c": Category(), "c_d": Category()})
    db.view("gaps").put_many({"driver": ["d0", "d1"], "x": [None, None], "c": ["d_e", "z"], "c_d": ["e", "q"]})
    cases: list[tuple[list[str], Transformer, str]] = [
        (["gaps:x"], SimpleImputer(), "at least one number"),
        (["gaps:c"], ColumnTransformer([("k", "passthrough", ["c"])]), "gives numbers"),
        (["gaps:c"], SimpleImputer(strategy="most_frequent"), "gives numbers"),
        (["gaps:c", "gaps:c_d"], OneHotEncoder(), "name of its own"),
    ]
    for number, (features, pipeline, words) in enumerate(cases):
        service = db.create_service(f"s{number}", features=features, pipeline=pipeline)
        before = everything(db)
        with pytest.raises(InvalidInput, match=words):
            service.fit()
        assert everything(db) == before
        with pytest.raises(NotFitted):
            service.get("d0")


def test_inputs_that_would_be_taken_for_others_are_refused() -> None:
    world = three()
    kinds = {"f": Vector(2, metric="euclidean"), "f_0": Float(), "b": Vector(8, dtype="binary", metric="hamming")}
    world.db.create_view("faces", entity="driver", features=kinds)
    wrong: list[tuple[list[Any], Transformer, str]] = [
        (["faces:f", "faces:f_0"], StandardScaler(), "inputs differ"),
        (["faces:b"], StandardScaler(), "vectors of numbers"),
        (["drivers:trips", Request("time", Float())], StandardScaler(), "column of a spine"),
        (["drivers:trips", Request("driver", Float())], StandardScaler(), "column of a spine"),
        (["drivers:trips"], Pipeline([("a", Normalizer(norm="zz"))]), "norm"),
    ]
    before = everything(world.db)
    for features, pipeline, words in wrong:
        with pytest.raises((InvalidInput, DefinitionError), match=words):
            world.db.create_service("s", features=features, pipeline=pipeline)
    assert everything(world.db) == before


def test_a_missing_vector_of_any_type_can_be_filled() -> None:
    world = three()
    view = world.db.create_view("codes", entity="driver", features={"v": Vector(2, dtype="int8", metric="euclidean")})
    view.put("d0", {"v": [1, 3]})
    view.put("d1", {"v": None})
    service = world.db.create_service("s", features=["codes:v"], pipeline=SimpleImputer())
    service.fit()
    assert service.get("d1").vector() == [1.0, 3.0] == service.get("nobody").vector()


def forged(as_of: int, row: dict[str, Any], **changes: Any) -> Sealed:
    """A ledger with a pipeline, and a prediction that no writer wrote."""
    sealed = Sealed()
    sealed.event("service_defined@1", {"definition": {**SERVICE, "pipeline": PLAIN}})
    sealed.event("pipeline_fitted@1", {"fitted": FITTED})
    fields = {"service": "ages@1", "as_of": as_of, "at": 1772323203000000, "model": "m", **changes}
    said = {**{name: ROW[name] for name in ("entities", "inputs", "sources")}, **row, "output": 82.0}
    return sealed.event("predictions_recorded@1", {**fields, "predictions": [said]})


@pytest.mark.parametrize(
    ("as_of", "row", "changes"),
    [
        (5, {"transformed": "00" * 32}, {}),  # made by no pipeline
        (5, {}, {"pipeline": 1}),  # made nothing
        (4, {"transformed": "00" * 32}, {"pipeline": 1}),  # read before the fit
    ],
)
def test_predictions_that_contradict_their_pipeline_do_not_load(
    tmp_path: Path, as_of: int, row: dict[str, Any], changes: dict[str, Any]
) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(forged(as_of, row, **changes).lines))
    with pytest.raises(DamagedLog, match="prediction"):
        VectorDB.open(path)


def test_a_wrong_digest_is_found(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(forged(5, {"transformed": "00" * 32}, pipeline=1).lines))
    with VectorDB.open(path) as db:
        (prediction,) = db.predictions()
        assert [drift.name for drift in db.reproduce(prediction.id).drifted] == ["transformed"]


def test_a_stored_fit_that_contradicts_its_definition_is_refused() -> None:
    made = ColumnTransformer([("n", StandardScaler(), ["x"])]).fit({"x": [1.0, 2.0], "y": [5.0, 9.0]})
    for place, wrong in ((0, "zzz"), (1, {"transformer": MinMaxScaler().fit([[5.0], [9.0]]).to_dict()}), (2, [1])):
        plain = made.to_dict()
        plain["fitted"]["transformers_"][0][place] = wrong
        with pytest.raises(InvalidInput):
            transformer_from_dict(plain)
    assert LEARNT and transformer_from_dict(made.to_dict()).to_dict() == made.to_dict()


def test_a_fit_of_now_sees_the_rows_of_now() -> None:
    world = three(ttl=100)
    filled = SimpleImputer(keep_empty_features=True)
    service = world.db.create_service("s", features=["drivers:rating"], pipeline=filled)
    world.tick(1000)
    service.fit()
    assert service.fitted is not None and service.fitted.at == world.clock()
    assert service.pipeline.statistics_ == (0.0,) and service.pipeline_drift().statistics == ()  # type: ignore[union-attr]


def test_the_digest_of_a_spine_covers_all_that_was_learnt_from() -> None:
    world = three()
    features = ["drivers:rating", Request("km", Float())]
    service = world.db.create_service("s", features=features, pipeline=StandardScaler())
    base = {"driver": ["d0", "d1"], "time": [world.db.at] * 2, "km": [1.0, 2.0], "y": [1.0, 2.0]}
    digests = set()
    others = {**base, "y": [5.0, 9.0]}, {**base, "km": [3.0, 4.0]}
    for spine, known in ((base, None), (others[0], None), (others[1], None), (base, 2)):
        service.fit(spine=spine, target="y", known_at=known)
        digests.add(service.fitted.spine)  # type: ignore[union-attr]
    service.fit(spine=base, target="y", as_of=world.db.head - 4)
    assert len(digests) == 4


def test_an_earlier_fit_of_the_same_transformations_is_found_again() -> None:
    world = three()
    service = world.db.create_service("s", features=["drivers:rating"], pipeline=StandardScaler())
    service.fit()
    first = service.get("d1").packed
    world.db.create_service("s", features=["drivers:rating"], pipeline=MinMaxScaler(), replace=True).fit()
    world.db.create_service("s", features=["drivers:rating"], pipeline=StandardScaler(), replace=True)
    assert service.get("d1").pipeline == "s#1" and service.get("d1").packed == first


def test_new_words_keep_the_last_fit_of_a_pipeline_that_came_fitted() -> None:
    world = three()
    given = StandardScaler().fit({"rating": [10.0, 20.0]})
    service = world.db.create_service("s", features=["drivers:rating"], pipeline=given)
    service.fit()
    again = world.db.create_service("s", features=["drivers:rating"], pipeline=given, description="w", replace=True)
    assert again.get("d1").pipeline == "s#2" and again.get("d1").vector() == [0.0]


def test_reads_of_pasts_leave_the_held_rows_alone() -> None:
    world = three()
    service = world.db.create_service("s", features=["drivers:rating"], pipeline=StandardScaler())
    offsets = []
    for _ in range(70):
        service.fit()
        offsets.append(world.db.head)
    service.get_many(["d0", "d1"])
    for offset in offsets:
        assert world.db.as_of(offset).service("s").get("d0").as_of == offset
    (live,) = [
        gather
        for key, gather in world.db.state._gathers.items()
        if isinstance(gather, TransformedGather) and key[1] == 70
    ]
    assert set(live.held.rows) == {"d0", "d1"} and live.held.capacity


def test_programs_of_many_kinds_of_rows_are_bounded() -> None:
    made = Pipeline([("fill", SimpleImputer())]).fit([[1.0] * 8, [2.0] * 8])
    for number in range(100):
        made.transform_one([None if number >> place & 1 else 1.0 for place in range(8)])
    assert len(made._compiled) <= 16


def test_a_fork_has_the_bounds_of_its_parent() -> None:
    db = VectorDB(clock=ManualClock(START), served_bytes=0)
    assert db.fork().state.served_bytes == 0
