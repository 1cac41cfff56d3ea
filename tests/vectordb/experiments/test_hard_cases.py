"""What a caller does that nobody had in mind: forged assignments, races, huge numbers, arms that go."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import START, everything
from vectordb import DefinitionError, InvalidInput, ManualClock, Metric, OffsetOutOfRange, UnknownName, VectorDB
from vectordb.experiments import experiment as experiment_module

AB = {"a": 0.5, "b": 0.5}


def made(path: Path | None = None, **arguments: Any) -> tuple[VectorDB, Any]:
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=1) if path is None else VectorDB.open(path, clock=clock, seed=1)
    given = {"arms": AB, "unit": "user", "metrics": {"m": "sum"}, **arguments}
    return db, db.create_experiment("e", **given)


def of_arm(split: Any, arm: str, count: int) -> list[int]:
    """Units of an arm."""
    return [unit for unit in range(1000) if split.assign(unit).arm == arm][:count]


def test_an_assignment_from_elsewhere_leaves_a_ledger_that_opens(tmp_path: Path) -> None:
    db, split = made(tmp_path / "ledger.jsonl")
    split.expose("u", split.assign("u")._replace(propensity=1))  # 1 for 1.0, as JSON has it
    before = everything(db)
    answer = split.assign(1)
    wrong: list[dict[str, Any]] = [
        {"propensity": True}, {"propensity": "x"}, {"propensity": 0}, {"version": "x"}, {"version": True}, {"arm": []},
        {"experiment": 5}, {"reason": "banana"}, {"unit": 1.0}, {"unit": True}, {"unit": "1"},
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(InvalidInput):
            split.expose(1, answer._replace(**change))
    assert everything(db) == before
    db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl") as again:
        assert again.head == 2 and again.experiment("e").exposures()[0].unit == "u"


def test_arms_are_bounded() -> None:
    db, split = made()
    with pytest.raises(DefinitionError, match="1 to 1000 arms"):
        db.create_experiment("wide", arms={f"a{n}": 1 / 1001 for n in range(1001)}, unit="user")
    with pytest.raises(InvalidInput, match="within a bucket version"):
        for turn in range(11):
            split.reweight({f"a{turn}_{n}": 1 / 1000 for n in range(1000)})
    assert db.experiment("e").version == 10


def test_an_arm_that_goes_before_anybody_met_it_is_still_analyzed() -> None:
    _, split = made(arms={"a": 0.4, "b": 0.4, "c": 0.2})
    split.expose_many([*of_arm(split, "a", 20), *of_arm(split, "b", 20)])
    split.reweight(AB)
    ratio = split.analyze("m").sample_ratio
    assert ratio.observed == (20, 20, 0) and ratio.expected == (16.0, 16.0, 8.0)
    everyone = list(range(400))
    split = made(arms={"a": 0.4, "b": 0.3, "c": 0.3})[1]
    split.expose_many(everyone)
    values = [(50.0 if split.assign(unit).arm == "c" else 0.0) + unit % 5 for unit in everyone]
    split.record_many({"user": everyone, "value": values}, metric="m")
    assert split.scorecard(["m"]).ships == ("c",)
    split.reweight(AB)
    assert split.scorecard(["m"]).ships == ()  # it cannot be shipped any more


def test_a_stop_between_two_steps_of_an_assignment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    db, split = made()
    real, stopped = experiment_module.assigner_of, []

    def slow(reader: Any, definition: Any) -> Any:
        found = real(reader, definition)
        if not stopped:
            stopped.append(True)
            other = threading.Thread(target=db.experiment("e").stop)
            other.start()
            other.join()
        return found

    monkeypatch.setattr(experiment_module, "assigner_of", slow)
    split.assign("u")
    assert split.assign("u").reason == "stopped" and not split.running


def test_conflicts_do_not_shift_the_expected_sizes_of_arms() -> None:
    db, split = made()
    split.expose_many(range(600))
    first = db.as_of(2).experiment("e")
    split.reweight({"a": 0.9, "b": 0.1})
    for unit in range(300):
        other = {"a": "b", "b": "a"}[str(first.assign(unit).arm)]
        split.expose(unit, split.assign(unit)._replace(arm=other))
    split.expose_many(range(10_000, 10_300))
    found = split.analyze("m")
    assert found.conflicted == 300 and found.warnings
    assert found.sample_ratio.p == split.analyze("m", exclude=[]).sample_ratio.p > 0.01


def test_iterators_are_read_once() -> None:
    db, split = made()
    split.expose_many(range(100))
    assert split.analyze("m", exclude=iter([1, 2])).excluded == 2
    assert len(split.effects("m", iter([1, 2])).arms[0].looks) == 2
    with pytest.raises(InvalidInput):
        split.analyze("m", exclude=iter([1, 3.5]))
    with pytest.raises(OffsetOutOfRange):
        split.effects("m", iter([99]))
    with pytest.raises(UnknownName):
        split.scorecard(iter(["nothing"]))
    assert split.analyze("m", exclude={}).excluded == 0 and db.head == 2


def test_a_definition_is_read_only() -> None:
    _, split = made()
    for held, key, value in ((split.definition.metrics, "z", Metric("sum")), (split.definition.arms, "a", 1.0)):
        with pytest.raises(TypeError):
            held[key] = value
    with pytest.raises(UnknownName, match="no such metric"):
        split.record("u", "z", 1.0)


def test_numbers_near_the_ends_of_float64_give_none_or_a_number() -> None:
    for values in ([1.0, -1.0, 1e-200, 1.0, 2.0, 3.0], [1e160, -1e160, 1e159, 1e160, 2e160, 3e160], [1e200] * 6):
        _, split = made()
        units = [*of_arm(split, "a", 3), *of_arm(split, "b", 3)]
        split.expose_many(units)
        split.record_many({"user": units, "value": values}, metric="m")
        for method in ("welch", "bootstrap", "mann_whitney"):
            p = split.analyze("m", method=method).effect().p
            assert p is None or 0.0 < p <= 1.0
    _, split = made()
    split.expose_many(range(400))
    rows = {"user": list(range(400)), "value": [1e200 * (1 + n % 7) for n in range(400)]}
    split.record_many(rows, metric="m")
    assert split.analyze("m", method="quantile").effect().absolute.estimate is not None


def test_a_look_is_of_the_metric_as_it_is() -> None:
    db, split = made()
    split.expose_many(range(50))
    split.record_many({"user": list(range(50)), "value": [float(n) for n in range(50)]}, metric="m")
    db.create_experiment("e", arms=AB, unit="user", metrics={"m": "count"}, replace=True)
    with pytest.raises(OffsetOutOfRange, match="metric in force"):
        split.effects("m", [3, 4])
    assert split.effects("m", [4]).arms[0].looks[0].estimate == 0.0
    with pytest.raises(UnknownName):
        split.effects("m", [4]).arm("zz")


def test_small_refusals() -> None:
    db, split = made()
    split.expose_many([1])
    before = everything(db)
    numpy = pytest.importorskip("numpy")
    for value in (numpy.complex128(1), numpy.array([1.0]), numpy.array([True]), "1"):
        with pytest.raises(InvalidInput):
            split.record(1, "m", value)
    for arguments in (
        {"layer": "home", "share": 1e-11},
        {"layer": "home", "share": 0.00001},
    ):
        with pytest.raises(DefinitionError):
            db.create_experiment("other", arms=AB, unit="user", **arguments)
    for wrong in ({"covariate": "zzz"}, {"covariate": 5}, {"over": 5}, {"window_micros": 10**400}):
        with pytest.raises(DefinitionError):
            Metric("sum", **wrong)  # type: ignore[arg-type]
    for unclear in (lambda: Metric("sum", 86_400), lambda: Metric("sum", window=86_400)):  # type: ignore[call-arg,misc]
        with pytest.raises(TypeError):
            unclear()
    assert everything(db) == before
