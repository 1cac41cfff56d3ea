"""The stored ledger of real scans: a wrong answer is traced to the scan that lay upside down, and to its correction."""

from __future__ import annotations

from collections import Counter

from tests.replay.digits import UPSIDE_DOWN, scan_id
from tests.replay.fixtures import EVENTS, V1
from vectordb import VectorDB


def test_a_wrong_reading_is_traced_to_its_correction() -> None:
    db = VectorDB.replay(V1 / "digits" / EVENTS)
    wrong, right = db.prediction("reader/scan-0006@15"), db.prediction("reader/scan-0006@40.0")
    assert wrong.entity == scan_id(UPSIDE_DOWN[0]) and wrong.output != right.output

    changes = db.audit.changes(wrong)
    differ = {name for name, value in wrong.inputs.items() if right.inputs[name] != value}
    assert {one.input for one in changes if one.cause == "write"} == differ
    assert {(one.cause, one.offset) for one in changes} == {("write", 27), ("definition", 43)}
    assert all(one.after.status == "undefined" for one in changes if one.cause == "definition")

    turn = db.audit.bisect(
        lambda past: past.view("scans").get("scan-0006")["p33"] != wrong.inputs["p33"], low=3, high=42
    )
    assert turn.offset == 27 and turn.event.payload["transformation"] == "turn@1"

    why = db.audit.explain(right.id)
    assert Counter(one.version for one in why.inputs) == {
        "scans/scan-0006@27": len(differ), "scans/scan-0006@3.6": len(why.inputs) - len(differ)}  # fmt: skip
    derived = [one for one in why.cone if one.derived_from]
    assert [(one.version, one.derived_from, one.transformation) for one in derived] == [
        ("scans/scan-0006@27", ("scans/scan-0006@3.6",), "turn@1")]  # fmt: skip
    assert why.model_kind == "logistic" and why.reproduction.recomputed == right.output
