"""A proof bundle is checked by somebody who has nothing but the bundle; changed in any way, it fails."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import ledger.proofs.verification
from tests.ledger.proofs.trees import hexed, tree_over
from tests.vectordb.audit.cases import STORIES, lineage, replayed, small, tell, wide
from vectordb import InvalidProof, OffsetOutOfRange, UnknownVersion, VectorDB, parse_tree_head, verify_bundle


def checked(db: VectorDB, prediction_id: str) -> dict[str, Any]:
    """The bundle as it travels, and that it proves what the prediction says."""
    bundle = json.loads(json.dumps(db.audit.bundle(prediction_id)))
    found, prediction = verify_bundle(bundle, root=db.audit.root()), db.prediction(prediction_id)
    said = (prediction.id, prediction.output, prediction.model)
    assert (found["prediction"], found["output"], found["model"]) == said
    assert [one["value"] for one in found["inputs"].values()] == list(prediction.inputs.values())
    sources = [one["source"] and f"@{one['source'][0]}" for one in found["inputs"].values()]
    assert [None if version is None else f"@{version.split('@')[1].split('.')[0]}"
            for version in prediction.versions.values()] == sources  # fmt: skip
    head = parse_tree_head(bundle["checkpoint"])
    assert (head.size, head.root.hex()) == (found["size"], found["root"]) == (db.head, db.audit.root())
    return bundle  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", STORIES)
def test_every_prediction_of_the_stories(name: str) -> None:
    db = replayed(name)
    predictions = db.predictions()
    for prediction in predictions[:: max(1, len(predictions) // 4)]:
        checked(db, prediction.id)


def test_every_kind_of_column_pipeline_entity_and_source() -> None:
    for db, ids in (lineage(), wide()):
        for prediction_id in [ids] if isinstance(ids, str) else ids:
            checked(db, prediction_id)
    saga = tell()
    for prediction in saga.predictions():
        checked(saga, prediction.id)
        assert verify_bundle(checked(saga.fork(), prediction.id))
        early = saga.as_of(prediction.offset).audit.bundle(prediction.id)
        assert verify_bundle(early, root=saga.audit.root(prediction.offset))["size"] == prediction.offset


def test_a_bundle_of_a_fork_binds_the_ledgers_of_its_ancestry() -> None:
    db, prediction_id = small()
    branch = db.fork()
    again = branch.record_prediction(branch.service("ranker").get("d-7", request={"km": 1.0}), model="risk@1")
    bundle = checked(branch, again.id)
    assert bundle["header"] != checked(branch, prediction_id)["header"] or json.loads(bundle["header"])["parent"]


def test_the_file_of_verification_checks_it_alone(tmp_path: Path) -> None:
    db, prediction_id = small()
    (tmp_path / "verification.py").write_text(Path(ledger.proofs.verification.__file__).read_text("utf-8"), "utf-8")
    (tmp_path / "bundle.json").write_text(json.dumps(db.audit.bundle(prediction_id)), "utf-8")
    program = "import json, sys, verification; verification.verify_bundle(json.load(open('bundle.json')), sys.argv[1])"
    for root, code in ((db.audit.root(), 0), (bytes(32).hex(), 1)):
        command = [sys.executable, "-c", program, root]
        ran = subprocess.run(command, cwd=tmp_path, timeout=60, capture_output=True, check=False)
        assert ran.returncode == code, ran.stderr


def leaves_of(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every number and text in plain data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    return [place] if items is None else [found for key, item in items for found in leaves_of(item, (*place, key))]


def with_change(data: Any, place: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    changed = copy.deepcopy(data)
    part = changed
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = change(part[place[-1]])
    return changed


def other_text(place: int) -> Callable[[Any], Any]:
    """Another number, or a text with one character changed."""

    def change(value: Any) -> Any:
        if not isinstance(value, str):
            return value + 1
        at = place % len(value)
        return value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]

    return change


def test_every_changed_value_is_refused() -> None:
    db, prediction_id = small()
    bundle = db.audit.bundle(prediction_id)
    places = leaves_of(bundle)
    assert len(places) > 30
    for place in places:
        for at in (0, 5, 17, 41, 63, 80, 121, 199):
            with pytest.raises(InvalidProof):
                verify_bundle(with_change(bundle, place, other_text(at)))
        for other in (None, [], {}, "", -1, "x" * 70, True):
            with pytest.raises(InvalidProof):
                verify_bundle(with_change(bundle, place, lambda _, other=other: other))


def test_every_character_of_a_line_counts() -> None:
    db, prediction_id = small()
    bundle = db.audit.bundle(prediction_id)
    for number, event in enumerate(bundle["events"]):
        for at in range(len(event["line"])):
            with pytest.raises(InvalidProof):
                verify_bundle(with_change(bundle, ("events", number, "line"), other_text(at)))


def test_a_bundle_without_one_of_its_events_is_refused() -> None:
    for db, prediction_id in (small(), lineage(), (wide()[0], wide()[1][1])):
        bundle = db.audit.bundle(prediction_id)
        for number, event in enumerate(bundle["events"]):
            data = json.loads(event["line"])
            if data["type"] == "model_defined@1" or (data["type"] == "view_defined@1" and data["offset"] > 12):
                continue  # a model may be code, and nothing was written by that version of the view
            with pytest.raises(InvalidProof):
                verify_bundle({**bundle, "events": bundle["events"][:number] + bundle["events"][number + 1 :]})
        with pytest.raises(InvalidProof):
            verify_bundle({**bundle, "events": [*bundle["events"], bundle["events"][0]]})


def test_keys_that_are_gone_and_other_things_are_refused() -> None:
    db, prediction_id = small()
    bundle = db.audit.bundle(prediction_id)
    for key in bundle:
        with pytest.raises(InvalidProof):
            verify_bundle({name: value for name, value in bundle.items() if name != key})
    for other in ({}, [], None, "x", 7):
        with pytest.raises(InvalidProof):
            verify_bundle(other)  # type: ignore[arg-type]
    with pytest.raises(InvalidProof):
        verify_bundle(bundle, root=db.audit.root(3))


def forged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A bundle of a log made by hand, chain and tree right: only what its lines say can be wrong."""
    ledger_id, lines = "00" * 16, []
    head = b'{"format":"vectordb-ledger","version":1,"ledger_id":"%b","created":0,"parent":null' % ledger_id.encode()
    previous = sha256(b"\0" + head).digest()
    header = head + b',"digest":"%b"}\n' % previous.hex().encode()
    before, digests = [], []
    for offset, row in enumerate(rows, 1):
        body = json.dumps({"offset": offset, "time": offset, **row}, separators=(",", ":")).encode()[:-1]
        before.append(previous.hex())
        previous = sha256(b"\0" + bytes.fromhex(ledger_id) + previous + body).digest()
        digests.append(previous)
        lines.append((body + b',"digest":"%b"}\n' % previous.hex().encode()).decode())
    tree = tree_over(digests)
    root = tree.root(len(rows))
    return {
        "format": "vectordb-bundle", "version": 1, "header": header.decode(),
        "prediction": {"id": f"s/d@{len(rows)}", "offset": len(rows), "row": 0},
        "tree": {"size": len(rows), "root": root.hex()},
        "checkpoint": f"vectordb/{ledger_id}\n{len(rows)}\n{b64encode(root).decode()}\n",
        "events": [{"offset": offset, "line": line, "previous": prior,
                    "hashes": hexed(tree.inclusion(offset - 1, len(rows)))}
                   for offset, (line, prior) in enumerate(zip(lines, before), 1)],
    }  # fmt: skip


def rows_of(**changes: Any) -> list[dict[str, Any]]:
    view = {"name": "v", "version": 1, "entity": "e", "features": [{"name": "x", "type": "int"}]}
    put = {"type": "row_put@1", "view": "v@1", "entity": "d", "values": [12]}
    service = {"name": "s", "version": 1, "features": ["v:x"]}
    row = {"entities": ["d"], "inputs": [12], "sources": [[2, 0]], "output": 1}
    parts = {"view": view, "put": put, "service": service, "row": row, "said": {}}
    for place, value in changes.items():
        part, _, key = place.partition("__")
        parts[part] = {**parts[part], key: value} if key else value
    recorded = {"type": "predictions_recorded@1", "service": "s@1", "as_of": 3, "at": 3, "model": "m"}
    return [
        {"type": "view_defined@1", "definition": parts["view"]}, parts["put"],
        {"type": "service_defined@1", "definition": parts["service"]},
        {**recorded, **parts["said"], "predictions": [parts["row"]]},
    ]  # fmt: skip


def test_a_log_made_by_hand_passes() -> None:
    assert verify_bundle(forged(rows_of()))["inputs"] == {"v:x": {"value": 12, "source": [2, 0]}}


@pytest.mark.parametrize("changes", [
    {"row__inputs": [13]}, {"row__inputs": [12.0]}, {"row__inputs": ["12"]}, {"row__inputs": [True]},
    {"row__entities": ["e"]}, {"put__entity": 7}, {"put__view": "w@1"}, {"put__view": "v@2"}, {"put__values": []},
    {"row__sources": [[2, 1]]}, {"row__sources": [[1, 0]]}, {"row__sources": [[4, 0]]}, {"row__sources": [[9, 0]]},
    {"row__sources": [[2, -1]]}, {"row__sources": []}, {"service__features": [{"request": "x", "type": "int"}]},
    {"service__features": ["v:y"]}, {"service__version": 2}, {"said__pipeline": 1}, {"said__as_of": 1},
    {"said__service": "t@1"}, {"row__states": "n"}, {"row__states": ""}, {"put__type": "entity_deleted@1"},
    {"put__type": "log_marked@1", "put__entity": None}, {"put__features": []},
    {"row__sources": [None]}, {"row__sources": [None], "row__states": "n", "row__inputs": [None]},
    {"row__sources": [None], "row__states": "m"}, {"row__states": "x"}, {"row__states": "z"},
    {"row__states": "n", "put__values": [None]}, {"put__values": [None], "row__inputs": [None]},
    {"said__as_of": 4}, {"said__as_of": 9}, {"row__entities": ["d", "d"]},
])  # fmt: skip
def test_lines_that_are_proven_and_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    if changes == {"row__states": ""}:  # all present: the same thing said
        assert verify_bundle(forged(rows_of(**changes)))
        return
    with pytest.raises(InvalidProof):
        verify_bundle(forged(rows_of(**changes)))


@pytest.mark.parametrize("changes", [
    {"row__sources": [None], "row__states": "m", "row__inputs": [None]}, {"row__states": "x", "row__inputs": [None]},
    {"row__states": "n", "row__inputs": [None], "put__values": [None]},
])  # fmt: skip
def test_what_a_read_shows_without_a_value_passes(changes: dict[str, Any]) -> None:
    assert verify_bundle(forged(rows_of(**changes)))["inputs"]["v:x"]["value"] is None


def test_the_default_of_a_feature_is_that_of_the_view_as_it_was_read() -> None:
    view = {"name": "v", "version": 1, "entity": "e", "features": [{"name": "x", "type": "int", "default": 5}]}
    for value, passes in ((5, True), (12, False), (5.0, False), (None, False)):
        bundle = forged(rows_of(view=view, row__sources=[None], row__states="m", row__inputs=[value]))
        if passes:
            assert verify_bundle(bundle)["inputs"]["v:x"]["value"] == value
        else:
            with pytest.raises(InvalidProof):
                verify_bundle(bundle)


def test_an_input_comes_from_the_entity_of_its_own_kind() -> None:
    rows = rows_of(service__features=["v:x", "w:x"], row__entities=["d", "i"], row__inputs=[12, 12])
    item = {"type": "view_defined@1", "definition": {**rows[0]["definition"], "name": "w", "entity": "i"}}
    put = {**rows[1], "view": "w@1", "entity": "i"}
    recorded = {**rows[3], "as_of": 5, "predictions": [{**rows[3]["predictions"][0], "sources": [[2, 0], [5, 0]]}]}
    right = [*rows[:3], item, put, recorded]
    wrong = [*right[:4], {**put, "entity": "d"}, recorded]
    for log, passes in ((right, True), (wrong, False)):
        bundle = forged(log)
        bundle["prediction"]["id"] = 's/["d","i"]@6'
        if passes:
            assert len(verify_bundle(bundle)["inputs"]) == 2
        else:
            with pytest.raises(InvalidProof, match="its own entity"):
                verify_bundle(bundle)


def test_what_is_not_a_prediction_has_no_bundle() -> None:
    db, prediction_id = small()
    for wrong in ("drivers/d-7@9", "ranker/d-7@99", "x/y@1"):
        with pytest.raises(UnknownVersion):
            db.audit.bundle(wrong)
    with pytest.raises(OffsetOutOfRange):
        db.audit.bundle(prediction_id, size=99)
    with pytest.raises(OffsetOutOfRange):
        db.audit.bundle(prediction_id, size=5)
