"""The story of the digits: the main job reproduces every prediction, and only time travel could."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.replay.digits import SAMPLES, UPSIDE_DOWN, WITHDRAWN, Builder, scan_id, summary
from tests.replay.fixtures import EVENTS, ROOT, V1, expected
from vectordb import Prediction, UnknownName, VectorDB

PATH = V1 / "digits" / EVENTS


@pytest.fixture(scope="module")
def db() -> VectorDB:
    return VectorDB.replay(PATH)


@pytest.fixture(scope="module")
def predictions(db: VectorDB) -> list[Prediction]:
    return db.predictions()


def answer(output: list[float]) -> int:
    return max(range(10), key=output.__getitem__)


def accuracy(db: VectorDB, predictions: list[Prediction]) -> float:
    """The share of predictions that agree with the labels in the ledger."""
    labels = db.view("labels")
    right = [answer(p.output) == labels.get(p.entity)["digit"] for p in predictions]
    return right.count(True) / len(right)


def late_predictions(db: VectorDB) -> list[str]:
    """Ids of the single predictions of the second model."""
    events = [event for event in db.events(type="predictions_recorded") if event.rows == 1][-40:]
    return [f"reader/{event.payload['predictions'][0]['entities'][0]}@{event.offset}" for event in events]


def test_the_main_job_reproduces_every_prediction() -> None:
    command = [sys.executable, "-m", "vectordb", str(PATH.relative_to(ROOT))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    found = report["predictions"]
    recorded = expected("digits")["predictions"]
    assert report["ok"] is True
    assert report["events"] == expected("digits")["head"]
    assert (found["recorded"], found["inputs_reproduced"], found["outputs_reproduced"]) == (recorded,) * 3
    assert (found["outputs_unchecked"], found["drifted"], found["not_computable"]) == (0, 0, 0)


def test_it_replays_to_its_recorded_states(db: VectorDB) -> None:
    story = expected("digits")
    db.check()
    assert summary(db, list(map(int, story["states_sha256"]))) == story


def test_the_labels_agree_with_the_recorded_outputs(db: VectorDB, predictions: list[Prediction]) -> None:
    assert db.view("labels").get(scan_id(0))["digit"] == 0
    read = [p for p in predictions if p.model.startswith("reader@")]
    assert len(read) > 200
    assert accuracy(db, read) > 0.9
    assert accuracy(db, [p for p in read if p.model == "reader@2"]) > 0.9  # scans that its training never saw


def test_the_small_models_tell_something(db: VectorDB, predictions: list[Prediction]) -> None:
    labels = db.view("labels")
    zero = [(p.output > 0.5) == (labels.get(p.entity)["digit"] == 0) for p in predictions if p.model == "zero@1"]
    sorted_right = [p.output == labels.get(p.entity)["digit"] for p in predictions if p.model == "sorter@1"]
    assert (len(zero), len(sorted_right)) == (40, 60)
    assert zero.count(True) / 40 > 0.9
    assert sorted_right.count(True) / 60 > 0.6


def test_scans_that_lay_upside_down_were_read_better_once_turned(db: VectorDB, predictions: list[Prediction]) -> None:
    turned = set(map(scan_id, UPSIDE_DOWN))
    corrected = db.as_of(mark="corrected").as_of_offset
    read = [p for p in predictions if p.entity in turned and p.model == "reader@1"]
    before = [p for p in read if p.as_of < corrected]
    after = [p for p in read if p.as_of >= corrected]
    assert len(before) > len(turned) - 1
    assert len(after) >= len(turned)
    assert accuracy(db, before) < 0.7 < 0.9 < accuracy(db, after)


def test_only_time_travel_gives_back_the_inputs(db: VectorDB) -> None:
    early = db.predictions("reader", scan_id(UPSIDE_DOWN[0]))[0]
    result = db.reproduce(early.id)
    assert result.matches
    assert result.row is not None
    then = [result.row[name] for name in result.row]
    turned = db.as_of(mark="corrected").service("reader").get(early.entity)
    assert then == list(turned.values())[::-1]
    with pytest.raises(UnknownName):
        _ = db.view("scans").get(early.entity)["p00"]  # its column has left the view


def test_a_correction_names_the_scan_it_corrects(db: VectorDB) -> None:
    first, second = db.view("scans").history(scan_id(UPSIDE_DOWN[0]))
    assert (second.derived_from, second.transformation) == ((first.id,), "turn@1")
    assert second.event_time == first.event_time < first.recorded_time < second.recorded_time


def test_withdrawn_scans_are_gone_but_their_predictions_stand(db: VectorDB) -> None:
    assert len(db.view("scans")) == SAMPLES - len(WITHDRAWN)
    for number in WITHDRAWN[:1]:
        assert not db.view("scans").get(scan_id(number)).found
        assert all(db.reproduce(p.id).matches for p in db.predictions("reader", scan_id(number)))


def test_labels_were_learnt_after_the_scans(db: VectorDB) -> None:
    labels = db.view("labels")
    known = [db.as_of(offset).view("labels").get(scan_id(5))["digit"] for offset in (5, db.head)]
    version = labels.history(scan_id(5))[0]
    assert known == [None, 5]
    assert (version.recorded_time - version.event_time).total_seconds() > 20 * 3600


def test_the_builder_still_tells_this_story(db: VectorDB, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    again = Builder().build()
    assert again.head == db.head
    scans: dict[str, Any] = {}
    for database in (again, db):
        matrix = database.view("scans").get_many([scan_id(number) for number in range(SAMPLES)], ["p33", "image"])
        scans[database.digest()] = [(row["p33"], row["image"] and row["image"].tolist()) for row in matrix]
    first, *rest = scans.values()
    assert all(other == first for other in rest)
    assert accuracy(again, [again.prediction(p) for p in late_predictions(again)]) > 0.9
