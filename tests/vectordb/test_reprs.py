"""What is shown of models, sets, hits and statistics: short, and what it says is so."""

from __future__ import annotations

from tests.vectordb.world import START, World
from vectordb import Bool, Category, Float, Int, ManualClock, Text, Timestamp, TrainingSet, Vector, VectorDB
from vectordb.transforms import StandardScaler

KINDS = {
    "n": Int(default=0), "x": Float(), "b": Bool(), "c": Category(), "t": Text(), "w": Timestamp(), "v": Vector(2),
}  # fmt: skip


def told() -> VectorDB:
    db = VectorDB(clock=ManualClock(START), seed=1)
    view = db.create_view("d", entity="e", features=KINDS)
    view.put_many({
        "e": [1, "1", "k"], "n": [1, 2, 1_000_000], "x": [0.1, None, 2.0], "c": ["Rome", "Oslo", "Rome"],
        "t": ["a", "bb", "ccc"], "w": [1, 2, 3], "v": [[1, 0], [0, 1], [3, 4]],
    })  # fmt: skip
    return db


def test_a_model_tells_its_kind_name_and_features() -> None:
    db = told()
    one = db.create_model("risk", "linear", features=["x"], coefficients=[1.0])
    many = db.create_model("odds", "logistic", features=list("abcdefg"), coefficients=[1.0] * 7)
    assert repr(one) == "Linear(risk@1, features=[x])"
    assert repr(many) == "Logistic(odds@1, features=[a, b, c, d, e, ...])"


def test_a_training_set_tells_that_it_is_one() -> None:
    found = told().create_service("s", features=["d:n"]).training_set({"e": [1], "time": [START]})
    assert isinstance(found, TrainingSet) and repr(found) == "TrainingSet(s@1, shape=(1, 1), as_of=3)"


def test_a_matrix_that_went_through_a_pipeline_tells_which() -> None:
    db = told()
    service = db.create_service("s", features=["d:n"], pipeline=StandardScaler())
    service.fit()
    shape = "shape=(2, 1), as_of=4"
    assert repr(service.get_many([1, "k"])) == f"TransformedMatrix(s@1, pipeline=s#1, {shape})"
    assert repr(service.get_many([1, "k"], raw=True)) == f"FeatureMatrix(s@1, {shape})"


def test_hits_say_that_they_show_distances() -> None:
    hits = told().view("d").search("v", [1, 0], k=2)
    assert repr(hits) == f"Hits(d@1, 2 found, distances {{1: 0, 'k': {hits[1].distance:.6g}}}, as_of=2)"
    assert hits[0].score == 1.0


def test_a_slice_of_hits_is_hits() -> None:
    hits = told().view("d").search("v", [1, 0], k=2)
    part = hits[1:]
    assert repr(part) == repr(hits).replace("2 found", "1 found").replace("1: 0, ", "")
    assert (part.entities, part.as_of, part.at, part.view, part.exact) == (["k"], 2, hits.at, hits.view, hits.exact)
    assert part == [hits[1]] == list(part) and part != hits and hits[:] == hits == tuple(hits) and hits[2:] == []
    assert len(part.table()) == len(part.to_rows()) == 1


def test_a_service_tells_whether_it_is_live() -> None:
    db = told()
    service = db.create_service("s", features=["d:n"])
    assert repr(service) == "LiveService(s@1, features=['n'])" == repr(db.service("s"))
    assert repr(db.as_of(db.head).service("s")) == "Service(s@1, features=['n'])"


def test_statistics_are_a_line_a_feature() -> None:
    found, times = told().view("d").statistics(), [f"1970-01-01T00:00:0{second}+00:00" for second in (1, 3)]
    assert str(found).splitlines() == [
        "d@1: 3 entities, as of 2, 2026-01-01T00:00:00+00:00",
        "  feature  type       present  null  missing  expired  values",
        "  n        int        3        0     0        0        mean 333334, std 577349, min 1, max 1000000",
        "  x        float      2        1     0        0        mean 1.05, std 1.3435, min 0.1, max 2",
        "  b        bool       0        0     3        0",
        "  c        category   3        0     0        0        'Rome': 2, 'Oslo': 1",
        "  t        text       3        0     0        0        min length 1, mean length 2, max length 3",
        f"  w        timestamp  3        0     0        0        min {times[0]}, max {times[1]}",
        "  v        vector     3        0     0        0        mean norm 2.33333",
    ]
    assert repr(found).startswith("ViewStatistics(label='d@1', as_of=2")


def test_long_categories_are_cut_and_many_are_counted() -> None:
    db = told()
    db.view("d").put_many({"e": [5, 6, 7], "c": ["P" * 100, "Q", 8]})
    line = str(db.view("d").statistics(["c"])).splitlines()[-1]
    assert line.endswith("'Rome': 2, 8: 1, 'Oslo': 1, ... (5 distinct)")
    db.view("d").put_many({"e": [8, 9, 10], "c": ["P" * 100] * 3})
    line = str(db.view("d").statistics(["c"])).splitlines()[-1]
    assert f"'{'P' * 39}...: 4" in line


def test_drift_is_a_line_a_feature() -> None:
    db = told()
    view = db.view("d")
    db.create_view("d", entity="e", features={**KINDS, "more": Int()}, replace=True)
    db.view("d").put_many({"e": [3], "n": [7], "c": ["Pisa"]})  # type: ignore[attr-defined]
    drift = db.view("d").drift(since=2)
    lines = str(drift).splitlines()
    assert lines[0] == "d@1, 3 entities, as of 2 -> d@2, 4 entities, as of 4"
    assert len(lines) == 2 + len(KINDS) + 1 and lines[-1] == "  added: more"
    by_name = {line.split()[0]: line for line in lines}
    assert f"wasserstein {drift['n'].wasserstein:.6g}" in by_name["n"]  # type: ignore[attr-defined]
    assert by_name["c"].endswith("; new 'Pisa'") and "100.0% -> 75.0%" in by_name["t"]
    assert view.name == "d" and repr(drift).startswith("ViewDrift(since_label='d@1'")


def test_nothing_to_show_is_shown(world: World) -> None:
    lines = str(world.drivers.statistics()).splitlines()
    assert lines[0].startswith("drivers@1: 0 entities") and len(lines) == 2 + len(world.drivers.features)
    assert str(world.drivers.drift(since=1)).splitlines()[0].count("0 entities") == 2
